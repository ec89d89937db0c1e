//! A table with compare and set on each item's revision.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use drs_fleet_domain::keys::{Key, Range, due_shard};
use drs_fleet_domain::row::{Outbox, Row, Stored};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::lag::Lag;
use crate::io::{CommitError, Due, Write};
use crate::verdict::{IoError, Neighbour, Verdict};

/// An item as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its kind, [`Row::KIND`].
    pub kind: &'static str,
    /// Its row as JSON.
    pub json: Arc<str>,
    /// Its revision.
    pub rev: u64,
    /// What is still to be published.
    pub outbox: Outbox,
    /// When it must be looked at.
    pub due: Option<Timestamp>,
    /// Its shard of the index `due`.
    pub due_shard: String,
}

impl Item {
    /// Its row, as a type or as a tree of values.
    ///
    /// # Errors
    /// When it is of another kind.
    pub fn row<R: DeserializeOwned>(&self) -> serde_json::Result<R> {
        serde_json::from_str(&self.json)
    }
}

/// A write that came to the table: what the item was, and what it is; the same, where another writer was before this one.
#[derive(Clone, Debug)]
pub struct Wrote {
    /// When.
    pub at: Timestamp,
    /// Of which item.
    pub key: Key,
    /// `None`: there was none.
    pub before: Option<Item>,
    /// `None`: there is none any more.
    pub after: Option<Item>,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    items: BTreeMap<Key, Item>,
    /// Shard, time and key of the items that have a due time, as the sparse index holds them.
    due: BTreeSet<(String, Timestamp, Key)>,
    /// So many writes a partition takes in a second; all where it is not set.
    writes_a_second: Option<u32>,
    lag: Lag,
    /// The second in which a partition last took a write, and how many it has taken in it.
    taken: HashMap<String, (i64, u32)>,
    watcher: Option<UnboundedSender<Wrote>>,
}

impl Table {
    pub(super) fn items(&self) -> &BTreeMap<Key, Item> {
        &self.items
    }

    pub(super) fn limit_writes(&mut self, a_second: Option<u32>) {
        self.writes_a_second = a_second;
        self.taken.clear();
    }

    /// A write comes to a partition, which has no room for it if it has taken too many in this second. As in the real table,
    /// one that another writer was before takes room as well.
    pub(super) fn admit(&mut self, operation: &'static str, pk: &str, now: Timestamp) -> Result<(), IoError> {
        let Some(most) = self.writes_a_second else { return Ok(()) };
        let second = now.as_second();
        let taken = self.taken.entry(pk.to_owned()).or_insert((second, 0));
        if taken.0 != second {
            *taken = (second, 0);
        }
        if taken.1 >= most {
            return Err(IoError::new(
                Neighbour::Table,
                operation,
                Verdict::Throttled,
                "the partition is too busy",
            ));
        }
        taken.1 += 1;
        Ok(())
    }

    /// From now on reads that are eventually consistent may show what was before the last write, the same for the same seed.
    pub(super) fn lag(&mut self, seed: u64) {
        self.lag.begin(seed);
    }

    pub(super) fn watch(&mut self) -> UnboundedReceiver<Wrote> {
        let (watcher, writes) = unbounded_channel();
        self.watcher = Some(watcher);
        writes
    }

    fn tell(&self, key: &Key, before: Option<&Item>, at: Timestamp) {
        let Some(watcher) = &self.watcher else { return };
        let (before, after) = (before.cloned(), self.items.get(key).cloned());
        // Nobody is told any more where the receiver was dropped.
        let _gone = watcher.send(Wrote { at, key: key.clone(), before, after });
    }

    /// An item as it is.
    pub(super) fn get<R: Row>(&self, key: &Key) -> Result<Option<Stored<R>>, IoError> {
        self.items.get(key).map(|item| stored(key, item)).transpose()
    }

    /// An item as a read shows it.
    pub(super) fn read<R: Row>(&mut self, key: &Key, now: Timestamp) -> Result<Option<Stored<R>>, IoError> {
        if !R::SEEN_AT_ONCE
            && let Some((_, old)) = self.lag.old(now, key, |of| of == key).next()
        {
            return old.map(|item| stored(key, item)).transpose();
        }
        self.get(key)
    }

    pub(super) fn query<R: Row>(&mut self, range: &Range, now: Timestamp) -> Vec<Stored<R>> {
        let first = Key { pk: range.pk.clone(), sk: range.sk_prefix.clone() };
        let within = |key: &Key| key.pk == range.pk && key.sk.starts_with(&range.sk_prefix);
        let items = self.items.range(&first..).take_while(|(key, _)| within(key));
        let mut items: BTreeMap<&Key, &Item> = items.collect();
        if !R::SEEN_AT_ONCE {
            for (key, item) in self.lag.old(now, &first, within) {
                match item {
                    Some(item) => items.insert(key, item),
                    None => items.remove(key),
                };
            }
        }
        let items = items.into_iter().filter(|(_, item)| item.kind == R::KIND);
        // As the real table does: what cannot be read is left out.
        items.filter_map(|(key, item)| stored(key, item).ok()).collect()
    }

