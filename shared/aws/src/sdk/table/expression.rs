//! How a write is told to `DynamoDB`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::row::Row;
use jiff::Timestamp;
use serde_dynamo::{Error, to_attribute_value};

use super::{FIRST_REV, Item};
use crate::io::Write;

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Takes whole numbers; their text is what the API has for numbers.
pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

pub(super) fn key(key: &Key) -> Item {
    HashMap::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(&key.sk))])
}

/// The whole item of a row that is stored for the first time.
pub(super) fn new_item<R: Row>(at: &Key, write: &Write<'_, R>) -> Result<Item, Error> {
    let mut item = key(at);
    item.insert("kind".into(), text(R::KIND));
    item.insert("rev".into(), number(FIRST_REV));
    item.insert("row".into(), to_attribute_value(write.row)?);
    item.insert("outbox".into(), to_attribute_value(write.outbox)?);
    if let Some(due) = write.due {
        item.insert("due_shard".into(), text(keys::due_shard(write.row.worker(), at)));
        item.insert("due_at".into(), number(due.as_millisecond()));
    }
    if let Some(end) = write.row.expires_at() {
        item.insert("ttl".into(), number(end.as_second()));
    }
    Ok(item)
}

/// An update expression in the making. All names are aliases: event ids are no identifiers, and `DynamoDB` reserves
/// hundreds of words.
#[derive(Debug, Default)]
pub(super) struct Update {
    set: Vec<String>,
    remove: Vec<String>,
    pub(super) names: HashMap<String, String>,
    pub(super) values: Item,
}

impl Update {
    /// The write of a row over revision `rev`.
    pub(super) fn of<R: Row>(at: &Key, write: &Write<'_, R>, rev: u64) -> Result<Self, Error> {
        let mut update = Self::default();
        update.set(&["row"], to_attribute_value(write.row)?);
        update.set(&["kind"], text(R::KIND));
        update.set(&["rev"], number(rev + 1));
        for (id, event) in
            write.outbox.iter().filter(|(id, event)| write.outbox_before.get(*id) != Some(*event))
        {
            update.set(&["outbox", id], to_attribute_value(event)?);
        }
        for id in write.outbox_before.keys().filter(|id| !write.outbox.contains_key(*id)) {
            update.remove(&["outbox", id]);
        }
        update.due(at, write.row.worker(), write.due);
        match write.row.expires_at() {
            Some(end) => update.set(&["ttl"], number(end.as_second())),
            None => update.remove(&["ttl"]),
        }
        update.expect(rev);
        Ok(update)
    }

    /// Removes what was published from the outbox.
    pub(super) fn published(&mut self, event_ids: &[String]) {
        for id in event_ids {
            self.remove(&["outbox", id]);
        }
    }

    /// Puts the item into the index of what is due, or takes it out.
    pub(super) fn due(&mut self, at: &Key, worker: &str, due: Option<Timestamp>) {
        if let Some(due) = due {
            self.set(&["due_shard"], text(keys::due_shard(worker, at)));
            self.set(&["due_at"], number(due.as_millisecond()));
        } else {
            self.remove(&["due_shard"]);
            self.remove(&["due_at"]);
        }
    }

    /// What the condition `#rev = :expected` needs.
    pub(super) fn expect(&mut self, rev: u64) {
        self.names.insert("#rev".into(), "rev".into());
        self.values.insert(":expected".into(), number(rev));
    }

    /// The update expression.
    pub(super) fn text(&self) -> String {
        let clause = |word, parts: &[String]| {
            if parts.is_empty() { String::new() } else { format!("{word} {}", parts.join(", ")) }
        };
        format!("{} {}", clause("SET", &self.set), clause("REMOVE", &self.remove)).trim().to_owned()
    }

    fn set(&mut self, path: &[&str], value: AttributeValue) {
        let place = self.path(path);
        let name = format!(":v{}", self.values.len());
        self.set.push(format!("{place} = {name}"));
        self.values.insert(name, value);
    }

    fn remove(&mut self, path: &[&str]) {
        let place = self.path(path);
        self.remove.push(place);
    }

    fn path(&mut self, path: &[&str]) -> String {
        let steps: Vec<_> = path.iter().map(|step| self.alias(step)).collect();
        steps.join(".")
    }

    fn alias(&mut self, name: &str) -> String {
        if let Some((alias, _)) = self.names.iter().find(|(_, named)| *named == name) {
            return alias.clone();
        }
        let alias = format!("#n{}", self.names.len());
        self.names.insert(alias.clone(), name.to_owned());
        alias
    }
}
