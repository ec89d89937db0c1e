//! New items: each is a conditional `PutItem`, but of those that come in crowds several are one `BatchExecuteStatement`.
//!
//! A first sweep writes rows by the ten thousand, and what such a write costs a processor is mostly the call. Of the
//! batches that DynamoDB has only this one keeps the condition of each item at the price of a single write:
//! `BatchWriteItem` has no conditions, and in a transaction a write costs twice as much and one lost condition fails all
//! (AWS Developer Guide: "Running batch operations" of `PartiQL`, "Transactions: How it works").

use std::collections::HashSet;
use std::sync::{Arc, Once};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    BatchStatementError, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
    ReturnValuesOnConditionCheckFailure::AllOld,
};

use super::{Answer, Item, Lost, key_of};
use crate::verdict::{IoError, Neighbour, Verdict, classify, of_code};

pub(super) const ALONE: &str = "PutItem";
pub(super) const TOGETHER: &str = "BatchExecuteStatement";

/// Inserts items, at most as many as one call takes, and answers for each whether it is stored. One that is not is to be
/// put alone, which tells what is in its place, or what is wrong with it.
pub(super) async fn batch(client: Client, table: Arc<str>, items: Vec<Item>) -> Vec<Answer<bool>> {
    // A batch in which a key comes twice is refused as a whole.
    let mut keys = HashSet::new();
    let is_first: Vec<_> = items.iter().map(|item| keys.insert(key_of(item))).collect();
    let firsts: Vec<_> =
        items.into_iter().zip(&is_first).filter_map(|(item, first)| first.then_some(item)).collect();
    // One is no batch; and statements name tables, never their ARNs.
    let inserted = if firsts.len() < 2 || table.starts_with("arn:") {
        Ok(Vec::new())
    } else {
        insert(&client, &table, firsts).await
    };
    let mut stored = match inserted {
        Ok(stored) => stored.into_iter(),
        Err(error) => return is_first.iter().map(|_| Err(error.clone())).collect(),
    };
    is_first
        .into_iter()
        .map(|is_first| if is_first { stored.next().unwrap_or(Ok(false)) } else { Ok(false) })
        .collect()
}

/// Inserts items; what is missing at the end of the answer is not stored.
async fn insert(client: &Client, table: &str, items: Vec<Item>) -> Answer<Vec<Answer<bool>>> {
    let statements: Result<Vec<_>, _> = items.into_iter().map(|item| statement(table, item)).collect();
    let statements = statements
        .map_err(|e| IoError::new(Neighbour::Table, TOGETHER, Verdict::Permanent, e.to_string()))?;
    let answers = match client.batch_execute_statement().set_statements(Some(statements)).send().await {
        Ok(answer) => answer.responses.unwrap_or_default(),
        Err(error) => {
            let status = error.raw_response().map_or(500, |answer| answer.status().as_u16());
            let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
            let judged = classify(Neighbour::Table, TOGETHER, &error);
            if !matches!(of_code(code, status), Verdict::Denied | Verdict::Permanent) {
                return Err(judged);
            }
            warn(&judged);
            return Ok(Vec::new());
        }
    };
    Ok(answers.iter().map(|answer| answer.error().map_or(Ok(true), not_inserted)).collect())
}

/// What the error of one statement means: the table takes nothing now, or the item is to be put alone.
fn not_inserted(error: &BatchStatementError) -> Answer<bool> {
    let message = format!("{:?}: {}", error.code(), error.message().unwrap_or_default());
    let judged = |verdict| IoError::new(Neighbour::Table, TOGETHER, verdict, message);
    match error.code() {
        Some(Code::ThrottlingError | Code::ProvisionedThroughputExceeded | Code::RequestLimitExceeded) => {
            Err(judged(Verdict::Throttled))
        }
        Some(Code::InternalServerError) => Err(judged(Verdict::Transient)),
        Some(Code::DuplicateItem) => Ok(false),
        _ => {
            warn(&judged(Verdict::Permanent));
            Ok(false)
        }
    }
}

/// A role that is older than this program may put and not insert: it works on, with more calls.
fn warn(error: &IoError) {
    static SAID: Once = Once::new();
    SAID.call_once(|| tracing::warn!(%error, "new items are stored one by one (said once)"));
}

fn statement(table: &str, item: Item) -> Result<BatchStatementRequest, BuildError> {
    let (names, values): (Vec<_>, Vec<_>) =
        item.into_iter().map(|(name, value)| (format!("'{name}': ?"), value)).unzip();
    let text = format!(r#"INSERT INTO "{table}" VALUE {{{}}}"#, names.join(", "));
    BatchStatementRequest::builder().statement(text).set_parameters(Some(values)).build()
}

/// Puts an item where there is none.
pub(super) async fn alone(client: &Client, table: &str, item: Item) -> Result<(), Lost> {
    let request = client
        .put_item()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(AllOld);
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let judged = classify(Neighbour::Table, ALONE, &error);
            Err(match error.into_service_error() {
                PutItemError::ConditionalCheckFailedException(lost) => Lost::Condition(lost.item),
                _ => Lost::Call(judged),
            })
        }
    }
}
