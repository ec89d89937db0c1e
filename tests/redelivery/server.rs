//! A source server, told by events and by sweeps of its place.

use std::collections::BTreeMap;

use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::policy::Policy;
use drs_fleet_domain::seen::{ServerSeen, Staging};
use drs_fleet_domain::server::{Context, Observation, ServerRow, decide};
use jiff::Timestamp;
use proptest::prelude::*;

use super::{Told, arriving, at, config, open, second, somewhere};

/// What happens to a server's row, as the capacity-tracker brings it about.
#[derive(Clone, Debug)]
enum Step {
    Event { stalled: bool, at: Timestamp },
    Sweep { seen: Option<Box<ServerSeen>>, at: Timestamp },
}

impl Step {
    fn observation(&self) -> Observation {
        match self.clone() {
            Step::Event { stalled, at } => Observation::Stalled { stalled, at },
            Step::Sweep { seen: Some(seen), at } => Observation::Seen { seen, at },
            Step::Sweep { seen: None, at } => Observation::Gone { at },
        }
    }

    fn swept_at(&self) -> Option<Timestamp> {
        match self {
            Step::Event { .. } => None,
            Step::Sweep { at, .. } => Some(*at),
        }
    }
}

/// A server's row, and what the place's row keeps of sweeps.
#[derive(Debug, Default)]
struct Stored {
    row: Option<ServerRow>,
    swept_at: Option<Timestamp>,
    told: Told,
}

/// What must not depend on arrival. Of a server that is gone, only that it is.
#[derive(Debug, PartialEq)]
struct Final {
    replication: (String, Option<String>),
    inventory: Option<(String, Option<String>)>,
    incidents: BTreeMap<IncidentKind, Severity>,
}

impl Stored {
    fn take(&mut self, steps: &[&Step]) {
        let observations: Vec<_> = steps.iter().map(|s| s.observation()).collect();
        if let Some(events) = self.decide(&observations) {
            self.told.tell(&events);
        }
        self.swept_at = steps.iter().filter_map(|s| s.swept_at()).chain(self.swept_at).max();
        assert_eq!(self.decide(&observations), None, "deciding again on what is stored: {observations:?}");
    }

    fn decide(&mut self, observations: &[Observation]) -> Option<Vec<drs_fleet_domain::own_event::OwnEvent>> {
        let id: SourceServerId = "s-12345678901234567".parse().unwrap();
        let policy = Policy::default();
        let context =
            Context { account_name: "erp-prod", swept_at: self.swept_at, policy: &policy, now: at(1_000) };
        let change = decide((&somewhere(), &id), observations, self.row.as_ref(), &context)?;
        self.row = Some(change.row);
        Some(change.tell)
    }

    fn end(&self) -> Option<Final> {
        let row = self.row.as_ref()?;
        self.told.assert_true(&row.incidents);
        row.gone_since.is_none().then(|| Final {
            replication: (row.replication.state.clone(), row.replication.error.clone()),
            inventory: row.inventory.as_ref().map(|i| (i.name.clone(), i.staging.status.clone())),
            incidents: open(&row.incidents),
        })
    }
}

fn seen(state: Option<&str>, error: Option<&str>, name: &str, extension: Option<&str>) -> Box<ServerSeen> {
    Box::new(ServerSeen {
        hostname: Some(name.to_owned()),
        state: state.map(str::to_owned),
        error: error.map(str::to_owned),
        staging: Staging { status: extension.map(str::to_owned), ..Staging::default() },
        ..ServerSeen::new(
            "s-12345678901234567".parse().unwrap(),
            "arn:aws:drs:us-west-2:111122223333:source-server/s-12345678901234567".to_owned(),
        )
    })
}

fn any_seen() -> impl Strategy<Value = Box<ServerSeen>> {
    let state = prop::sample::select(vec![
        (Some("STALLED"), None),
        (Some("STALLED"), Some("AGENT_NOT_SEEN")),
        (Some("STALLED"), Some("NOT_CONVERGING")),
        (Some("CONTINUOUS"), None),
        (Some("PAUSED"), None),
        (Some("DISCONNECTED"), None),
        (None, None),
    ]);
    let name = prop::sample::select(vec!["erp-db-03", "erp-db-04"]);
    let extension = prop::sample::select(vec![None, Some("EXTENDED"), Some("EXTENSION_ERROR")]);
    (state, name, extension).prop_map(|((state, error), name, extension)| seen(state, error, name, extension))
}

fn event() -> impl Strategy<Value = Step> {
    (any::<bool>(), second()).prop_map(|(stalled, at)| Step::Event { stalled, at })
}

