//! The table: how rows become items, and the conditional writes: of a new item, and of one that exists.
//!
//! An item is `{pk, sk, kind, rev, row, outbox, due_shard?, due_at?, ttl?}`: `row` is a map, `outbox` a map from
//! event id to event, `due_at` milliseconds, `ttl` seconds. `outbox` is there from the beginning, so that
//! entries can be added and removed by key without touching what another instance does to the others.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure::AllOld};
use aws_types::SdkConfig;
use drs_fleet_domain::keys::{Key, Range};
use drs_fleet_domain::row::{Outbox, Row, Stored};
use jiff::Timestamp;
use serde::Deserialize;

use super::Answer;
use super::batch::Batcher;
use crate::io::{CommitError, Due, Write};
use crate::verdict::{IoError, Neighbour, Verdict, classify};

mod expression;
mod get;
mod put;
#[cfg(test)]
mod tests;

use expression::Update;

pub(super) type Item = HashMap<String, AttributeValue>;

/// How long the first key, and the first of a crowd of new items, wait for others.
const WINDOW: Duration = Duration::from_millis(2);
/// Keys in one `BatchGetItem`.
const READ_MAX: usize = 100;
/// Statements in one `BatchExecuteStatement`.
const INSERT_MAX: usize = 25;
/// Name of the index of what is due.
const DUE_INDEX: &str = "due";
/// The revision of a new item.
const FIRST_REV: u64 = 1;
/// The one write of what exists.
const UPDATE: &str = "UpdateItem";

/// The table. Clones share connections, and the reads and new items that are gathered.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    client: Client,
    name: Arc<str>,
    /// Whose items `published` is called for.
    worker: Arc<str>,
    /// Reads of kinds that are not seen at once.
    later: Batcher<Key, Option<Arc<Item>>>,
    at_once: Batcher<Key, Option<Arc<Item>>>,
    /// Whether each is stored; else it is to be put alone.
    inserts: Batcher<Item, bool>,
}

/// What of an item makes a [`Stored`].
#[derive(Deserialize)]
struct Held<R> {
    rev: u64,
    row: R,
    outbox: Outbox,
}

impl Table {
    pub(super) fn new(config: &SdkConfig, name: &str, worker: &str) -> Self {
        let (client, name): (_, Arc<str>) = (Client::new(config), name.into());
        let reads = |seen_at_once| {
            let (client, name) = (client.clone(), Arc::clone(&name));
            let call = move |keys| get::batch(client.clone(), Arc::clone(&name), seen_at_once, keys);
            Batcher::new(Neighbour::Table, "BatchGetItem", WINDOW, READ_MAX, call)
        };
        let (later, at_once) = (reads(false), reads(true));
        let insert = {
            let (client, name) = (client.clone(), Arc::clone(&name));
            move |items| put::batch(client.clone(), Arc::clone(&name), items)
        };
        let inserts = Batcher::new(Neighbour::Table, put::TOGETHER, WINDOW, INSERT_MAX, insert);
        Self { client, name, worker: worker.into(), later, at_once, inserts }
    }

    pub(crate) async fn read<R: Row>(&self, keys: &[Key]) -> Answer<Vec<Option<Stored<R>>>> {
        let reads = if R::SEEN_AT_ONCE { &self.at_once } else { &self.later };
        let items = reads.ask(keys.iter().cloned()).await;
        items
            .into_iter()
            .map(|item| item?.map(|item| stored(Arc::unwrap_or_clone(item), "BatchGetItem")).transpose())
            .collect()
    }

    pub(super) async fn query<R: Row>(&self, range: &Range) -> Answer<Vec<Stored<R>>> {
        let mut request = self
            .client
            .query()
            .table_name(&*self.name)
            .consistent_read(R::SEEN_AT_ONCE)
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_values(":kind", expression::text(R::KIND))
            .filter_expression("#kind = :kind")
            .expression_attribute_values(":pk", expression::text(&range.pk))
            .key_condition_expression("pk = :pk");
        if !range.sk_prefix.is_empty() {
            request = request
                .expression_attribute_values(":sk", expression::text(&range.sk_prefix))
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
        }
        let (mut pages, mut rows) = (request.into_paginator().items().send(), Vec::new());
        while let Some(item) = pages.next().await {
            let item = item.map_err(|e| classify(Neighbour::Table, "Query", &e))?;
            rows.extend(readable(stored(item, "Query")));
        }
        Ok(rows)
    }

    pub(super) async fn commit<R: Row>(&self, write: Write<'_, R>) -> Result<u64, CommitError<R>> {
        match write.expected {
            None => self.create(&write).await,
            Some(rev) => self.update(&write, rev).await,
        }
    }

    async fn create<R: Row>(&self, write: &Write<'_, R>) -> Result<u64, CommitError<R>> {
        let key = write.row.key();
        let item = || expression::new_item(&key, write).map_err(|e| unstorable(&key, put::ALONE, &e));
        if write.row.comes_in_crowds() && self.inserts.ask_one(item()?).await? {
            return Ok(FIRST_REV);
        }
        match put::alone(&self.client, &self.name, item()?).await {
            Ok(()) => Ok(FIRST_REV),
            Err(Lost::Condition(item)) => Err(conflict(item, put::ALONE)),
            Err(Lost::Call(error)) => Err(CommitError::Io(error)),
        }
    }

