mod resumption;

use super::*;
use crate::incident::{IncidentKind, open};
use crate::own_event::{Happened, OwnEvent};
use crate::policy::Limits;
use crate::seen::Size;

const INSTANCE: &str = "i-0a1b2c3d4e5f60718";
const NOT_STARTED: &str = "FAILBACK_NOT_STARTED";
const IN_PROGRESS: &str = "FAILBACK_IN_PROGRESS";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn event(second: i64, state: &str) -> Observation {
    Observation::Failback { state: state.to_owned(), at: at(second) }
}

/// A sweep lists it, running.
fn seen(second: i64, failback: &str, error: Option<&str>) -> Observation {
    let seen = RecoveryInstanceSeen {
        id: INSTANCE.parse().unwrap(),
        server: Some("s-12345678901234567".parse().unwrap()),
        job: Some("drsjob-04ca7d0d3fb6afa3e".parse().unwrap()),
        drill: Some(false),
        state: Some("RUNNING".to_owned()),
        failback: Some(failback.to_owned()),
        failback_error: error.map(str::to_owned),
        size: Size::default(),
    };
    Observation::Seen { seen: Box::new(seen), at: at(second) }
}

/// An instance and what was told of it.
struct Story {
    row: Option<RecoveryRow>,
    told: Vec<OwnEvent>,
    swept_at: Option<Timestamp>,
    watched: bool,
    limits: Limits,
}

impl Story {
    fn new() -> Self {
        Self { row: None, told: Vec::new(), swept_at: None, watched: true, limits: Limits::default() }
    }

    /// Decides at `second`; answers whether that is a write.
    fn take(&mut self, second: i64, observations: &[Observation]) -> bool {
        let context = Context {
            account_name: "erp-prod",
            limits: &self.limits,
            swept_at: self.swept_at,
            watched: self.watched,
            now: at(second),
        };
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let id: RecoveryInstanceId = INSTANCE.parse().unwrap();
        let change = decide((&place, &id), observations, self.row.as_ref(), &context);
        let is_write = change.is_some();
        if let Some(change) = change {
            self.row = Some(change.row);
            self.told.extend(change.tell);
        }
        is_write
    }

    /// A complete sweep at `second`, which says this of it.
    fn sweep(&mut self, second: i64, observation: Observation) -> bool {
        let is_write = self.take(second, &[observation]);
        self.swept_at = Some(at(second));
        is_write
    }

    fn row(&self) -> &RecoveryRow {
        self.row.as_ref().unwrap()
    }

    fn state(&self) -> &str {
        &self.row().failback.as_ref().unwrap().state
    }

    fn incidents(&self) -> Vec<(IncidentKind, Happened)> {
        self.told.iter().filter_map(OwnEvent::incident).map(|e| (e.kind, e.happened)).collect()
    }

    /// Why the failback failed, while that is open.
    fn reason(&self) -> Option<&str> {
        open(&self.row().incidents).next().map(|(_, incident)| incident.reason.as_str())
    }

    /// The states that were told, each with the one before.
    fn states(&self) -> Vec<(Option<&str>, &str)> {
        let told = self.told.iter().filter_map(|event| match event {
            OwnEvent::Failback(event) => Some((event.before.as_deref(), event.state.as_str())),
            _ => None,
        });
        told.collect()
    }
}

