//! SQS errors. SQS came from the query protocol, so each error has two names: the shape, which becomes
//! `__type: com.amazonaws.sqs#SHAPE`, and the older query code, which travels in the header
//! `x-amzn-query-error: CODE;Sender` and is what SDKs show as the error code.

use crate::call::Refusal;

/// A refusal with its query code in the header. `code` is the shape.
pub fn refuse(code: &str, message: impl Into<String>) -> Refusal {
    let status = if matches!(code, "OverLimit" | "PurgeQueueInProgress") { 403 } else { 400 };
    Refusal::new(status, code, message).header("x-amzn-query-error", format!("{};Sender", query_code(code)))
}

/// The query code of an error shape.
pub fn query_code(shape: &str) -> String {
    match shape {
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
        | "UnsupportedOperation" => format!("AWS.SimpleQueueService.{shape}"),
        other => other.to_owned(),
    }
}

/// `InvalidParameterValue` in the words that AWS uses for one parameter.
pub fn invalid(value: impl std::fmt::Display, parameter: &str, reason: &str) -> Refusal {
    let text = format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}");
    refuse("InvalidParameterValue", text)
}

/// A required parameter is absent.
pub fn missing(parameter: &str) -> Refusal {
    refuse("MissingParameter", format!("The request must contain the parameter {parameter}."))
}

/// No such queue, or none that the caller may know of.
pub fn no_queue() -> Refusal {
    refuse("QueueDoesNotExist", "The specified queue does not exist.")
}