fn listing() -> impl Strategy<Value = Step> {
    (any_seen(), second()).prop_map(|(seen, at)| Step::Sweep { seen: Some(seen), at })
}

fn missing() -> impl Strategy<Value = Step> {
    second().prop_map(|at| Step::Sweep { seen: None, at })
}

fn end_of(steps: &[Step], batches: &[Vec<usize>]) -> Option<Final> {
    let mut stored = Stored::default();
    for batch in batches {
        stored.take(&batch.iter().map(|i| &steps[*i]).collect::<Vec<_>>());
    }
    stored.end()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_server_ends_the_same_however_events_and_sweeps_arrive(
        (steps, one, other) in arriving(prop_oneof![event(), listing()], 7),
    ) {
        prop_assert_eq!(end_of(&steps, &one), end_of(&steps, &other));
    }

    /// A server that is listed again brings its inventory with it; until then its old one may be either of two
    /// that sweeps told before it was gone.
    #[test]
    fn a_server_that_comes_and_goes_ends_the_same(
        (steps, one, other) in arriving(prop_oneof![event(), listing(), missing()], 7),
    ) {
        let without_inventory = |end: Option<Final>| end.map(|end| Final { inventory: None, ..end });
        let (one, other) = (end_of(&steps, &one), end_of(&steps, &other));
        prop_assert_eq!(without_inventory(one), without_inventory(other));
    }
}

/// Five things that happen to one server, chosen so that they contradict each other at equal seconds.
fn histories() -> [[Step; 5]; 4] {
    let event = |stalled, second| Step::Event { stalled, at: at(second) };
    let sweep =
        |state, second| Step::Sweep { seen: Some(seen(Some(state), None, "a", None)), at: at(second) };
    let gone = |second| Step::Sweep { seen: None, at: at(second) };
    [
        [event(true, 10), event(false, 20), event(true, 30), event(false, 40), sweep("CONTINUOUS", 50)],
        [event(true, 10), sweep("STALLED", 10), event(false, 10), event(true, 11), event(false, 12)],
        [sweep("CONTINUOUS", 10), event(true, 10), gone(11), sweep("STALLED", 12), event(false, 12)],
        [sweep("STALLED", 10), sweep("CONTINUOUS", 10), gone(10), event(true, 10), sweep("PAUSED", 10)],
    ]
}

#[test]
fn every_order_of_five_events_with_every_set_of_repetitions_ends_the_same() {
    for history in histories() {
        let steps: Vec<&Step> = history.iter().collect();
        let mut ends = Vec::new();
        for order in permutations(&[0, 1, 2, 3, 4]) {
            for repeated in 0_u32..32 {
                let again = order.iter().filter(|i| repeated & (1 << **i) != 0);
                let mut stored = Stored::default();
                order.iter().chain(again).for_each(|i| stored.take(&[steps[*i]]));
                ends.push((stored.end(), order.clone(), repeated));
            }
        }
        assert_eq!(ends.len(), 120 * 32);
        for (end, order, repeated) in &ends {
            assert_eq!(*end, ends[0].0, "{history:?} in the order {order:?}, repeated {repeated:05b}");
        }
    }
}

fn permutations(of: &[usize]) -> Vec<Vec<usize>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let first = |chosen: &usize| {
        let others: Vec<usize> = of.iter().copied().filter(|i| i != chosen).collect();
        permutations(&others).into_iter().map(|rest| [vec![*chosen], rest].concat()).collect::<Vec<_>>()
    };
    of.iter().flat_map(first).collect()
}

#[test]
fn a_stall_that_comes_back_within_its_second_is_told_again() {
    let mut stored = Stored::default();
    let stalled = Step::Sweep { seen: Some(seen(Some("STALLED"), None, "a", None)), at: at(10) };
    for step in
        [stalled, Step::Event { stalled: false, at: at(10) }, Step::Event { stalled: true, at: at(10) }]
    {
        stored.take(&[&step]);
    }
    assert_eq!(stored.end().unwrap().incidents.len(), 1);
}

#[test]
fn an_event_older_than_a_sweep_that_did_not_list_the_server_opens_nothing() {
    let mut stored = Stored { swept_at: Some(at(30)), ..Stored::default() };
    stored.take(&[&Step::Event { stalled: true, at: at(20) }]);
    assert_eq!(stored.end(), None);
    stored.take(&[&Step::Event { stalled: true, at: at(31) }]);
    assert_eq!(stored.end().unwrap().incidents.len(), 1);
}