#[test]
fn a_failback_that_fails_is_an_incident_until_it_goes_on() {
    let kind = IncidentKind::FailbackFailed;
    let mut story = Story::new();
    story.sweep(0, seen(0, NOT_STARTED, None));
    assert_eq!(story.told, [], "nobody began it");
    story.take(100, &[event(100, IN_PROGRESS)]);
    story.take(200, &[event(200, FAILED)]);
    assert_eq!(story.reason(), Some("DRS reports FAILBACK_ERROR and gives no reason"));
    story.sweep(210, seen(210, FAILED, Some("FAILBACK_CLIENT_NOT_SEEN")));
    assert_eq!(story.reason(), Some("DRS does not hear the failback client (FAILBACK_CLIENT_NOT_SEEN)"));
    story.take(300, &[event(300, IN_PROGRESS)]);
    story.take(400, &[event(400, COMPLETED)]);
    assert_eq!(story.incidents(), [(kind, Happened::Opened), (kind, Happened::Resolved)]);
    let states = [NOT_STARTED, IN_PROGRESS, FAILED, IN_PROGRESS, COMPLETED];
    let told: Vec<_> = states.windows(2).map(|pair| (Some(pair[0]), pair[1])).collect();
    assert_eq!(story.states(), told);
}

#[test]
fn at_the_same_second_an_event_outweighs_a_sweep_whichever_comes_first() {
    let (told, swept) = (event(100, FAILED), seen(100, IN_PROGRESS, None));
    for order in [[told.clone(), swept.clone()], [swept, told]] {
        let mut story = Story::new();
        for one in &order {
            story.take(101, std::slice::from_ref(one));
        }
        assert_eq!(story.state(), FAILED, "{order:?}");
    }
    for order in [["FAILBACK_ERROR", "FAILBACK_COMPLETED"], ["FAILBACK_COMPLETED", "FAILBACK_ERROR"]] {
        let mut story = Story::new();
        story.take(101, &order.map(|state| event(100, state)));
        assert_eq!(story.state(), FAILED, "of two events the worse");
    }
}

#[test]
fn an_event_older_than_the_sweep_that_saw_or_confirmed_the_state_is_stale() {
    let mut story = Story::new();
    story.sweep(100, seen(100, IN_PROGRESS, None));
    assert!(!story.sweep(400, seen(400, IN_PROGRESS, None)), "confirmed without a write");
    assert!(!story.take(401, &[event(399, FAILED)]), "the sweep saw what came of it");
    assert!(story.take(402, &[event(400, COMPLETED)]), "at the same second the event is newer");
    assert!(!story.take(403, &[seen(300, IN_PROGRESS, None)]), "a sweep that ended late");
    assert_eq!(story.state(), COMPLETED);
}

#[test]
fn an_error_that_is_over_goes_with_the_next_sweep_and_costs_one_write() {
    let mut story = Story::new();
    story.sweep(100, seen(100, IN_PROGRESS, Some("UNSTABLE_NETWORK")));
    story.take(150, &[event(150, IN_PROGRESS)]);
    let error = |story: &Story| story.row().failback.as_ref().unwrap().error.clone();
    assert_eq!(error(&story).as_deref(), Some("UNSTABLE_NETWORK"), "an event does not know of it");
    assert!(story.sweep(400, seen(400, IN_PROGRESS, None)));
    assert_eq!(error(&story), None);
    assert!(!story.sweep(700, seen(700, IN_PROGRESS, None)));
    assert_eq!(story.row().failback.as_ref().unwrap().since, at(100), "the state is as old as it was");
}

#[test]
fn an_instance_that_is_gone_has_no_failed_failback() {
    let mut story = Story::new();
    story.sweep(100, seen(100, FAILED, Some("SNAPSHOTS_FAILURE")));
    story.sweep(400, Observation::Gone { at: at(400) });
    let closed = (IncidentKind::FailbackFailed, Happened::Resolved);
    assert_eq!((story.incidents().last(), story.row().gone_since), (Some(&closed), Some(at(400))));
    assert!(!story.row().runs());
    assert_eq!(story.row().expires_at(), Some(at(400 + 90 * 86_400)));
    story.sweep(2_000, seen(2_000, FAILED, Some("SNAPSHOTS_FAILURE")));
    assert_eq!((story.row().gone_since, story.reason().is_some()), (None, true), "it was only not listed");
}

