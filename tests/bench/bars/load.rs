//! What the table takes in a storm: write units, by partition and shard of the index `due`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use drs_fleet_aws::memory::{Item, MemoryIo, Wrote};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::consumer::canned::attribute;
use crate::consumer::units;

/// Events come once a second, so that some seconds have those of two.
const WINDOW: i64 = 10;

/// Write units, of which an item has one for each KB, and an entry of the index, of keys alone, one.
#[derive(Debug, Default)]
pub struct Load {
    table: Windows,
    partitions: Windows,
    index: Windows,
    shards: Windows,
}

/// Units in each window, of each of several.
#[derive(Debug, Default)]
struct Windows(BTreeMap<(i64, String), usize>);

impl Windows {
    fn add(&mut self, at: Timestamp, of: &str, units: usize) {
        *self.0.entry((at.as_second() / WINDOW, of.to_owned())).or_default() += units;
    }

    fn all(&self) -> usize {
        self.0.values().sum()
    }

    /// How many a second in the fullest window, and of which.
    fn most(&self) -> (f64, &str) {
        let most = self.0.iter().max_by_key(|(_, units)| **units);
        most.map_or((0.0, "none"), |((_, of), units)| (*units as f64 / WINDOW as f64, of))
    }
}

impl Load {
    /// What the table of `world` takes from now on.
    pub fn of(world: &MemoryIo) -> Arc<Mutex<Self>> {
        let (load, mut writes) = (Arc::<Mutex<Self>>::default(), world.writes());
        let taken = Arc::clone(&load);
        tokio::spawn(async move {
            while let Some(wrote) = writes.recv().await {
                taken.lock().unwrap_or_else(PoisonError::into_inner).add(&wrote);
            }
        });
        load
    }

    /// A write takes what the larger of both items takes, whether its condition holds or not.
    fn add(&mut self, Wrote { at, key, before, after }: &Wrote) {
        let size = before.iter().chain(after).map(|item| size(&key.pk, &key.sk, item)).max();
        let units = units::to_write(size.unwrap_or_default());
        self.table.add(*at, "table", units);
        self.partitions.add(*at, &key.pk, units);
        let entry =
            |item: &Option<Item>| item.as_ref().and_then(|item| Some((item.due_shard.clone(), item.due?)));
        let (before, after) = (entry(before), entry(after));
        // Of an entry that moves, the old one is deleted.
        let moved = if before == after { Vec::new() } else { before.into_iter().chain(after).collect() };
        for (shard, _) in moved {
            self.index.add(*at, "index", 1);
            self.shards.add(*at, &shard, 1);
        }
    }

    /// In words, for so many servers.
    pub fn told(&self, servers: usize) -> String {
        let each = |windows: &Windows| windows.all() as f64 / servers as f64;
        let (partition, shard) = (self.partitions.most(), self.shards.most());
        format!(
            "It takes {:.2} write units a server in the table and {:.2} in the index `due`; a second, over \
             their fullest ten, {:.0} in the table, {:.0} in a partition ({}), {:.0} in the index and {:.0} in a shard ({}).",
            each(&self.table),
            each(&self.index),
            self.table.most().0,
            partition.0,
            partition.1,
            self.index.most().0,
            shard.0,
            shard.1,
        )
    }
}

/// Bytes of an item.
fn size(pk: &str, sk: &str, item: &Item) -> usize {
    let row: Value = item.row().unwrap_or_default();
    let mut whole =
        json!({ "pk": pk, "sk": sk, "kind": item.kind, "rev": item.rev, "row": row, "outbox": item.outbox });
    if let Some(due) = item.due {
        whole["due_shard"] = item.due_shard.clone().into();
        whole["due_at"] = due.as_millisecond().into();
    }
    units::map(&attribute(whole)["M"])
}
