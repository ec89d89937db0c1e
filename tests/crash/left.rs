//! What is left to do in a world; what is looked at for ever is not.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::{Item, MemoryIo};
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notify::GroupRow;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::recovery::RecoveryRow;
use drs_fleet_domain::row::Row;
use jiff::Timestamp;

use super::scene::NEVER;
use super::world::BORN;

/// Whether the queue is empty, everything is told, and nothing is due within `soon`.
pub(super) fn is_settled(world: &MemoryIo, soon: Duration) -> bool {
    let now = world.now();
    let waits = |due: Timestamp| due <= now + soon;
    world.queued() == 0
        && world.look(|table| {
            table.values().all(|item| item.outbox.is_empty() && !due_of(item).is_some_and(waits))
                && !watches_what_is_over(table)
        })
}

/// Whether a job that is over is about to be looked at, for an event of it was delivered again.
fn watches_what_is_over(table: &BTreeMap<Key, Item>) -> bool {
    let sweeps = table.values().filter(|item| item.kind == JobSweepRow::KIND).map(row::<JobSweepRow>);
    let mut watched = sweeps.flat_map(|sweep| {
        let key = move |job: &JobId| keys::job(&sweep.place, job);
        sweep.active.keys().map(key).collect::<Vec<_>>()
    });
    watched.any(|key| table.get(&key).is_some_and(|item| !row::<JobRow>(item).is_active()))
}

/// When something is to be done about an item. That somebody listens for a place is for ever, and so is that its active
/// jobs are looked at, and what is open on a job or a recovery instance; what never matters is never done.
pub(super) fn due_of(item: &Item) -> Option<Timestamp> {
    let end = Timestamp::from_second(BORN).unwrap() + NEVER / 2;
    if !item.outbox.is_empty() {
        return item.due.filter(|due| *due < end);
    }
    let wakes = match item.kind {
        PlaceRow::KIND => PlaceRow { listen_at: None, ..row(item) }.wake_at(),
        JobSweepRow::KIND => JobSweepRow { poll_at: None, ..row(item) }.wake_at(),
        RecoveryRow::KIND => RecoveryRow { look_at: None, ..row(item) }.wake_at(),
        JobRow::KIND if row::<JobRow>(item).settled => JobRow { look_at: None, ..row(item) }.wake_at(),
        GroupRow::KIND if is_quiet(&row(item)) => None,
        _ => item.due.filter(|due| *due < end),
    };
    item.due.and(wakes)
}

/// A group of which something is open is looked at for ever; nothing new has joined since it was last told.
fn is_quiet(group: &GroupRow) -> bool {
    let turn = group.touched_at + Duration::from_mins(5);
    group.round.is_none() && group.ack_at.is_none() && group.look_at.is_some_and(|at| at > turn)
}

fn row<R: Row>(item: &Item) -> R {
    item.row().unwrap()
}