#[test]
fn a_sweep_that_missed_it_does_not_outweigh_what_told_of_it_since() {
    for (first, second, gone) in [(100, 99, None), (100, 100, None), (99, 100, Some(at(100)))] {
        let (told, missed) = (event(first, FAILED), Observation::Gone { at: at(second) });
        for order in [[told.clone(), missed.clone()], [missed, told]] {
            let mut story = Story::new();
            for one in &order {
                story.take(101, std::slice::from_ref(one));
            }
            assert_eq!(story.row().gone_since, gone, "{order:?}");
        }
    }
    let mut story = Story::new();
    story.sweep(100, seen(100, NOT_STARTED, None));
    story.sweep(400, seen(400, NOT_STARTED, None));
    story.take(401, &[Observation::Gone { at: at(300) }]);
    assert_eq!(story.row().gone_since, None, "a sweep confirmed it since");
}

#[test]
fn nothing_is_wrong_in_an_account_that_is_not_watched() {
    let mut story = Story::new();
    story.watched = false;
    story.take(100, &[event(100, FAILED)]);
    assert_eq!((story.incidents().len(), story.states().len()), (0, 1));
    story.watched = true;
    story.take(200, &[]);
    assert_eq!(story.incidents(), [(IncidentKind::FailbackFailed, Happened::Opened)]);
    let look_at = story.row().wake_at().unwrap();
    story.watched = false;
    story.take(look_at.as_second() - 1_000_000, &[]);
    assert_eq!(story.incidents().last(), Some(&(IncidentKind::FailbackFailed, Happened::Resolved)));
    assert_eq!(story.row().wake_at(), None);
}

#[test]
fn what_is_learnt_of_an_instance_stays_and_names_its_incidents() {
    let mut story = Story::new();
    story.take(100, &[event(100, FAILED)]);
    assert_eq!(story.row().label(), INSTANCE);
    let known = |name: &str, plan: &str| Observation::Known {
        name: Some(name.to_owned()),
        plan: Some(plan.to_owned()),
        launched_at: Some(at(50)),
    };
    story.sweep(110, seen(110, NOT_STARTED, None));
    assert_eq!((story.row().label(), story.row().since()), ("s-12345678901234567", Some(at(110))));
    story.take(111, &[known("erp-db-03", "wave-1")]);
    story.take(112, &[known("renamed", "wave-2"), event(112, FAILED)]);
    assert_eq!((story.row().label(), story.row().since()), ("erp-db-03", Some(at(50))));
    let told = story.told.iter().filter_map(OwnEvent::incident).next_back().unwrap();
    assert_eq!(
        (told.subject_name.as_str(), told.plan_name.as_deref(), told.drill),
        ("erp-db-03", Some("wave-1"), Some(false))
    );
    assert_eq!(told.job_id.as_ref().unwrap().as_str(), "drsjob-04ca7d0d3fb6afa3e");
}

#[test]
fn machines_that_are_stopped_or_ending_cost_nothing_for_running() {
    for (state, is_running) in [
        ("PENDING", true),
        ("RUNNING", true),
        ("ADDED_LATER", true),
        ("STOPPING", false),
        ("STOPPED", false),
        ("SHUTTING-DOWN", false),
        ("TERMINATED", false),
        ("NOT_FOUND", false),
    ] {
        assert_eq!(runs(state), is_running, "{state}");
    }
}

#[test]
fn the_class_of_cost_is_that_of_the_greater_of_cores_and_memory() {
    let class = |cores, gib: u64| CostClass::of(Size { cores, ram: gib << 30 });
    assert_eq!(class(0, 0), CostClass::Unknown);
    assert_eq!(
        (class(2, 8), class(2, 9), class(3, 8)),
        (CostClass::Small, CostClass::Medium, CostClass::Medium)
    );
    assert_eq!(
        (class(8, 32), class(32, 128), class(33, 1)),
        (CostClass::Medium, CostClass::Large, CostClass::Huge)
    );
}
