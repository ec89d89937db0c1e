//! One place that turns errors into what to do about them.

use std::error::Error;
use std::time::Duration;

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// What kind of failure it is, and so what becomes of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Network, time-out, 5xx, unreadable answer: the same call may go through later.
    Transient,
    /// Too fast: the same call goes through later, more slowly.
    Throttled,
    /// Not allowed, or credentials that expired: waiting helps only when a person acts.
    Denied,
    /// Another writer was first: read again and decide again.
    Conflict,
    /// The same call will never go through.
    Permanent,
}

/// Which neighbour failed; a worker pauses receiving only for its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbour {
    /// The queue.
    Queue,
    /// The table.
    Table,
    /// The event bus.
    Bus,
    /// A spoke: STS or DRS.
    Spoke,
    /// SNS, Slack.
    Channel,
    /// Secrets Manager.
    Secrets,
}

/// A call that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation} failed ({verdict:?}): {message}")]
pub struct IoError {
    /// Which neighbour.
    pub neighbour: Neighbour,
    /// Which call, such as `UpdateItem`.
    pub operation: &'static str,
    /// What to do about it.
    pub verdict: Verdict,
    /// The service's words, without secrets.
    pub message: String,
    /// How long the service asks us to wait.
    pub retry_after: Option<Duration>,
}

impl IoError {
    /// A failure without a wish of the service.
    pub fn new(
        neighbour: Neighbour,
        operation: &'static str,
        verdict: Verdict,
        message: impl Into<String>,
    ) -> Self {
        Self { neighbour, operation, verdict, message: message.into(), retry_after: None }
    }
}

impl IoError {
    /// A refusal to take an entry, by a queue that is the hub's own: see [`of_hub`].
    pub(crate) fn of_own_queue(self) -> Self {
        let code = self.message.split(':').next().unwrap_or_default();
        Self { verdict: of_hub(Neighbour::Queue, self.verdict, code, &self.message), ..self }
    }
}

/// Too fast, in the words of single services.
const MORE_THROTTLING: &[&str] = &["OverLimit", "KmsThrottled", "KMS.ThrottlingException", "KMSThrottling"];

/// May go through later, in the words of single services.
const MORE_TRANSIENT: &[&str] = &[
    "InternalFailure",
    "InternalError",
    "InternalServerError",
    "InternalServerException",
    "InternalException",
    "InternalServiceError",
    "ServiceUnavailable",
    "TransactionConflictException",
    "ReplicatedWriteConflictException",
];

/// Not allowed, or credentials that are no good any more.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "AuthFailure",
    "UnauthorizedOperation",
    "NotAuthorized",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "UnrecognizedClient",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidSignature",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "OptInRequired",
    "RegionDisabledException",
    "KmsAccessDenied",
    "KMSAccessDenied",
    "KMSAccessDeniedException",
];

/// The write lost against another, or (DRS) the resource is in use by another call.
const CONFLICT: &[&str] = &["ConditionalCheckFailedException", "ConditionalCheckFailed", "ConflictException"];

/// What the table says when the one item is at fault, and not the table.
const OF_THE_ITEM: &[&str] = &["exceeded", "Nesting Levels", "empty string value"];

/// What the queue says when the one message is at fault, and not the queue.
const OF_THE_MESSAGE: &[&str] = &["InvalidMessageContents", "BatchRequestTooLong"];

/// The longest that a service's wish to wait is heeded: one odd header must not silence an account for a day.
pub(crate) const LONGEST_WISH: Duration = Duration::from_mins(15);

/// Messages of services are cut here: some repeat what they were sent.
const MESSAGE_LIMIT: usize = 400;

