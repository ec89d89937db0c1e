//! A source server, told by events and by sweeps of its place.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::policy::{DRILL_TAG, Policy, RPO_TAG};
use drs_fleet_domain::seen::{Progress, ServerSeen, Staging};
use drs_fleet_domain::server::{Context, Observation, ServerRow, decide};
use drs_fleet_domain::span::Length;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::orders::every_arrival;
use super::{Told, arriving, at, config, open, second, somewhere};

const GIB: u64 = 1 << 30;

/// When the observations are decided, and until when timers ring afterwards.
const NOW: i64 = 1_000;
const TIMERS_END: i64 = NOW + 7 * 86_400;

/// What happens to a server's row, as the capacity-tracker brings it about.
#[derive(Clone, Debug)]
enum Step {
    Event { stalled: bool, at: Timestamp },
    Snapshot { at: Timestamp },
    Disconnect { at: Timestamp },
    Sweep { seen: Option<Box<ServerSeen>>, at: Timestamp },
}

impl Step {
    fn observation(&self) -> Observation {
        match self.clone() {
            Step::Event { stalled, at } => Observation::Stalled { stalled, at },
            Step::Snapshot { at } => Observation::Snapshot { at },
            Step::Disconnect { at } => Observation::DisconnectCalled { at },
            Step::Sweep { seen: Some(seen), at } => Observation::Seen { seen, at },
            Step::Sweep { seen: None, at } => Observation::Gone { at },
        }
    }

    fn swept_at(&self) -> Option<Timestamp> {
        match self {
            Step::Event { .. } | Step::Snapshot { .. } | Step::Disconnect { .. } => None,
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

/// Lag, backlog, since when the agent is not seen, and how far a sync is.
type FinalHealth = (Option<Length>, Option<u64>, Option<Timestamp>, Option<(u64, u64)>);

/// What must not depend on arrival. Of a server that is gone, only that it is; of one that sweeps no longer listed and
/// that is back for an event alone, what sweeps told of it before counts for nothing.
#[derive(Debug, PartialEq)]
struct Final {
    replication: (String, Option<String>),
    inventory: Option<(String, Staging, BTreeMap<String, String>)>,
    health: Option<FinalHealth>,
    events: (Option<Timestamp>, Option<Timestamp>),
    resyncs: bool,
    incidents: BTreeMap<IncidentKind, Severity>,
}

impl Stored {
    fn take(&mut self, steps: &[&Step]) {
        let observations: Vec<_> = steps.iter().map(|s| s.observation()).collect();
        if let Some(events) = self.decide(&observations, at(NOW)) {
            self.told.tell(&events);
        }
        self.swept_at = steps.iter().filter_map(|s| s.swept_at()).chain(self.swept_at).max();
        assert_eq!(self.decide(&observations, at(NOW)), None, "deciding again: {observations:?}");
    }

    fn decide(&mut self, observations: &[Observation], now: Timestamp) -> Option<Vec<OwnEvent>> {
        let id: SourceServerId = "s-12345678901234567".parse().unwrap();
        let policy = Policy::default();
        let context = Context { swept_at: self.swept_at, ..Context::new("erp-prod", &policy, now) };
        let change = decide((&somewhere(), &id), observations, self.row.as_ref(), &context)?;
        self.row = Some(change.row);
        Some(change.tell)
    }

    /// Lets the timers ring, each once and then later.
    fn ring(&mut self) {
        let mut rang = Timestamp::MIN;
        while let Some(due) =
            self.row.as_ref().and_then(|row| row.look_at).filter(|due| *due < at(TIMERS_END))
        {
            assert!(due > rang, "it rings again at {due}");
            rang = due.max(at(NOW));
            let told = self.decide(&[], rang).expect("a timer that rings is moved on");
            self.told.tell(&told);
        }
    }

    fn end(&mut self) -> Option<Final> {
        self.ring();
        let row = self.row.as_ref()?;
        self.told.assert_true(&row.incidents);
        let is_listed = row.unlisted_since.is_none();
        let sync = |h: &drs_fleet_domain::server::Health| h.sync.map(|sync| (sync.done, sync.total));
        row.gone_since.is_none().then(|| Final {
            replication: (row.replication.state.clone(), row.replication.error.clone()),
            inventory: row
                .inventory
                .as_ref()
                .filter(|_| is_listed)
                .map(|i| (i.name.clone(), i.staging.clone(), i.marks.clone())),
            health: row
                .health
                .as_ref()
                .filter(|_| is_listed)
                .map(|h| (h.lag, h.backlog, h.unseen_since, sync(h))),
            events: (row.snapshot_at, row.disconnect_called_at),
            resyncs: row.resync_since.is_some(),
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
        (Some("INITIAL_SYNC"), None),
        (Some("RESCAN"), None),
        (Some("STOPPED"), None),
        (None, None),
    ]);
    let name = prop::sample::select(vec!["erp-db-03", "erp-db-04"]);
    let extension = prop::sample::select(vec![None, Some("EXTENDED"), Some("EXTENSION_ERROR")]);
    let listed = (state, name, extension)
        .prop_map(|((state, error), name, extension)| seen(state, error, name, extension));
    (listed, progress(), last_seen(), objective()).prop_map(|(mut seen, progress, last_seen, objective)| {
        seen.progress = progress;
        seen.last_seen = last_seen;
        seen.tags.extend(objective.map(|text| (RPO_TAG.to_owned(), text.to_owned())));
        seen.tags.extend(objective.map(|text| (DRILL_TAG.to_owned(), text.to_owned())));
        seen
    })
}

/// Around the thresholds.
fn progress() -> impl Strategy<Value = Progress> {
    let lag = prop::sample::select(vec![None, Some(0), Some(3_600), Some(3_601), Some(3_700)]);
    let backlog = prop::sample::select(vec![None, Some(0), Some(10 * GIB), Some(10 * GIB + 1)]);
    let done = prop::sample::select(vec![GIB, GIB + 1, 2 * GIB]);
    (lag, backlog, done).prop_map(|(lag, backlog, done)| Progress {
        lag: lag.map(Duration::from_secs),
        backlog,
        replicated: Some(done),
        rescanned: Some(done / 2),
        total: Some(4 * GIB),
        step: None,
    })
}

/// Some are unseen for too long only in the later ones of the sweeps.
fn last_seen() -> impl Strategy<Value = Option<Timestamp>> {
    prop::sample::select(vec![None, Some(0), Some(600), Some(897), Some(900), Some(903)])
        .prop_map(|ago| ago.map(|seconds| at(103) - SignedDuration::from_secs(seconds)))
}

fn objective() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("10s"), Some("1h 1m"), Some("soon")])
}

fn event() -> impl Strategy<Value = Step> {
    (any::<bool>(), second()).prop_map(|(stalled, at)| Step::Event { stalled, at })
}

/// Recovery points, of which some are new enough for the shortest objective, and calls.
fn fact() -> impl Strategy<Value = Step> {
    let taken = prop::sample::select(vec![100, 599, 600, 1_201]);
    prop_oneof![
        taken.prop_map(|second| Step::Snapshot { at: at(second) }),
        second().prop_map(|at| Step::Disconnect { at }),
    ]
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
        (steps, one, other) in arriving(prop_oneof![event(), fact(), listing()], 7),
    ) {
        prop_assert_eq!(end_of(&steps, &one), end_of(&steps, &other));
    }

