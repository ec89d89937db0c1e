//! What the weather takes away while messages arrive, and whether anything is lost meanwhile (bar R8).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::verdict::Neighbour;
use serde_json::Value;

use super::bodies::server_id;
use super::check::{Checked, second};
use super::history::{BORN, Event, Outage, Tells, Trouble};
use super::house::House;
use super::play::QUEUES;
use crate::company::place;

/// What was handled when the table went away is deleted by then.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// A queue, and the id of a message on it.
type Id = (&'static str, String);

/// What a message says.
#[derive(Clone, Debug)]
pub(super) enum Says {
    Event(Event),
    /// Somebody asks for a sweep.
    Sweep,
}

/// All that was put on queues so far, in that order.
#[derive(Debug, Default)]
pub(super) struct Fed(RefCell<Vec<(Id, Says)>>);

impl Fed {
    pub(super) fn put(&self, queue: &'static str, id: String, says: Says) {
        self.0.borrow_mut().push(((queue, id), says));
    }

    /// Ids of the messages that cannot be read.
    pub(super) fn poison(&self) -> BTreeSet<String> {
        let all = self.0.borrow();
        all.iter().filter(|(_, says)| says.is_poison()).map(|((_, id), _)| id.clone()).collect()
    }
}

/// Takes a neighbour away for a while. Without the table no news is deleted.
pub(super) async fn breaks(house: &House, outage: &Outage, fed: &Fed) -> Checked {
    let mut checked = Checked::default();
    tokio::time::sleep(outage.begins).await;
    let neighbour = if outage.of == Trouble::TableAway { Neighbour::Table } else { Neighbour::Bus };
    house.breaks(neighbour, outage.verdict);
    tokio::time::sleep(SETTLED_AFTER).await;
    let (waiting, put) = (on_queues(&house.world), fed.0.borrow().len());
    tokio::time::sleep(outage.lasts.saturating_sub(SETTLED_AFTER)).await;
    if neighbour == Neighbour::Table {
        let fed = fed.0.borrow();
        let (before, since) = fed.split_at(put);
        // Whatever was received before may be stored already, though it is not deleted yet.
        let (waiting, settled): (Vec<_>, Vec<_>) =
            before.iter().partition(|(id, _)| waiting.get(id).is_some_and(|received| *received == 0));
        let known = Known {
            settled: settled.into_iter().filter_map(|(_, says)| says.event()).collect(),
            swept: swept(&house.world),
            seen: seen(&house.world),
        };
        let still = on_queues(&house.world);
        let gone = waiting.into_iter().chain(since).filter(|(id, _)| !still.contains_key(id));
        for ((queue, id), says) in gone.filter(|(_, says)| known.lacks(says)) {
            checked.problem(format!("{id} of {queue} was deleted while the table was away: {says:?}"));
        }
    }
    house.mends(neighbour);
    checked
}

/// How often each was received.
fn on_queues(world: &MemoryIo) -> BTreeMap<Id, u32> {
    let on = |queue: &'static str| {
        let counts = world.clone().on_queue(queue).receive_counts();
        counts.into_iter().map(move |(id, received)| ((queue, id), received))
    };
    QUEUES.into_iter().flat_map(on).collect()
}

/// When each account was last swept, as the table has it, in seconds after the world began.
fn swept(world: &MemoryIo) -> BTreeMap<String, i64> {
    let places = world.table().into_values().filter(|item| item.kind == "place");
    let swept = |row: &Value| {
        Some((row["place"]["account"].as_str()?.to_owned(), second(&row["counted"]["swept_at"])?))
    };
    places.filter_map(|item| swept(&item.row().unwrap())).collect()
}

/// Servers whose row holds what a sweep saw, and when it saw that, by account and id, in seconds after the world began. A
/// sweep that was under way when the table went away has written some of its servers, and not yet that it was made.
fn seen(world: &MemoryIo) -> BTreeMap<(String, String), i64> {
    let servers = world.table().into_values().filter(|item| item.kind == "server");
    let seen = |row: &Value| {
        let stamp = &row["replication"]["stamp"];
        let account = row["place"]["account"].as_str()?.to_owned();
        // An event has 1 there.
        let is_sweeps = stamp[1].as_i64() == Some(0);
        Some(((account, row["id"].as_str()?.to_owned()), stamp[0].as_i64().filter(|_| is_sweeps)? - BORN))
    };
    servers.filter_map(|item| seen(&item.row().unwrap())).collect()
}

impl Says {
    fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Sweep => None,
        }
    }

    fn is_poison(&self) -> bool {
        matches!(self, Self::Event(Event { tells: Tells::Poison(_), .. }))
    }
}

/// What the table knows while it is away: who remembers that need not ask it.
struct Known<'a> {
    settled: Vec<&'a Event>,
    swept: BTreeMap<String, i64>,
    seen: BTreeMap<(String, String), i64>,
}

impl Known<'_> {
    /// Whether a message is news. What cannot be read is none, and is no matter of the table's.
    fn lacks(&self, says: &Says) -> bool {
        let Some(event) = says.event() else { return true };
        let account = place(event.place.into()).account.to_string();
        let is_overtaken = match event.tells {
            Tells::Stalled(server, _) => {
                let swept = self.swept.get(&account);
                let seen = self.seen.get(&(account.clone(), server_id(server)));
                swept.into_iter().chain(seen).any(|at| event.at < *at)
            }
            _ => false,
        };
        !says.is_poison() && !is_overtaken && !self.settled.iter().any(|known| covers(known, event))
    }
}

/// Whether an event tells nothing that a known one has not told.
fn covers(known: &Event, event: &Event) -> bool {
    known.place == event.place
        && match (&event.tells, &known.tells) {
            (Tells::Stalled(a, is), Tells::Stalled(b, was)) => a == b && (event.at, is) <= (known.at, was),
            (Tells::Snapshot(a), Tells::Snapshot(b)) => a == b && event.at / 600 <= known.at / 600,
            (Tells::Disconnect(a), Tells::Disconnect(b)) => a == b && event.at <= known.at,
            (Tells::Heartbeat, Tells::Heartbeat) => event.at <= known.at,
            // Whatever else the capacity-tracker takes shows, to the minute, that its place is not silent.
            (Tells::Heartbeat, Tells::Stalled(..) | Tells::Snapshot(_) | Tells::Disconnect(_)) => {
                event.at <= known.at.div_euclid(60) * 60
            }
            (Tells::Tagged(a, version), Tells::Tagged(b, known)) => a == b && version <= known,
            _ => event.number == known.number,
        }
}
