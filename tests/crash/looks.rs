//! The capacity-tracker's paths on which it looks once more, or for another reason than the schedule's.

use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::quota::QuotasRow;
use drs_fleet_domain::registry::{AccountRow, AccountStatus};
use drs_fleet_domain::row::Row;
use drs_fleet_domain::server::ServerRow;
use jiff::SignedDuration;

use super::Path;
use super::capacity::{five, tracker};
use super::ending::{Ending, told_open};
use super::jobs::launched;
use super::scene::{Scene, listens_for};
use super::world::{account, heartbeat, now, place, server, server_id, stalled, tick, wish};

const STALL: IncidentKind = IncidentKind::ReplicationStalled;

fn path(steps: &'static [fn(&Scene)]) -> Path<CapacityTracker> {
    Path { make: tracker, steps }
}

fn counted(ending: &Ending) -> Option<u32> {
    let rows = ending.all::<PlaceRow>();
    let of_place = rows.into_iter().find(|row| row.place == place())?;
    of_place.counted.map(|counted| counted.servers)
}

fn fails(verdict: Verdict) -> IoError {
    IoError::new(Neighbour::Spoke, "DescribeSourceServers", verdict, "not now")
}

fn sweeps_five(scene: &Scene) {
    five(scene);
    scene.put(&tick(scene));
}

/// A person switches the account off.
fn switches_off(scene: &Scene) {
    scene.world.set_row(&AccountRow { status: AccountStatus::Inactive, ..account() });
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_stall_that_was_just_told_has_its_place_swept_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[|scene| {
        five(scene);
        scene.put(&stalled(3, "STALLED", now(scene)));
    }];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!((counted(&clean), clean.incidents()), (Some(5), vec![(STALL, Happened::Opened)]));
}

/// So old that nobody looks for its cause; a sweep may have come and gone since.
#[tokio::test(start_paused = true)]
pub(super) async fn a_late_end_that_is_believed_has_its_place_swept_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            five(scene);
            scene.put(&tick(scene));
            scene.lets_pass(Duration::from_mins(6));
        },
        |scene| {
            scene.is_tried_from_here();
            scene.world.set_servers(&place(), (1..=4).map(|n| server(n, "CONTINUOUS")).collect());
            scene.put(&stalled(3, "NOT_STALLED", now(scene) - SignedDuration::from_secs(330)));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    let told = [(STALL, Happened::Opened), (STALL, Happened::Resolved)];
    assert_eq!((counted(&clean), clean.incidents()), (Some(4), told.to_vec()));
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_was_read_before_drs_failed_is_kept_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            five(scene);
            scene.world.set_page_size(&place(), Some(2));
            scene.world.set_page_failure(&place(), Some((2, fails(Verdict::Permanent))));
            scene.put(&tick(scene));
            // Its claim runs out.
            scene.lets_pass(Duration::from_mins(5));
        },
        |scene| {
            let rows = scene.world.table().into_values().filter(|item| item.kind == ServerRow::KIND);
            assert_eq!(rows.count(), 2, "the page that was read");
            scene.world.set_page_failure(&place(), None);
            scene.put(&tick(scene));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(counted(&clean), Some(5));
}

/// As a request that is under way finds out when the spoke refuses it.
#[tokio::test(start_paused = true)]
pub(super) async fn a_refusal_by_an_account_that_was_switched_off_is_no_incident_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        sweeps_five,
        |scene| {
            // So that its registry is fresh when the account is switched off.
            scene.put(&heartbeat(now(scene)));
            scene.later(Duration::from_secs(5), |scene| {
                switches_off(scene);
                scene.world.set_spoke_failure(&place(), Some(fails(Verdict::Denied)));
                scene.put(&wish(scene));
            });
            scene.lets_pass(Duration::from_secs(6));
        },
        // Where the registry could not be read just then, the refusal was one, until now.
        |scene| scene.put(&wish(scene)),
    ];
    let is_all_over = |ending: &Ending, _: &Ending, case: &str| {
        assert!(told_open(&ending.published).values().all(|open| !open), "{case}: {:?}", ending.published);
    };
    let (_, clean) = path(steps).survives_all(is_all_over).await;
    assert_eq!(clean.incidents(), [(STALL, Happened::Opened), (STALL, Happened::Resolved)]);
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_place_that_is_listened_to_and_switched_off_is_dismissed_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            five(scene);
            listens_for(&scene.world, Duration::from_mins(2));
            scene.put(&heartbeat(now(scene)));
            scene.put(&tick(scene));
        },
        |scene| {
            switches_off(scene);
            // Where the registry could not be read when its time came, it is listened to once more.
            scene.lets_pass(Duration::from_mins(6));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.incidents(), [(STALL, Happened::Opened), (STALL, Happened::Resolved)]);
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_server_that_shifting_pages_leave_out_is_asked_for_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[sweeps_five, |scene| {
        let state = |n| if n <= 2 { "STALLED" } else { "CONTINUOUS" };
        scene.world.set_servers(&place(), (1..=5).map(|n| server(n, state(n))).collect());
        scene.world.set_overlooked(&place(), [server_id(2).parse().unwrap()]);
        scene.put(&wish(scene));
    }];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(counted(&clean), Some(5));
    assert!(clean.all::<ServerRow>().iter().all(|row| row.unlisted_since.is_none()));
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_only_other_workers_act_on_is_set_aside_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[|scene| scene.put(&launched(1, "RECOVERY_LAUNCH_SUCCEEDED"))];
    let (_, clean) = path(steps).survives_everything().await;
    assert!(clean.rows.keys().any(|key| key.starts_with("unhandled#capacity-tracker")));
}

#[tokio::test(start_paused = true)]
pub(super) async fn quotas_that_cannot_be_read_end_no_sweep_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[|scene| {
        five(scene);
        scene.world.set_quotas_failure(&place(), Some(fails(Verdict::Denied)));
        scene.put(&tick(scene));
    }];
    let (_, clean) = path(steps).survives_everything().await;
    let quotas = clean.all::<QuotasRow>();
    assert_eq!((counted(&clean), quotas.len()), (Some(5), 1));
}
