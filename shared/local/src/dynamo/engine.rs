//! Requests in, answers and errors out, in DynamoDB's JSON.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::call::Refusal;

/// Performs one operation of the engine and returns the answer's body.
///
/// # Errors
/// What DynamoDB refuses; `UnknownOperationException` for what this project does not use.
pub(super) fn perform(database: &Database, operation: &str, body: &str) -> Result<String, Refusal> {
    let answer = match operation {
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "ListTables" => run(body, |request| database.list_tables(request)),
        "DeleteTable" => run(body, |request| database.delete_table(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        "DescribeTimeToLive" => run(body, |request| database.describe_time_to_live(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchExecuteStatement" => run(body, |request| database.batch_execute_statement(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "TransactGetItems" => run(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        other => return Err(Refusal::unknown("dynamodb", other)),
    };
    answer.map_err(|error| refusal(operation, &error))
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &str,
    act: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<String> {
    let request = serde_json::from_str(body).map_err(|error| unreadable(&error))?;
    let answer = act(request)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The engine's request types say in a prefix which kind of error a value is that they do not take; its own
/// HTTP server reads the same prefixes.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    match text.split_once(':') {
        Some(("VALIDATION" | "VALIDATION_AS_READ", rest)) => {
            DynoxideError::ValidationException(rest.to_owned())
        }
        Some(("VALIDATION_REQUEST", rest)) => DynoxideError::EnvelopedValidation(rest.to_owned()),
        Some(("SERIALIZATION" | "SERIALIZATION_AS_READ", rest)) => {
            DynoxideError::SerializationException(rest.to_owned())
        }
        _ if text.contains("missing field") || text.contains("unknown variant") || text.contains("null") => {
            DynoxideError::ValidationException(text.to_owned())
        }
        _ => DynoxideError::SerializationException(text.to_owned()),
    }
}

/// An engine error with the members that DynamoDB sends along: `Item`, `CancellationReasons`.
pub(super) fn refusal(operation: &str, error: &DynoxideError) -> Refusal {
    let code = error.error_type().rsplit('#').next().unwrap_or_default();
    let writes_one_item = matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem");
    let message = match error {
        DynoxideError::EnvelopedValidation(text) if writes_one_item => {
            format!("1 validation error detected: {text}")
        }
        other => other.to_string(),
    };
    let mut refusal = Refusal::new(error.status_code(), code, message);
    if let Ok(Value::Object(members)) = serde_json::from_str(&error.to_json()) {
        let further = |name: &str| !matches!(name, "__type" | "message" | "Message");
        refusal.members = members.into_iter().filter(|(name, _)| further(name)).collect();
    }
    refusal
}
