//! New items: one alone is a conditional `PutItem`; of those that come at once many are one `BatchExecuteStatement`.
//!
//! A first sweep writes rows by the ten thousand, and what such a write costs a processor is mostly the call. Of the
//! batches that DynamoDB has only this one keeps the condition of each item at the price of a single write:
//! `BatchWriteItem` has no conditions, and in a transaction a write costs twice as much and one lost condition fails all
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html>).

use std::collections::HashSet;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::{
    BatchStatementErrorCodeEnum::DuplicateItem, BatchStatementRequest, BatchStatementResponse,
};

use super::{Answer, Item, Lost, key_of};
use crate::verdict::{IoError, Neighbour, Verdict, classify, of_code};

pub(super) const ALONE: &str = "PutItem";
pub(super) const TOGETHER: &str = "BatchExecuteStatement";

/// Inserts items, at most as many as one call takes, and answers for each whether it is stored. One that is not is to be
/// put alone: that tells what is in its place, or tries more patiently, and keeps none of the others waiting.
pub(super) async fn batch(client: Client, table: Arc<str>, items: Vec<Item>) -> Vec<Answer<bool>> {
    // A batch in which a key comes twice is refused as a whole.
    let mut keys = HashSet::new();
    let is_first: Vec<_> = items.iter().map(|item| keys.insert(key_of(item))).collect();
    let firsts: Vec<_> =
        items.into_iter().zip(&is_first).filter_map(|(item, first)| first.then_some(item)).collect();
    // One alone is no batch.
    let inserted = if firsts.len() < 2 { Ok(Vec::new()) } else { insert(&client, &table, firsts).await };
    let mut stored = match inserted {
        Ok(stored) => stored.into_iter(),
        Err(error) => return is_first.iter().map(|_| Err(error.clone())).collect(),
    };
    is_first.into_iter().map(|is_first| Ok(is_first && stored.next().unwrap_or(false))).collect()
}

/// Inserts items, and tells of each whether it is stored. A role that is older than this program may put and not insert.
async fn insert(client: &Client, table: &str, items: Vec<Item>) -> Answer<Vec<bool>> {
    let statements: Result<Vec<_>, _> = items.into_iter().map(|item| statement(table, item)).collect();
    let statements = statements
        .map_err(|e| IoError::new(Neighbour::Table, TOGETHER, Verdict::Permanent, e.to_string()))?;
    let answers = match client.batch_execute_statement().set_statements(Some(statements)).send().await {
        Ok(answer) => answer.responses.unwrap_or_default(),
        Err(error) => {
            let judged = classify(Neighbour::Table, TOGETHER, &error);
            let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
            if !matches!(of_code(code, 500), Verdict::Denied | Verdict::Permanent) {
                return Err(judged);
            }
            tracing::warn!(error = %judged, "new items are not stored together, but one by one");
            Vec::new()
        }
    };
    let mut errors = answers.iter().filter_map(BatchStatementResponse::error);
    if let Some(error) = errors.find(|error| error.code() != Some(&DuplicateItem)) {
        tracing::warn!(?error, "a new item is not stored with others, but alone");
    }
    Ok(answers.iter().map(|answer| answer.error().is_none()).collect())
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