/// Judges an answer by its error code and, where that says nothing, by its HTTP status.
pub fn of_code(code: &str, status: u16) -> Verdict {
    let among = |lists: &[&[&str]]| lists.iter().any(|list| list.contains(&code));
    if among(&[THROTTLING_ERRORS, MORE_THROTTLING]) {
        Verdict::Throttled
    } else if among(&[DENIED]) {
        Verdict::Denied
    } else if among(&[CONFLICT]) {
        Verdict::Conflict
    } else if among(&[TRANSIENT_ERRORS, MORE_TRANSIENT]) {
        Verdict::Transient
    } else {
        match status {
            429 => Verdict::Throttled,
            408 | 500..=599 => Verdict::Transient,
            // A refusal without a code comes from a proxy or an endpoint policy.
            401 | 403 if code.is_empty() => Verdict::Denied,
            _ => Verdict::Permanent,
        }
    }
}

/// The verdict where the hub's own table or queue refused. A wrong name, a lost permission or a table that is
/// being restored is mended by a person, and until then every message would meet it: it counts as "away", so that
/// messages are held. Only what is said of the one item or message is `Permanent`.
fn of_hub(neighbour: Neighbour, verdict: Verdict, code: &str, message: &str) -> Verdict {
    let has_own_fault = match neighbour {
        Neighbour::Table => {
            code == "ItemCollectionSizeLimitExceededException"
                || (code == "ValidationException" && OF_THE_ITEM.iter().any(|words| message.contains(words)))
        }
        Neighbour::Queue => OF_THE_MESSAGE.iter().any(|of_message| code.ends_with(of_message)),
        _ => return verdict,
    };
    match verdict {
        Verdict::Denied => Verdict::Transient,
        Verdict::Permanent if !has_own_fault => Verdict::Transient,
        verdict => verdict,
    }
}

/// What a failed call of the SDK means.
pub fn classify<E>(
    neighbour: Neighbour,
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> IoError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    classify_hiding(None, neighbour, operation, error)
}

/// As [`classify`], where the service may repeat a secret that it was sent.
pub(crate) fn classify_hiding<E>(
    secret: Option<&str>,
    neighbour: Neighbour,
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> IoError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    // Before cutting: half a secret would not be found any more.
    let clean = |text: String| match secret.filter(|secret| !secret.is_empty()) {
        Some(secret) => cut(&text.replace(secret, "[hidden]")),
        None => cut(&text),
    };
    // Our own credentials provider failed below this call: its verdict is the cause's.
    if let Some(cause) = find::<IoError>(error) {
        return cause.clone();
    }
    let SdkError::ServiceError(answer) = error else {
        let verdict = match error {
            // The request itself cannot be built; sending it again builds the same.
            SdkError::ConstructionFailure(_) => of_hub(neighbour, Verdict::Permanent, "", ""),
            _ => Verdict::Transient,
        };
        return IoError::new(neighbour, operation, verdict, clean(all_words(error)));
    };
    let (code, status) = (answer.err().code().unwrap_or_default(), answer.raw().status().as_u16());
    let message = match (code, answer.err().message()) {
        ("", None) => format!("HTTP {status} without an error code"),
        (code, None) => code.to_owned(),
        (code, Some(message)) => clean(format!("{code}: {message}")),
    };
    let verdict = of_hub(neighbour, of_code(code, status), code, answer.err().message().unwrap_or_default());
    let mut judged = IoError::new(neighbour, operation, verdict, message);
    judged.retry_after = answer.raw().headers().get("retry-after").and_then(seconds);
    judged
}

/// A `Retry-After` in seconds, [`LONGEST_WISH`] at most. Its other form, a date, is not used by AWS and counts as
/// absent.
pub(crate) fn seconds(header: &str) -> Option<Duration> {
    header.trim().parse().ok().map(|seconds| Duration::from_secs(seconds).min(LONGEST_WISH))
}

/// The words of an error and of its causes.
pub(crate) fn words(error: &(dyn Error + 'static)) -> String {
    cut(&all_words(error))
}

fn all_words(error: &(dyn Error + 'static)) -> String {
    let all: Vec<String> = causes(error).map(ToString::to_string).collect();
    all.join(": ")
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_LIMIT).collect()
}

#[cfg(test)]
mod tests;
