//! The job-monitor's paths of recovery instances.

use std::time::Duration;

use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys;
use drs_fleet_domain::own_event::{Happened, OwnEvent};
use drs_fleet_domain::policy::Thresholds;
use drs_fleet_domain::recovery::RecoveryRow;
use drs_fleet_domain::row::Row;
use drs_fleet_domain::seen::{ServerSeen, Staging};
use drs_fleet_domain::server::{self, ServerRow};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Path;
use super::jobs::{INSTANCE, instance, job, monitor, only};
use super::scene::{Scene, judges_by};
use super::world::{api_call, early, event, now, place, server, server_id, tick};

#[tokio::test(start_paused = true)]
pub(super) async fn instances_are_followed_and_a_drill_that_is_left_running_is_told_until_it_is_ended() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            let fleet = Thresholds {
                drill_left_after: Some(Duration::from_mins(30).into()),
                ..Thresholds::default()
            };
            judges_by(&scene.world, &fleet);
            scene.world.set_jobs(&place(), vec![job("COMPLETED", &["LAUNCHED"])]);
            scene.world.set_recovery_instances(&place(), vec![instance("RUNNING", "FAILBACK_NOT_STARTED")]);
            scene.put(&tick(scene));
        },
        |scene| {
            scene.world.set_recovery_instances(&place(), Vec::new());
            scene.put(&tick(scene));
        },
    ];
    let (_, clean) = Path { make: monitor, steps }.survives_everything().await;
    let row: RecoveryRow = only(&clean);
    assert!(row.gone_since.is_some() && !row.runs());
    let mut told = clean.incidents();
    told.dedup();
    let expected = [Happened::Opened, Happened::Resolved].map(|what| (IncidentKind::DrillLeftRunning, what));
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
pub(super) async fn an_instance_that_shifting_pages_leave_out_is_asked_for_by_its_server_and_not_taken_for_gone()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.set_recovery_instances(&place(), vec![instance("RUNNING", "FAILBACK_NOT_STARTED")]);
            scene.put(&tick(scene));
        },
        |scene| {
            scene.world.set_overlooked(&place(), [server_id(1).parse().unwrap()]);
            scene.put(&tick(scene));
        },
    ];
    let (_, clean) = Path { make: monitor, steps }.survives_everything().await;
    let row: RecoveryRow = only(&clean);
    assert!(row.gone_since.is_none() && row.runs());
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_call_that_changes_instances_has_them_listed_soon_wherever_the_monitor_dies() {
    let steps: &[fn(&Scene)] = &[|scene| {
        scene.world.set_jobs(&place(), vec![job("COMPLETED", &["LAUNCHED"])]);
        scene.world.set_recovery_instances(&place(), vec![instance("RUNNING", "FAILBACK_IN_PROGRESS")]);
        scene.put(&api_call("StopFailback", early(5), &Value::Null));
    }];
    let (points, clean) = Path { make: monitor, steps }.survives_everything().await;
    assert!(points.contains(&"enqueue") && only::<RecoveryRow>(&clean).runs());
}

/// Server 1 replicates in another account and has stalled.
fn extended(at: Timestamp) -> ServerRow {
    let staging = Staging {
        status: Some("EXTENDED".to_owned()),
        account: Some("444455556666".parse().unwrap()),
        ..Staging::default()
    };
    inventory(ServerSeen { staging, ..server(1, "STALLED") }, at)
}

/// Server 1 as the inventory has it.
pub(super) fn inventory(seen: ServerSeen, at: Timestamp) -> ServerRow {
    let seen = Box::new(seen);
    let policy = drs_fleet_domain::policy::Policy::default();
    let context = server::Context::new("erp-prod", &policy, at);
    let observed = [server::Observation::Seen { seen, at }];
    let id = server_id(1).parse().unwrap();
    server::decide((&place(), &id), &observed, None, &context).unwrap().row
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_failback_is_followed_through_its_error_until_the_server_replicates_again() {
    fn failback(state: &str, second: i64) -> Value {
        let resource = format!("arn:aws:drs:us-west-2:111122223333:recovery-instance/{INSTANCE}");
        let kind = "DRS Recovery Instance Failback State Change";
        event("aws.drs", kind, early(second), &resource, &json!({ "state": state }))
    }
    let steps: &[fn(&Scene)] = &[
        |scene| {
            let fleet = Thresholds {
                not_resumed_after: Some(Duration::from_mins(1).into()),
                ..Thresholds::default()
            };
            judges_by(&scene.world, &fleet);
            scene.world.set_jobs(&place(), vec![job("COMPLETED", &["LAUNCHED"])]);
            scene.world.set_row(&extended(early(0)));
            scene.world.set_recovery_instances(&place(), vec![instance("RUNNING", "FAILBACK_ERROR")]);
            scene.put(&failback("FAILBACK_ERROR", 10));
            scene.lets_pass(Duration::from_secs(100));
        },
        |scene| {
            scene.world.set_recovery_instances(&place(), vec![instance("RUNNING", "FAILBACK_COMPLETED")]);
            scene.put(&tick(scene));
            scene.lets_pass(Duration::from_secs(70));
        },
        |scene| {
            scene.put(&tick(scene));
            scene.lets_pass(Duration::from_secs(20));
        },
        // Somebody gives the extension up.
        |scene| {
            scene.world.set_row(&inventory(server(1, "STALLED"), now(scene)));
            scene.put(&tick(scene));
        },
    ];
    let (_, clean) = Path { make: monitor, steps }.survives_everything().await;
    let row: RecoveryRow = only(&clean);
    assert_eq!(row.key(), keys::recovery(&place(), &INSTANCE.parse().unwrap()));
    let mut told = clean.incidents();
    told.dedup();
    let expected = [
        (IncidentKind::FailbackFailed, Happened::Opened),
        (IncidentKind::FailbackFailed, Happened::Resolved),
        (IncidentKind::ReplicationNotResumed, Happened::Opened),
        (IncidentKind::ReplicationNotResumed, Happened::Resolved),
    ];
    assert_eq!(told, expected);
    let failbacks = clean.published.iter().filter_map(|event| match event {
        OwnEvent::Failback(event) => Some(event.state.clone()),
        _ => None,
    });
    let mut states: Vec<_> = failbacks.collect();
    states.dedup();
    assert_eq!(states, ["FAILBACK_ERROR", "FAILBACK_COMPLETED"]);
}
