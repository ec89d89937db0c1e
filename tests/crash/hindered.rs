//! The job-monitor's paths on which something hinders it: a spoke that refuses, lists that take long, what is not for it.

use std::time::Duration;

use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_domain::recovery::RecoveryRow;
use drs_fleet_domain::seen::{JobSeen, RecoveryInstanceSeen};
use job_monitor::JobMonitor;
use serde_json::json;

use super::Path;
use super::ending::Ending;
use super::jobs::{ended, instance, job, monitor, only, started};
use super::scene::Scene;
use super::world::{early, place, refuse, server_id, stalled, tick};

fn path(steps: &'static [fn(&Scene)]) -> Path<JobMonitor> {
    Path { make: monitor, steps }
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_sweep_that_is_refused_is_made_when_it_is_asked_for_again_wherever_the_monitor_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.set_jobs(&place(), ended());
            refuse(scene, &place());
            scene.put(&tick(scene));
        },
        |scene| {
            scene.world.set_spoke_failure(&place(), None);
            scene.put(&tick(scene));
            scene.lets_pass(Duration::from_secs(100));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert!(!only::<JobRow>(&clean).is_active());
}

#[tokio::test(start_paused = true)]
pub(super) async fn an_active_job_that_cannot_be_looked_at_is_looked_at_later_wherever_the_monitor_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            refuse(scene, &place());
            let mut call = started();
            call["detail"]["requestParameters"] =
                json!({ "sourceServers": [{ "sourceServerID": server_id(1) }] });
            scene.put(&call);
            scene.lets_pass(Duration::from_secs(20));
        },
        |scene| {
            scene.world.set_jobs(&place(), ended());
            scene.world.set_spoke_failure(&place(), None);
            scene.lets_pass(Duration::from_mins(6));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert!(!only::<JobRow>(&clean).is_active());
}

/// One call in twelve seconds: the claim is renewed between jobs and recovery instances.
#[tokio::test(start_paused = true)]
pub(super) async fn long_lists_of_jobs_and_instances_are_read_to_their_ends_wherever_the_monitor_dies() {
    let steps: &[fn(&Scene)] = &[|scene| {
        let second = JobSeen { id: "drsjob-11111111111111111".parse().unwrap(), ..job("COMPLETED", &[]) };
        scene.world.set_jobs(&place(), vec![job("COMPLETED", &[]), second]);
        let running = instance("RUNNING", "FAILBACK_NOT_STARTED");
        let other = RecoveryInstanceSeen {
            id: "i-00000000000000002".parse().unwrap(),
            server: Some(server_id(2).parse().unwrap()),
            ..running.clone()
        };
        scene.world.set_recovery_instances(&place(), vec![running, other]);
        scene.world.set_page_size(&place(), Some(1));
        scene.world.set_one_call_in(&place(), Some(Duration::from_secs(12)));
        scene.put(&tick(scene));
        scene.lets_pass(Duration::from_mins(3));
    }];
    let (_, clean) = path(steps).survives_all(Ending::assert_same_state).await;
    assert_eq!((clean.all::<JobRow>().len(), clean.all::<RecoveryRow>().len()), (2, 2));
}

/// Nothing is heard of it meanwhile.
#[tokio::test(start_paused = true)]
pub(super) async fn a_failback_that_failed_is_looked_at_while_it_is_open_wherever_the_monitor_dies() {
    let steps: &[fn(&Scene)] = &[|scene| {
        scene.world.set_jobs(&place(), vec![job("COMPLETED", &["LAUNCHED"])]);
        scene.world.set_recovery_instances(&place(), vec![instance("RUNNING", "FAILBACK_ERROR")]);
        scene.put(&tick(scene));
        scene.lets_pass(Duration::from_mins(6));
    }];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.incidents(), [(IncidentKind::FailbackFailed, Happened::Opened)]);
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_only_other_workers_act_on_is_set_aside_wherever_the_monitor_dies() {
    let steps: &[fn(&Scene)] = &[|scene| scene.put(&stalled(1, "STALLED", early(10)))];
    let (_, clean) = path(steps).survives_everything().await;
    assert!(clean.rows.keys().any(|key| key.starts_with("unhandled#job-monitor")));
}
