//! For tests: answers the SDK's HTTP requests from a function, and remembers them.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use drs_fleet_domain::keys::Place;
use serde_json::json;

use super::SdkIo;
use crate::config::{IoSettings, WorkerSettings};
use crate::time::SystemTime;

/// A request that the SDK made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Such as `UpdateItem`.
    pub(crate) operation: String,
    /// Such as `sqs.eu-central-1.amazonaws.com`.
    pub(crate) host: String,
    /// Who signed it, and for what.
    pub(crate) authorization: String,
    /// As sent.
    pub(crate) body: String,
}

impl Call {
    /// The body, for protocols that are JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What is answered: a status and a body.
pub(crate) type Reply = (u16, String);

type Answer = dyn Fn(&Call) -> Reply + Send + Sync;

#[derive(Clone)]
pub(crate) struct Wire {
    answer: Arc<Answer>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// The requests of one operation, in the order made.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Call> {
        self.calls.lock().unwrap().iter().filter(|c| c.operation == operation).cloned().collect()
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
        let authorization = request.headers().get("authorization").unwrap_or_default().to_owned();
        let call =
            Call { operation: operation(&request, &body), host: host(request.uri()), authorization, body };
        self.calls.lock().unwrap().push(call.clone());
        let (status, body) = (self.answer)(&call);
        let mut answer = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
        answer.headers_mut().insert("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        if status == 429 {
            answer.headers_mut().insert("retry-after", "7");
        }
        HttpConnectorFuture::ready(Ok(answer))
    }
}

fn host(uri: &str) -> String {
    uri.split('/').nth(2).unwrap_or_default().to_owned()
}

/// From the header of the JSON protocols, the form of the query protocols, or the path of the REST ones.
fn operation(request: &HttpRequest, body: &str) -> String {
    let target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
    let action = || body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let path = || request.uri().split('/').nth(3).unwrap_or_default();
    target.or_else(action).unwrap_or_else(path).to_owned()
}

/// A worker's `Io` over `answer`.
pub(crate) fn io(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> (SdkIo, Wire) {
    io_with(|_| (), answer)
}

/// The same with other settings.
pub(crate) fn io_with(
    set: impl FnOnce(&mut IoSettings),
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (SdkIo, Wire) {
    let wire = Wire { answer: Arc::new(answer), calls: Arc::default() };
    let connector = SharedHttpConnector::new(wire.clone());
    let config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("A", "k", None, None, "test")))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let queue = |name: &str| format!("https://sqs.eu-central-1.amazonaws.com/111122223333/{name}");
    let mut settings = IoSettings {
        worker: "job-monitor".into(),
        table: "fleet".into(),
        queues: Some(WorkerSettings { queue_url: queue("jobs"), dlq_url: queue("jobs-dlq") }),
        bus: Some("drs-fleet".into()),
        topic_arn: None,
        slack_secret: None,
        slack_signing_secret: None,
        slack_api: None,
    };
    set(&mut settings);
    (SdkIo::new(&config, settings, Arc::new(SystemTime)), wire)
}

/// The spoke's external id.
pub(crate) const EXTERNAL_ID: &str = "corp-7f3a9";

/// A hub and one spoke in which all is well, apart from what `odd` answers.
pub(crate) fn fleet(odd: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) -> (SdkIo, Wire) {
    io(move |call| odd(call).unwrap_or_else(|| well(call)))
}

fn well(call: &Call) -> Reply {
    let body = match call.operation.as_str() {
        "BatchGetItem" => account_row("ACTIVE"),
        "GetSecretValue" => json!({ "SecretString": EXTERNAL_ID }).to_string(),
        "AssumeRole" => "<AssumeRoleResponse><AssumeRoleResult><Credentials>\
            <AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>k</SecretAccessKey><SessionToken>t</SessionToken>\
            <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
            .to_owned(),
        _ => json!({ "items": [] }).to_string(),
    };
    (200, body)
}

/// Account 111122223333 as the table answers it.
pub(crate) fn account_row(status: &str) -> String {
    let text = |value: &str| json!({ "S": value });
    let row = json!({
        "id": text("111122223333"), "name": text("Payments"), "status": text(status), "regions": { "L": [] },
        "role_arn": text("arn:aws:iam::111122223333:role/drs-fleet"), "external_id_secret": text("drs-fleet/x"),
    });
    let item = json!({
        "pk": text("account#3"), "sk": text("account#111122223333"), "rev": { "N": "1" }, "row": { "M": row },
        "outbox": { "M": {} },
    });
    json!({ "Responses": { "fleet": [item] }, "UnprocessedKeys": {} }).to_string()
}

/// A place of that account.
pub(crate) fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}