    async fn update<R: Row>(&self, write: &Write<'_, R>, rev: u64) -> Result<u64, CommitError<R>> {
        let key = write.row.key();
        let update = Update::of(&key, write, rev).map_err(|e| unstorable(&key, UPDATE, &e))?;
        match self.send(&key, update, "#rev = :expected").await {
            Ok(()) => Ok(rev + 1),
            Err(Lost::Condition(item)) => Err(conflict(item, UPDATE)),
            Err(Lost::Call(error)) => Err(CommitError::Io(error)),
        }
    }

    pub(super) async fn published(
        &self,
        key: &Key,
        rev: u64,
        event_ids: &[String],
        due: Option<Timestamp>,
    ) -> Answer<()> {
        let mut update = Update::default();
        update.published(event_ids);
        update.due(key, &self.worker, due);
        update.expect(rev);
        match self.send(key, update, "#rev = :expected").await {
            Ok(()) => return Ok(()),
            Err(Lost::Call(error)) => return Err(error),
            // Another write came between; its due time is the right one, the entries are published all the same.
            Err(Lost::Condition(_)) if event_ids.is_empty() => return Ok(()),
            Err(Lost::Condition(_)) => {}
        }
        let mut update = Update::default();
        update.published(event_ids);
        match self.send(key, update, "attribute_exists(pk)").await {
            // The item is gone, and its outbox with it.
            Ok(()) | Err(Lost::Condition(_)) => Ok(()),
            Err(Lost::Call(error)) => Err(error),
        }
    }

    async fn send(&self, key: &Key, update: Update, condition: &str) -> Result<(), Lost> {
        let request = self
            .client
            .update_item()
            .table_name(&*self.name)
            .set_key(Some(expression::key(key)))
            .update_expression(update.text())
            .condition_expression(condition)
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values((!update.values.is_empty()).then_some(update.values))
            .return_values_on_condition_check_failure(AllOld);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let judged = classify(Neighbour::Table, UPDATE, &error);
                Err(match error.into_service_error() {
                    UpdateItemError::ConditionalCheckFailedException(lost) => Lost::Condition(lost.item),
                    _ => Lost::Call(judged),
                })
            }
        }
    }

    pub(super) async fn forget(&self, key: &Key) -> Answer<()> {
        let request = self.client.delete_item().table_name(&*self.name).set_key(Some(expression::key(key)));
        request.send().await.map_err(|e| classify(Neighbour::Table, "DeleteItem", &e))?;
        Ok(())
    }

    pub(super) async fn due(&self, shard: &str, until: Timestamp, max: usize) -> Answer<Vec<Due>> {
        let answer = self
            .client
            .query()
            .table_name(&*self.name)
            .index_name(DUE_INDEX)
            .key_condition_expression("due_shard = :shard AND due_at <= :until")
            .expression_attribute_values(":shard", expression::text(shard))
            .expression_attribute_values(":until", expression::number(until.as_millisecond()))
            .limit(i32::try_from(max.max(1)).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|e| classify(Neighbour::Table, "Query", &e))?;
        Ok(answer.items.unwrap_or_default().into_iter().filter_map(|item| readable(due(item))).collect())
    }
}

/// One item that cannot be read, of an older or newer program perhaps, must not hide the others.
fn readable<T>(item: Answer<T>) -> Option<T> {
    item.inspect_err(|error| tracing::warn!(%error, "an item is left out")).ok()
}

/// Why a write did not happen.
enum Lost {
    /// The condition did not hold; the item as it is, if there is one.
    Condition(Option<Item>),
    Call(IoError),
}

fn conflict<R: Row>(item: Option<Item>, operation: &'static str) -> CommitError<R> {
    match item.filter(|item| !item.is_empty()).map(|item| stored(item, operation)).transpose() {
        Ok(stored) => CommitError::Conflict(stored.map(Box::new)),
        Err(error) => CommitError::Io(error),
    }
}

fn stored<R: Row>(item: Item, operation: &'static str) -> Answer<Stored<R>> {
    let name = |part| item.get(part).and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
    let key = Key { pk: name("pk"), sk: name("sk") };
    match serde_dynamo::from_item::<_, Held<R>>(item) {
        Ok(Held { rev, row, outbox }) => Ok(Stored { row, rev, outbox }),
        Err(error) => Err(unreadable(&key, R::KIND, operation, &error.to_string())),
    }
}

fn due(item: Item) -> Answer<Due> {
    #[derive(Deserialize)]
    struct Entry {
        pk: String,
        sk: String,
        due_at: i64,
    }
    let entry: Entry = serde_dynamo::from_item(item).map_err(|e| {
        IoError::new(Neighbour::Table, "Query", Verdict::Permanent, format!("index due: {e}"))
    })?;
    let key = Key { pk: entry.pk, sk: entry.sk };
    match Timestamp::from_millisecond(entry.due_at) {
        Ok(at) => Ok(Due { key, at }),
        Err(error) => Err(unreadable(&key, DUE_INDEX, "Query", &error.to_string())),
    }
}

fn key_of(item: &Item) -> Option<Key> {
    let part = |name| item.get(name).and_then(|v| v.as_s().ok()).cloned();
    Some(Key { pk: part("pk")?, sk: part("sk")? })
}

fn unreadable(key: &Key, kind: &str, operation: &'static str, reason: &str) -> IoError {
    let message = format!("item {} / {} cannot be read as {kind}: {reason}", key.pk, key.sk);
    IoError::new(Neighbour::Table, operation, Verdict::Permanent, message)
}

fn unstorable(key: &Key, operation: &'static str, error: &serde_dynamo::Error) -> IoError {
    let message = format!("item {} / {} cannot be stored: {error}", key.pk, key.sk);
    IoError::new(Neighbour::Table, operation, Verdict::Permanent, message)
}
