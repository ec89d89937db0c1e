//! API Gateway: REST APIs that put what anybody posts on a queue. Made by templates alone; there is no wire API for that here.
//!
//! On AWS each API has a host of its own; here all share the cloud's port, below `/execute-api/`: [`local_url`]. A deployment
//! is no picture of its API but the API itself, and stages throttle nobody.

mod mapping;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use regex_lite::Regex;

use crate::World;
use crate::call::{Principal, Refusal};
use crate::world::lock;
pub use mapping::{Input, Mapping};

/// Below this path of the cloud's port are the APIs: `/execute-api/ID/STAGE/PATH`.
pub(crate) const PREFIX: &str = "/execute-api/";

/// All APIs.
#[derive(Debug, Default)]
pub struct Apis(Mutex<BTreeMap<String, Api>>);

#[derive(Clone, Debug, Default)]
struct Api {
    account: String,
    region: String,
    stages: Vec<String>,
    /// By id: the path.
    resources: BTreeMap<String, String>,
    /// By HTTP method and path.
    methods: BTreeMap<(String, String), Arc<Integration>>,
}

/// How a method is integrated with a queue.
#[derive(Clone, Debug)]
pub struct Integration {
    /// The queue.
    pub queue_arn: String,
    /// In which role messages are sent.
    pub role_arn: String,
    /// By content type of the request; what has no template is refused.
    pub requests: BTreeMap<String, Mapping>,
    /// In the order in which they are tried.
    pub responses: Vec<Response>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Response {
    /// Matches the queue's status; none: any.
    pub pattern: Option<Regex>,
    /// What the caller gets.
    pub status: u16,
    /// What the caller reads.
    pub body: String,
}

/// What somebody asks of an API.
#[derive(Debug)]
pub struct Request<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// The path below `/execute-api/`.
    pub path: &'a str,
    /// What the mapping looks at.
    pub input: Input<'a>,
}

/// The address here of an API whose address on AWS is `url`.
pub fn local_url(endpoint: &str, url: &str) -> Option<String> {
    let (id, rest) = url.strip_prefix("https://")?.split_once(".execute-api.")?;
    let (_, path) = rest.split_once('/')?;
    Some(format!("{endpoint}{PREFIX}{id}/{path}"))
}

impl Apis {
    /// Makes an API; answers its id and that of its root.
    pub fn create(&self, account: &str, region: &str) -> (String, String) {
        let id = new_id();
        let root = new_id();
        let resources = BTreeMap::from([(root.clone(), String::new())]);
        let (account, region) = (account.to_owned(), region.to_owned());
        lock(&self.0).insert(id.clone(), Api { account, region, resources, ..Api::default() });
        (id, root)
    }

    /// Adds a part of a path; answers its id.
    ///
    /// # Errors
    /// `NotFoundException` for an API or a parent that is not there.
    pub fn add_resource(&self, api: &str, parent: &str, part: &str) -> Result<String, Refusal> {
        self.change(api, |api| {
            let path = format!("{}/{part}", api.resources.get(parent).ok_or_else(|| missing("resource"))?);
            let id = new_id();
            api.resources.insert(id.clone(), path);
            Ok(id)
        })
    }

    /// Integrates a method of a resource.
    ///
    /// # Errors
    /// `NotFoundException` for an API or a resource that is not there.
    pub fn add_method(
        &self,
        api: &str,
        resource: &str,
        method: &str,
        with: Integration,
    ) -> Result<(), Refusal> {
        self.change(api, |api| {
            let path = api.resources.get(resource).cloned().ok_or_else(|| missing("resource"))?;
            api.methods.insert((method.to_owned(), path), Arc::new(with));
            Ok(())
        })
    }

    /// Opens a stage.
    ///
    /// # Errors
    /// `NotFoundException` for an API that is not there, `BadRequestException` for one without methods.
    pub fn add_stage(&self, api: &str, stage: &str) -> Result<(), Refusal> {
        self.change(api, |api| {
            if api.methods.is_empty() {
                return Err(Refusal::new(
                    400,
                    "BadRequestException",
                    "The REST API doesn't contain any methods",
                ));
            }
            api.stages.push(stage.to_owned());
            Ok(())
        })
    }

    /// Answers whoever asks: status and body. Nobody is authenticated.
    pub(crate) fn invoke(&self, world: &World, request: &Request<'_>) -> (u16, String) {
        let Some((api, integration)) = self.find(request) else {
            return (403, r#"{"message":"Missing Authentication Token"}"#.to_owned());
        };
        let content_type =
            request.input.headers.get("content-type").map_or("application/json", String::as_str);
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        let Some(mapping) = integration.requests.get(content_type) else {
            return (415, r#"{"message":"Unsupported Media Type"}"#.to_owned());
        };
        let form = mapping.render(&request.input);
        let status = api.send(world, &integration, &form).map_or_else(|refusal| refusal.status, |()| 200);
        integration.answer(status)
    }

    fn find(&self, request: &Request<'_>) -> Option<(Api, Arc<Integration>)> {
        let (id, rest) = request.path.split_once('/')?;
        let (stage, path) = rest.split_once('/')?;
        let apis = lock(&self.0);
        let api = apis.get(id).filter(|api| api.stages.iter().any(|each| each == stage))?;
        let integration = api.methods.get(&(request.method.to_owned(), format!("/{path}")))?;
        Some((api.clone(), Arc::clone(integration)))
    }

    fn change<T>(&self, id: &str, change: impl FnOnce(&mut Api) -> Result<T, Refusal>) -> Result<T, Refusal> {
        lock(&self.0).get_mut(id).ok_or_else(|| missing("API")).and_then(change)
    }
}

impl Api {
    /// Sends as the integration's role, which must trust the service.
    fn send(&self, world: &World, integration: &Integration, form: &str) -> Result<(), Refusal> {
        let service = Principal::Service {
            name: "apigateway.amazonaws.com".to_owned(),
            source_arn: format!("arn:aws:execute-api:{}:{}:api", self.region, self.account),
            source_account: self.account.clone(),
        };
        let role =
            world.iam.act_as(&world.clock, &service, &integration.role_arn, "BackplaneAssumeRoleSession")?;
        let fields: BTreeMap<_, _> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();
        if fields.get("Action") != Some(&"SendMessage") {
            return Err(Refusal::new(400, "InvalidAction", "only SendMessage is known here"));
        }
        let body = crate::call::form_decode(fields.get("MessageBody").copied().unwrap_or_default());
        world.sqs.deliver(world, &role, &integration.queue_arn, &body, &BTreeMap::new())
    }
}

impl Integration {
    fn answer(&self, status: u16) -> (u16, String) {
        let status = status.to_string();
        let fits = |pattern: &Regex| pattern.find(&status).is_some_and(|found| found.as_str() == status);
        let chosen = self.responses.iter().find(|response| response.pattern.as_ref().is_some_and(fits));
        let chosen = chosen.or_else(|| self.responses.iter().find(|response| response.pattern.is_none()));
        chosen.map_or_else(
            || (500, r#"{"message":"Internal server error"}"#.to_owned()),
            |response| (response.status, response.body.clone()),
        )
    }
}

fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string().chars().take(10).collect()
}

fn missing(what: &str) -> Refusal {
    Refusal::new(404, "NotFoundException", format!("Invalid {what} identifier specified"))
}
