//! Answers in the dialect of each service. Inside the cloud refusals have one vocabulary, `AccessDenied` or
//! `InvalidClientTokenId`; on the wire each service has its own words for them.

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::protocol::{self, Protocol};
use crate::Clock;
use crate::call::{Refusal, Reply};

pub(super) fn replied(clock: &Clock, service: &str, reply: Reply) -> Response<Full<Bytes>> {
    respond(clock, service, &request_id(), reply.status, reply.body, &[])
}

pub(super) fn refused(clock: &Clock, service: &str, refusal: Refusal) -> Response<Full<Bytes>> {
    let Refusal { status, code, message, mut members, mut headers } = dialect(service, refusal);
    let request_id = request_id();
    let body = match protocol::of(service) {
        Protocol::Query => xml_error(service, &request_id, status, &code, &message),
        Protocol::Json(_) => {
            if service == "sqs" {
                let fault = if status < 500 { "Sender" } else { "Receiver" };
                headers.push(("x-amzn-query-error".to_owned(), format!("{};{fault}", sqs_query_code(&code))));
            }
            members.insert("__type".to_owned(), Value::from(code));
            members.entry("message").or_insert_with(|| Value::from(message));
            Value::Object(members).to_string()
        }
        Protocol::RestJson => {
            headers.push(("x-amzn-errortype".to_owned(), code.clone()));
            members.entry("code").or_insert_with(|| Value::from(code));
            members.entry("message").or_insert_with(|| Value::from(message));
            Value::Object(members).to_string()
        }
    };
    respond(clock, service, &request_id, status, body.into_bytes(), &headers)
}

fn respond(
    clock: &Clock,
    service: &str,
    request_id: &str,
    status: u16,
    body: Vec<u8>,
    more: &[(String, String)],
) -> Response<Full<Bytes>> {
    let content_type = match protocol::of(service) {
        Protocol::Json("1.0") => "application/x-amz-json-1.0",
        Protocol::Json(_) => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::Query => "text/xml",
    };
    let date = clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    // An SDK takes `Date` for the time to sign at, which is real here while `Date` is not; it leaves the
    // date of an answer alone that says it comes from a cache.
    let own = [
        ("date", date.as_str()),
        ("age", "0"),
        ("x-amzn-requestid", request_id),
        ("content-type", content_type),
    ];
    let more = more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status.try_into().unwrap_or_default();
    for (name, value) in own.into_iter().chain(more) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The words and statuses that `service` has for the refusals that all services share.
fn dialect(service: &str, mut refusal: Refusal) -> Refusal {
    let protocol = protocol::of(service);
    let (status, code) = match (refusal.code.as_str(), protocol) {
        ("AccessDenied", _) if service == "sns" => (403, "AuthorizationError"),
        ("AccessDenied", _) if service == "ec2" => (403, "UnauthorizedOperation"),
        ("InvalidClientTokenId", _) if service == "ec2" => (401, "AuthFailure"),
        ("AccessDenied", Protocol::RestJson) => (403, "AccessDeniedException"),
        ("AccessDenied", Protocol::Json(_)) => {
            (if service == "sqs" { 403 } else { 400 }, "AccessDeniedException")
        }
        ("ExpiredTokenException", Protocol::Query) => (403, "ExpiredToken"),
        ("ExpiredTokenException", Protocol::Json(_)) => (400, "ExpiredTokenException"),
        ("InvalidClientTokenId", Protocol::RestJson) => (403, "UnrecognizedClientException"),
        ("InvalidClientTokenId", Protocol::Json(_)) => (400, "UnrecognizedClientException"),
        ("SignatureDoesNotMatch", Protocol::RestJson) => (403, "InvalidSignatureException"),
        ("SignatureDoesNotMatch", Protocol::Json(_)) => (400, "InvalidSignatureException"),
        ("MissingAuthenticationToken", Protocol::RestJson) => (403, "MissingAuthenticationTokenException"),
        ("MissingAuthenticationToken", Protocol::Json(_)) => (400, "MissingAuthenticationTokenException"),
        ("IncompleteSignature", Protocol::RestJson | Protocol::Json(_)) => {
            (400, "IncompleteSignatureException")
        }
        ("UnknownOperationException", Protocol::Query) => (400, "InvalidAction"),
        _ => return refusal,
    };
    refusal.status = status;
    code.clone_into(&mut refusal.code);
    refusal
}

/// SQS moved from the query protocol to JSON and still sends its old codes in a header, which is where SDKs
/// look first.
fn sqs_query_code(code: &str) -> String {
    match code {
        "AccessDeniedException" => "AccessDenied".to_owned(),
        "UnrecognizedClientException" => "InvalidClientTokenId".to_owned(),
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "QueueNameExists" => "QueueAlreadyExists".to_owned(),
        "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "EmptyBatchRequest"
        | "InvalidBatchEntryId"
        | "MessageNotInflight"
        | "PurgeQueueInProgress"
        | "QueueDeletedRecently"
        | "TooManyEntriesInBatchRequest"
        | "UnsupportedOperation" => format!("AWS.SimpleQueueService.{code}"),
        other => other.to_owned(),
    }
}

fn xml_error(service: &str, request_id: &str, status: u16, code: &str, message: &str) -> String {
    let (code, message) = (escape(code), escape(message));
    if service == "ec2" {
        return format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>{request_id}</RequestID></Response>"
        );
    }
    let namespace = match service {
        "sns" => "http://sns.amazonaws.com/doc/2010-03-31/",
        _ => "https://sts.amazonaws.com/doc/2011-06-15/",
    };
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{fault}</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
