//! Neither order nor delivery is given: whatever order observations come in, however often and however many at a
//! time, what is stored in the end is the same, and people were told what is true in the end.
//!
//! "The same" leaves out history: since when something is so, and how often it was told.

mod job;
mod launches;
mod orders;
mod place;
mod rest;
mod server;

use std::collections::BTreeMap;

use drs_fleet_domain::incident::{self, IncidentKind, Incidents, Severity};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::own_event::{Happened, IncidentEvent, OwnEvent};
use jiff::Timestamp;
use proptest::prelude::*;

/// Cases of each property; the environment's `PROPTEST_CASES` may ask for more.
const CASES: u32 = 512;

/// Observations, and two ways in which they arrive: batches of indexes.
type Arrivals<T> = (Vec<T>, Vec<Vec<usize>>, Vec<Vec<usize>>);

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: CASES.max(default.cases), failure_persistence: None, ..default }
}

/// Up to `most` observations, each of which arrives at least once, in any order and in batches of any size.
fn arriving<T: Clone + std::fmt::Debug>(
    one: impl Strategy<Value = T>,
    most: usize,
) -> impl Strategy<Value = Arrivals<T>> {
    prop::collection::vec(one, 1..=most).prop_flat_map(|all| {
        let n = all.len();
        (Just(all), batches(n), batches(n))
    })
}

fn batches(n: usize) -> impl Strategy<Value = Vec<Vec<usize>>> {
    let order = prop::collection::vec(0..n, 0..=n)
        .prop_map(move |again| (0..n).chain(again).collect::<Vec<_>>())
        .prop_shuffle();
    (order, prop::collection::vec(any::<bool>(), 2 * n)).prop_map(|(order, joins)| {
        let mut batches: Vec<Vec<usize>> = Vec::new();
        for (index, joined) in order.into_iter().zip(joins) {
            match batches.last_mut() {
                Some(last) if joined => last.push(index),
                _ => batches.push(vec![index]),
            }
        }
        batches
    })
}

/// What people were told, as the notifier keeps it: it drops what is not newer than what it told last.
#[derive(Clone, Debug, Default)]
struct Told(BTreeMap<IncidentKind, IncidentEvent>);

impl Told {
    fn tell(&mut self, events: &[OwnEvent]) {
        for event in events.iter().filter_map(OwnEvent::incident) {
            if let Some(last) = self.0.get(&event.kind) {
                let (new, old) = ((event.opened_at, event.sequence), (last.opened_at, last.sequence));
                assert!(new > old, "would be dropped as not newer: {event:?} after {last:?}");
            }
            self.0.insert(event.kind, event.clone());
        }
    }

    /// What is open was told open last, and what is not open was told closed, if it was told at all; the end of what
    /// flaps is told when it has been quiet for a while.
    fn assert_true(&self, incidents: &Incidents) {
        let told_open: BTreeMap<_, _> =
            self.0.iter().filter(|(_, e)| e.happened != Happened::Resolved).collect();
        let open: BTreeMap<_, _> = incidents
            .iter()
            .filter(|(_, i)| i.closed_at.is_none() || !i.told_over)
            .map(|(k, i)| (*k, i))
            .collect();
        assert!(open.keys().eq(told_open.keys().copied()), "open: {open:?}, told: {told_open:?}");
    }
}

fn open(incidents: &Incidents) -> BTreeMap<IncidentKind, Severity> {
    incident::open(incidents).map(|(kind, incident)| (kind, incident.severity)).collect()
}

fn somewhere() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

/// A time so near to others that equal seconds are common.
fn second() -> impl Strategy<Value = Timestamp> {
    (100_i64..106).prop_map(at)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}
