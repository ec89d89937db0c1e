//! Which protocol a service speaks, and where a request names its operation.

use super::Received;
use crate::call::Refusal;

/// The wire protocols of the services here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// `X-Amz-Target`, and the version of `application/x-amz-json`.
    Json(&'static str),
    /// Method and path.
    RestJson,
    /// A form with `Action`, answered in XML.
    Query,
}

/// The protocol of a signing name. What is not known here is answered as JSON.
pub(super) fn of(service: &str) -> Protocol {
    match service {
        "drs" => Protocol::RestJson,
        "ec2" | "sns" | "sts" => Protocol::Query,
        "sqs" | "dynamodb" => Protocol::Json("1.0"),
        _ => Protocol::Json("1.1"),
    }
}

/// A service that speaks as the request does, for a request whose scope is not to be trusted.
pub(super) fn guess(received: &Received) -> &'static str {
    let target = received.headers.get("x-amz-target").map_or("", String::as_str);
    let content_type = received.headers.get("content-type").map_or("", String::as_str);
    match target.split_once('.') {
        Some(("AmazonSQS", _)) => "sqs",
        Some(("DynamoDB_20120810", _)) => "dynamodb",
        Some(_) => "events",
        None if content_type.starts_with("application/x-www-form-urlencoded") => "sts",
        None => "drs",
    }
}

/// The operation that a request to `service` names.
///
/// # Errors
/// `UnknownOperationException` when it names none, or one of another service.
pub(super) fn operation(service: &str, received: &Received) -> Result<String, Refusal> {
    let found = match of(service) {
        Protocol::Json(_) => target(service, received),
        Protocol::Query => action(&received.body),
        Protocol::RestJson => route(received),
    };
    found.ok_or_else(|| Refusal::unknown(service, &format!("{} {}", received.method, received.path)))
}

fn target(service: &str, received: &Received) -> Option<String> {
    let (prefix, operation) = received.headers.get("x-amz-target")?.split_once('.')?;
    let expected = match service {
        "sqs" => "AmazonSQS",
        "dynamodb" => "DynamoDB_20120810",
        "events" => "AWSEvents",
        "secretsmanager" => "secretsmanager",
        "servicequotas" => "ServiceQuotasV20190624",
        "tagging" => "ResourceGroupsTaggingAPI_20170126",
        _ => prefix,
    };
    (prefix == expected).then(|| operation.to_owned())
}

fn action(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    text.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(str::to_owned)
}

/// Elastic Disaster Recovery names operations in the path, except for tags and two lists.
fn route(received: &Received) -> Option<String> {
    let path = received.path.strip_prefix('/')?;
    if path.starts_with("tags/") {
        let operation = match received.method.as_str() {
            "GET" => "ListTagsForResource",
            "POST" => "TagResource",
            "DELETE" => "UntagResource",
            _ => return None,
        };
        return Some(operation.to_owned());
    }
    let plain = !path.is_empty() && path.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let method = if path == "ListStagingAccounts" { "GET" } else { "POST" };
    (plain && received.method == method).then(|| path.to_owned())
}