    /// A server that is listed again brings its inventory with it.
    #[test]
    fn a_server_that_comes_and_goes_ends_the_same(
        (steps, one, other) in arriving(prop_oneof![event(), fact(), listing(), missing()], 7),
    ) {
        prop_assert_eq!(end_of(&steps, &one), end_of(&steps, &other));
    }
}

/// Five things that happen to one server, chosen so that they contradict each other at equal seconds, or that only
/// the first of them says what the last ones mean.
fn histories() -> [[Step; 5]; 8] {
    let event = |stalled, second| Step::Event { stalled, at: at(second) };
    let call = |second| Step::Disconnect { at: at(second) };
    let point = |second| Step::Snapshot { at: at(second) };
    let sweep =
        |state, second| Step::Sweep { seen: Some(seen(Some(state), None, "a", None)), at: at(second) };
    let gone = |second| Step::Sweep { seen: None, at: at(second) };
    let unseen = |last, second| {
        let mut seen = seen(Some("CONTINUOUS"), None, "a", None);
        seen.last_seen = Some(at(last) - SignedDuration::from_secs(900));
        seen.tags.insert(RPO_TAG.to_owned(), "10s".to_owned());
        Step::Sweep { seen: Some(seen), at: at(second) }
    };
    [
        [event(true, 10), event(false, 20), event(true, 30), event(false, 40), sweep("CONTINUOUS", 50)],
        [event(true, 10), sweep("STALLED", 10), event(false, 10), event(true, 11), event(false, 12)],
        [sweep("CONTINUOUS", 10), event(true, 10), gone(11), sweep("STALLED", 12), event(false, 12)],
        [sweep("STALLED", 10), sweep("CONTINUOUS", 10), gone(10), event(true, 10), sweep("PAUSED", 10)],
        [sweep("CONTINUOUS", 10), call(11), sweep("CONTINUOUS", 12), sweep("DISCONNECTED", 13), gone(9)],
        [sweep("CONTINUOUS", 10), sweep("RESCAN", 11), event(true, 12), sweep("BACKLOG", 13), call(13)],
        [sweep("CONTINUOUS", 10), sweep("RESCAN", 11), gone(12), event(true, 13), sweep("CONTINUOUS", 11)],
        [unseen(10, 10), unseen(10, 11), unseen(11, 12), point(599), point(1_201)],
    ]
}

#[test]
fn every_order_of_five_events_with_every_set_of_repetitions_ends_the_same() {
    for history in histories() {
        let steps: Vec<&Step> = history.iter().collect();
        let mut ends = Vec::new();
        for arrival in every_arrival() {
            let mut stored = Stored::default();
            for i in &arrival {
                stored.take(&[steps[*i]]);
            }
            ends.push((stored.end(), arrival));
        }
        for (end, arrival) in &ends {
            assert_eq!(*end, ends[0].0, "{history:?} as {arrival:?}");
        }
    }
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

/// A recovery point that is known already and later than the sweep it arrives with.
#[test]
fn what_is_observed_again_does_not_say_that_a_stall_that_flaps_has_been_quiet() {
    let event = |stalled, second| Step::Event { stalled, at: at(second) };
    let point = Step::Snapshot { at: at(1_201) };
    let mut stored = Stored::default();
    for step in [&event(true, 101), &event(false, 102), &event(true, 103), &point] {
        stored.take(&[step]);
    }
    let sweep = Step::Sweep { seen: Some(seen(Some("PAUSED"), None, "a", None)), at: at(105) };
    stored.take(&[&point, &sweep]);
    assert_eq!(stored.end().unwrap().incidents, BTreeMap::new());
}

#[test]
fn an_event_older_than_a_sweep_that_did_not_list_the_server_opens_nothing() {
    let mut stored = Stored { swept_at: Some(at(30)), ..Stored::default() };
    stored.take(&[&Step::Event { stalled: true, at: at(20) }]);
    assert_eq!(stored.end(), None);
    stored.take(&[&Step::Event { stalled: true, at: at(31) }]);
    assert_eq!(stored.end().unwrap().incidents.len(), 1);
}
