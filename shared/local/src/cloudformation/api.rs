//! REST APIs in front of a queue, which have no wire API here.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value};

use crate::apigateway::{Integration, Mapping, Response};
use crate::call::Refusal;

use super::StackError;
use super::intrinsics::Made;
use super::properties::Properties;
use super::resources::{Builder, made};

impl Builder<'_> {
    pub(super) fn rest_api(&self, mut properties: Properties) -> Result<Made, StackError> {
        properties.text("Name")?;
        properties.optional_text("Description")?;
        let mut endpoint = properties.nested("EndpointConfiguration")?;
        if endpoint.need("Types")? != serde_json::json!(["REGIONAL"]) {
            return Err(endpoint.error("Types", "must be REGIONAL alone here"));
        }
        endpoint.finish()?;
        properties.finish()?;
        let (id, root) = self.world.apis.create(self.account, self.region);
        Ok(made(id, [("RootResourceId", root)]))
    }

    pub(super) fn api_resource(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let (api, parent) = (properties.text("RestApiId")?, properties.text("ParentId")?);
        let part = properties.text("PathPart")?;
        properties.finish()?;
        let added = self.world.apis.add_resource(&api, &parent, &part);
        Ok(made(added.map_err(|refusal| StackError::refused(&id, refusal))?, []))
    }

    pub(super) fn api_method(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let (api, resource) = (properties.text("RestApiId")?, properties.text("ResourceId")?);
        let method = properties.text("HttpMethod")?;
        must_be(&mut properties, "AuthorizationType", "NONE")?;
        let responses = statuses(&mut properties)?;
        let integration = self.integration(properties.nested("Integration")?)?;
        properties.finish()?;
        if let Some(odd) = integration.responses.iter().find(|each| !responses.contains(&each.status)) {
            return Err(StackError::resource(&id, format!("no method response has status {}", odd.status)));
        }
        let added = self.world.apis.add_method(&api, &resource, &method, integration);
        added.map_err(|refusal| StackError::refused(&id, refusal))?;
        Ok(made(id, []))
    }

    /// Method settings are read and not kept: nobody is throttled here.
    pub(super) fn api_stage(&self, mut properties: Properties) -> Result<Made, StackError> {
        let id = properties.id().to_owned();
        let (api, stage) = (properties.text("RestApiId")?, properties.text("StageName")?);
        properties.text("DeploymentId")?;
        properties.list("MethodSettings")?;
        properties.finish()?;
        let added = self.world.apis.add_stage(&api, &stage);
        added.map_err(|refusal: Refusal| StackError::refused(&id, refusal))?;
        Ok(made(stage, []))
    }

    fn integration(&self, mut properties: Properties) -> Result<Integration, StackError> {
        must_be(&mut properties, "Type", "AWS")?;
        must_be(&mut properties, "IntegrationHttpMethod", "POST")?;
        must_be(&mut properties, "PassthroughBehavior", "NEVER")?;
        let uri = properties.text("Uri")?;
        let prefix = format!("arn:aws:apigateway:{}:sqs:path/", self.region);
        let queue = uri.strip_prefix(&prefix).and_then(|path| path.split_once('/'));
        let (account, name) = queue.ok_or_else(|| properties.error("Uri", "is no queue of this Region"))?;
        let queue_arn = format!("arn:aws:sqs:{}:{account}:{name}", self.region);
        let role_arn = properties.text("Credentials")?;
        let mut parameters = properties.nested("RequestParameters")?;
        let content_type = "integration.request.header.Content-Type";
        must_be(&mut parameters, content_type, "'application/x-www-form-urlencoded'")?;
        parameters.finish()?;
        let requests = requests(&mut properties)?;
        let responses = answers(&mut properties)?;
        properties.finish()?;
        Ok(Integration { queue_arn, role_arn, requests, responses })
    }
}

/// A stage is what opens an API here, so a deployment is nothing of its own.
pub(super) fn deployment(mut properties: Properties) -> Result<Made, StackError> {
    let id = properties.id().to_owned();
    properties.text("RestApiId")?;
    properties.optional_text("Description")?;
    properties.finish()?;
    Ok(made(id, []))
}

fn must_be(properties: &mut Properties, name: &str, only: &str) -> Result<(), StackError> {
    if properties.text(name)? == only {
        Ok(())
    } else {
        Err(properties.error(name, &format!("must be {only} here")))
    }
}

fn requests(properties: &mut Properties) -> Result<BTreeMap<String, Mapping>, StackError> {
    let Value::Object(templates) = properties.need("RequestTemplates")? else {
        return Err(properties.error("RequestTemplates", "must be a mapping"));
    };
    let parsed = templates.into_iter().map(|(content_type, template)| {
        let mapping = Mapping::parse(template.as_str().unwrap_or_default());
        let mapping = mapping.map_err(|reason| properties.error("RequestTemplates", &reason))?;
        Ok((content_type, mapping))
    });
    parsed.collect()
}

fn answers(properties: &mut Properties) -> Result<Vec<Response>, StackError> {
    let mut responses = Vec::new();
    for response in properties.list("IntegrationResponses")? {
        let mut response = Properties::new(properties.id(), "IntegrationResponses", response)?;
        let status = status(&mut response)?;
        let pattern = response.optional_text("SelectionPattern")?.map(|pattern| Regex::new(&pattern));
        let pattern = pattern.transpose().map_err(|_| response.error("SelectionPattern", "is no pattern"))?;
        let templates = response.pick(&["ResponseTemplates"]).remove("ResponseTemplates").unwrap_or_default();
        response.finish()?;
        responses.push(Response { pattern, status, body: fixed(templates.as_object()) });
    }
    Ok(responses)
}

/// The first template: the text that is answered, whatever it is.
fn fixed(templates: Option<&Map<String, Value>>) -> String {
    let first = templates.and_then(|templates| templates.values().next());
    first.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn statuses(properties: &mut Properties) -> Result<Vec<u16>, StackError> {
    let mut statuses = Vec::new();
    for response in properties.list("MethodResponses")? {
        let mut response = Properties::new(properties.id(), "MethodResponses", response)?;
        statuses.push(status(&mut response)?);
        response.finish()?;
    }
    Ok(statuses)
}

fn status(response: &mut Properties) -> Result<u16, StackError> {
    let status = response.text("StatusCode")?;
    status.parse().map_err(|_| response.error("StatusCode", "is no status"))
}
