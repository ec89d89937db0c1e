//! From a resource's type to what creates it, and the calls that do.

use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::World;
use crate::call::{Call, Principal};

use super::StackError;
use super::api;
use super::intrinsics::{Made, Scope};
use super::properties::Properties;

/// Creates resources in one account and Region.
pub struct Builder<'a> {
    pub world: &'a Arc<World>,
    pub account: &'a str,
    pub region: &'a str,
}

impl Builder<'_> {
    /// Creates one resource of a template.
    pub async fn create(&self, id: &str, resource: &Value, scope: &Scope) -> Result<Made, StackError> {
        let kind = kind_of(id, resource)?;
        let resolved = scope.resolve(&resource["Properties"]);
        let resolved = resolved.map_err(|reason| StackError::resource(id, reason))?.unwrap_or_default();
        let properties = Properties::new(id, kind, resolved)?;
        match kind {
            "AWS::SQS::Queue" => self.queue(properties).await,
            "AWS::SQS::QueuePolicy" => self.queue_policy(properties).await,
            "AWS::SNS::Topic" => self.topic(properties).await,
            "AWS::SNS::Subscription" => self.subscription(properties).await,
            "AWS::Events::EventBus" => self.event_bus(properties).await,
            "AWS::Events::EventBusPolicy" => self.event_bus_policy(properties).await,
            "AWS::Events::Rule" => self.rule(properties).await,
            "AWS::DynamoDB::Table" => self.table(properties).await,
            "AWS::SecretsManager::Secret" => self.secret(properties).await,
            "AWS::IAM::Role" => self.role(properties),
            "AWS::ApiGateway::RestApi" => self.rest_api(properties),
            "AWS::ApiGateway::Resource" => self.api_resource(properties),
            "AWS::ApiGateway::Method" => self.api_method(properties),
            "AWS::ApiGateway::Deployment" => api::deployment(properties),
            "AWS::ApiGateway::Stage" => self.api_stage(properties),
            "AWS::Scheduler::Schedule" => self.schedule(properties),
            _ => Err(StackError::resource(id, format!("the type {kind} is not known here"))),
        }
    }

    /// A call in a JSON protocol.
    pub async fn call(&self, id: &str, to: (&str, &str), body: Value) -> Result<Value, StackError> {
        let answer = self.perform(id, to, body.to_string().into_bytes()).await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// A call in the query protocol; the answer is XML.
    pub async fn query(
        &self,
        id: &str,
        to: (&str, &str),
        parameters: &BTreeMap<String, String>,
    ) -> Result<String, StackError> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = parameters.iter().map(|(name, value)| format!("&{}={}", encode(name), encode(value)));
        let body = format!("Action={}{}", to.1, pairs.collect::<String>());
        let answer = self.perform(id, to, body.into_bytes()).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    async fn perform(&self, id: &str, to: (&str, &str), body: Vec<u8>) -> Result<Vec<u8>, StackError> {
        let call = Call::by(Principal::Operator { account: self.account.to_owned() }, self.region, to, body);
        let answer = self.world.perform(&call).await;
        answer.map(|reply| reply.body).map_err(|refusal| StackError::refused(id, refusal))
    }
}

/// The type of a resource, whose other members must be known too.
fn kind_of<'a>(id: &str, resource: &'a Value) -> Result<&'a str, StackError> {
    let known = ["Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy"];
    let members = resource.as_object().into_iter().flatten();
    if let Some((name, _)) = members.into_iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(StackError::resource(id, format!("the attribute {name} is not known here")));
    }
    resource["Type"].as_str().ok_or_else(|| StackError::resource(id, "it has no Type"))
}

/// A resource whose `Ref` is `reference`, with its attributes.
pub fn made<const N: usize>(reference: impl Into<String>, attributes: [(&'static str, String); N]) -> Made {
    Made { reference: reference.into(), attributes: BTreeMap::from(attributes) }
}

/// A text member of an answer.
pub fn member(answer: &Value, name: &str) -> String {
    answer.get(name).unwrap_or(&json!("")).as_str().unwrap_or_default().to_owned()
}
