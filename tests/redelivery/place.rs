//! An account and a Region, told by heartbeats, API calls and the ends of sweeps.

use std::collections::BTreeMap;

use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::place::{Counted, Observation, PlaceRow, decide};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Told, arriving, config, open, second, somewhere};

/// What must not depend on arrival; the claim and the wish for a sweep are timers.
type Final = (Option<Counted>, Option<Timestamp>, Option<String>, BTreeMap<IncidentKind, Severity>);

fn observation() -> impl Strategy<Value = Observation> {
    let fraction = (second(), 0_i64..3).prop_map(|(at, n)| at + SignedDuration::from_millis(300 * n));
    let reason = prop::sample::select(vec!["no such role", "wrong external id"]);
    prop_oneof![
        second().prop_map(|at| Observation::Heard { at }),
        second().prop_map(|at| Observation::LookSooner { at }),
        (second(), 0_u32..3).prop_map(|(swept_at, servers)| Observation::Swept(Counted {
            swept_at,
            replicating: servers,
            extended: 0,
            servers,
            by_state: BTreeMap::from([("CONTINUOUS".to_owned(), servers)]),
            initialized: true,
        })),
        (fraction, reason).prop_map(|(at, reason)| Observation::Denied { at, reason: reason.to_owned() }),
    ]
}

fn end_of(observations: &[Observation], batches: &[Vec<usize>]) -> Final {
    let mut row: Option<PlaceRow> = None;
    let mut told = Told::default();
    for batch in batches {
        let batch: Vec<_> = batch.iter().map(|i| observations[*i].clone()).collect();
        if let Some(change) = decide(&somewhere(), &batch, row.as_ref(), "erp-prod") {
            told.tell(&change.tell);
            row = Some(change.row);
        }
        assert_eq!(decide(&somewhere(), &batch, row.as_ref(), "erp-prod"), None, "deciding again");
    }
    let row = row.unwrap();
    told.assert_true(&row.incidents);
    (row.counted, row.heard_at, row.unreadable.map(|u| u.reason), open(&row.incidents))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_place_ends_the_same_however_sweeps_and_heartbeats_arrive(
        (observations, one, other) in arriving(observation(), 7),
    ) {
        prop_assert_eq!(end_of(&observations, &one), end_of(&observations, &other));
    }
}