    pub(super) fn commit<R: Row>(
        &mut self,
        write: &Write<'_, R>,
        now: Timestamp,
    ) -> Result<u64, CommitError<R>> {
        let key = write.row.key();
        let before = self.items.get(&key);
        if before.map(|item| item.rev) != write.expected {
            self.tell(&key, before, now);
            let found = before.map(|item| stored(&key, item)).transpose()?;
            return Err(CommitError::Conflict(found.map(Box::new)));
        }
        // Entries are added and removed by key, as an update expression does: what was published since the
        // row was read stays removed.
        let mut outbox = before.map(|item| item.outbox.clone()).unwrap_or_default();
        outbox.retain(|id, _| write.outbox.contains_key(id));
        let new = write.outbox.iter().filter(|(id, event)| write.outbox_before.get(*id) != Some(event));
        outbox.extend(new.map(|(id, event)| (id.clone(), event.clone())));

        let rev = write.expected.unwrap_or(0) + 1;
        let json = serde_json::to_string(write.row).map_err(|error| unreadable(&key, &error))?.into();
        let due_shard = due_shard(write.row.worker(), &key);
        let item = Item { kind: R::KIND, json, rev, outbox, due: write.due, due_shard };
        let before = self.take(&key);
        self.put(key.clone(), item);
        self.tell(&key, before.as_ref(), now);
        self.lag.wrote(&key, before, now);
        Ok(rev)
    }

    fn put(&mut self, key: Key, item: Item) {
        self.due.extend(item.due.map(|at| (item.due_shard.clone(), at, key.clone())));
        self.items.insert(key, item);
    }

    pub(super) fn published(
        &mut self,
        key: &Key,
        (rev, due): (u64, Option<Timestamp>),
        event_ids: &[String],
        now: Timestamp,
    ) {
        let Some(mut item) = self.take(key) else { return };
        let before = (self.lag.is_on() || self.watcher.is_some()).then(|| item.clone());
        item.outbox.retain(|id, _| !event_ids.contains(id));
        if item.rev == rev {
            item.due = due;
        }
        self.put(key.clone(), item);
        self.tell(key, before.as_ref(), now);
        self.lag.wrote(key, before, now);
    }

    pub(super) fn forget(&mut self, key: &Key, now: Timestamp) {
        let before = self.take(key);
        self.tell(key, before.as_ref(), now);
        self.lag.wrote(key, before, now);
    }

    /// Takes an item out, and out of the index.
    fn take(&mut self, key: &Key) -> Option<Item> {
        let item = self.items.remove(key)?;
        if let Some(at) = item.due {
            self.due.remove(&(item.due_shard.clone(), at, key.clone()));
        }
        Some(item)
    }

    /// When the next item is due, in any shard.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.iter().map(|(_, at, _)| *at).min()
    }

    /// What the index shows, which is always eventually consistent.
    pub(super) fn due(&mut self, shard: &str, (until, max): (Timestamp, usize), now: Timestamp) -> Vec<Due> {
        self.lag.forget(now);
        let none = Key { pk: String::new(), sk: String::new() };
        let old: BTreeMap<_, _> = self.lag.old(now, &none, |_| true).collect();
        let first = (shard.to_owned(), Timestamp::MIN, none);
        let due = self.due.range(first..).take_while(|(of, at, _)| of == shard && *at <= until);
        let due = due.filter(|(.., key)| !old.contains_key(key)).take(max);
        let mut due: Vec<_> = due.map(|(_, at, key)| Due { key: key.clone(), at: *at }).collect();
        let of_shard = |item: &&Item| item.due_shard == shard;
        let old = old.into_iter().filter_map(|(key, item)| Some((key, item.filter(of_shard)?.due?)));
        due.extend(old.filter(|(_, at)| *at <= until).map(|(key, at)| Due { key: key.clone(), at }));
        due.sort_by_key(|due| due.at);
        due.truncate(max);
        due
    }
}

fn stored<R: Row>(key: &Key, item: &Item) -> Result<Stored<R>, IoError> {
    let row = item.row().map_err(|error| unreadable(key, &error))?;
    Ok(Stored { row, rev: item.rev, outbox: item.outbox.clone() })
}

fn unreadable(key: &Key, error: &serde_json::Error) -> IoError {
    let message = format!("{}/{} does not fit its kind: {error}", key.pk, key.sk);
    IoError::new(Neighbour::Table, "read", Verdict::Permanent, message)
}
