//! An account and a Region, told by heartbeats, API calls and the ends of sweeps.

use std::collections::BTreeMap;

use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::place::{Context, Counted, Observation, Partial, PlaceRow, decide};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::orders::{every_order_ends_the_same, five};
use super::{Told, arriving, at, config, open, second, somewhere};

/// What must not depend on arrival; the claim and the wish for a sweep are timers.
#[derive(Debug, PartialEq)]
struct Final {
    counted: Option<Counted>,
    level: Level,
    partial: Option<Partial>,
    heard_at: Option<Timestamp>,
    known_since: Option<Timestamp>,
    unreadable: Option<String>,
    /// Of capacity, how bad an incident was in its worst moment is history.
    incidents: BTreeMap<IncidentKind, Option<Severity>>,
}

/// Counts, none of them within a band in which the level depends on what it was before.
fn counts() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![0, 1, 2, 260, 290, 300, 310])
}

fn observation() -> impl Strategy<Value = Observation> {
    let fraction = (second(), 0_i64..3).prop_map(|(at, n)| at + SignedDuration::from_millis(300 * n));
    let reason = prop::sample::select(vec!["no such role", "wrong external id"]);
    let minutes = || (70_i64..200).prop_map(at);
    prop_oneof![
        prop_oneof![second(), minutes()].prop_map(|at| Observation::Heard { at }),
        minutes().prop_map(|at| Observation::Spoke { at }),
        second().prop_map(|at| Observation::Known { at }),
        second().prop_map(|at| Observation::LookSooner { at }),
        (second(), counts()).prop_map(|(swept_at, servers)| Observation::Swept(Counted {
            swept_at,
            replicating: servers,
            extended: 0,
            servers,
            by_state: BTreeMap::from([("CONTINUOUS".to_owned(), servers)]),
            initialized: true,
        })),
        (second(), 1_u32..3).prop_map(|(at, servers)| Observation::Partly(Partial {
            at,
            servers,
            reason: "throttled".to_owned()
        })),
        (fraction, reason).prop_map(|(at, reason)| Observation::Denied { at, reason: reason.to_owned() }),
    ]
}

fn end_of(observations: &[Observation], batches: &[Vec<usize>]) -> Final {
    let context = Context::new("erp-prod", at(200));
    let mut row: Option<PlaceRow> = None;
    let mut told = Told::default();
    for batch in batches {
        let batch: Vec<_> = batch.iter().map(|i| observations[*i].clone()).collect();
        if let Some(change) = decide(&somewhere(), &batch, row.as_ref(), &context) {
            told.tell(&change.tell);
            row = Some(change.row);
        }
        assert_eq!(decide(&somewhere(), &batch, row.as_ref(), &context), None, "deciding again");
    }
    let row = row.unwrap();
    told.assert_true(&row.incidents);
    let of_capacity = |kind| matches!(kind, IncidentKind::CapacityReplicating | IncidentKind::CapacityTotal);
    Final {
        counted: row.counted,
        level: row.status.level,
        partial: row.partial,
        heard_at: row.heard_at,
        known_since: row.known_since,
        unreadable: row.unreadable.map(|u| u.reason),
        incidents: open(&row.incidents)
            .into_iter()
            .map(|(kind, severity)| (kind, (!of_capacity(kind)).then_some(severity)))
            .collect(),
    }
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

#[test]
fn every_order_of_what_a_place_goes_through_ends_the_same() {
    every_order_ends_the_same(five(observation()), end_of);
}
