//! Whatever happens, what is told of it keeps to the schemas.

mod jobs;

use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::own_event::{CapacityEvent, Happened, OwnEvent};
use jiff::Timestamp;
use proptest::prelude::*;

use super::{CAPACITY, INCIDENT, problems, validator};
use crate::samples;

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(vec![Severity::Low, Severity::Medium, Severity::High, Severity::Critical])
}

/// How many seconds before it is found it began.
fn condition() -> impl Strategy<Value = (IncidentKind, i64, Severity, String)> {
    (prop::sample::select(&IncidentKind::ALL[..3]), 0_i64..30, severity(), any::<String>())
}

fn level() -> impl Strategy<Value = Level> {
    prop::sample::select(vec![Level::Unknown, Level::Ok, Level::Info, Level::Warning, Level::Critical])
}

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-gov-west-1".parse().unwrap() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_reconciled_is_told_in_events_that_keep_to_it(
        rounds in prop::collection::vec((30_i64..900, prop::option::of(condition())), 1..12),
        names in (any::<String>(), any::<String>()),
    ) {
        let validator = validator(INCIDENT);
        let place = place();
        let subject =
            Subject { place: &place, account_name: &names.0, id: "s-12345678901234567", name: &names.1, job: None, application: None, drill_tag: None };
        let (mut open, mut now) = (Incidents::new(), 1_800_000_000);
        for (n, (wait, found)) in rounds.into_iter().enumerate() {
            now += wait;
            let at = |second| Timestamp::from_second(second).unwrap();
            let holding: Vec<_> = found
                .into_iter()
                .map(|(kind, ago, severity, reason)| Condition { kind, since: at(now - ago), severity, reason })
                .collect();
            for event in reconcile(&mut open, &holding, &subject, at(now)) {
                let (back, flaps) = (event.happened == Happened::Reopened, event.flaps);
                prop_assert!(!back || flaps > 0);
                prop_assert_eq!(problems(&validator, &samples::on_the_bus(n, &event.into())), [""; 0]);
            }
        }
    }

    #[test]
    fn whatever_status_changes_is_told_in_an_event_that_keeps_to_it(
        (before, status) in (level(), level()),
        (replicating, limit) in any::<(u32, u32)>(),
        (account_name, event_id) in (any::<String>(), ".+"),
        second in 0_i64..4_000_000_000,
    ) {
        let Place { account, region } = place();
        let at = Timestamp::from_second(second).unwrap();
        let event =
            CapacityEvent { event_id, account_id: account, account_name, region, before, status, replicating, limit, at };
        let event = samples::on_the_bus(0, &OwnEvent::from(event));
        prop_assert_eq!(problems(&validator(CAPACITY), &event), [""; 0]);
    }
}
