//! The job-monitor's paths.

use std::time::Duration;

use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::job::{JobRow, JobServerRow, Outcome};
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::keys;
use drs_fleet_domain::launches::LaunchesRow;
use drs_fleet_domain::own_event::{Happened, OwnEvent};
use drs_fleet_domain::policy::Thresholds;
use drs_fleet_domain::recovery::RecoveryRow;
use drs_fleet_domain::row::Row;
use drs_fleet_domain::seen::{JobLogSeen, JobSeen, JobServerSeen, RecoveryInstanceSeen, ServerSeen, Size};
use jiff::Timestamp;
use job_monitor::JobMonitor;
use serde_json::{Value, json};

use super::Path;
use super::ending::Ending;
use super::recoveries::inventory;
use super::scene::{Scene, judges_by, play};
use super::world::{api_call, arn, early, event, now, place, server, server_id, tick};

const JOB: &str = "drsjob-04ca7d0d3fb6afa3e";
pub(super) const INSTANCE: &str = "i-00000000000000001";

pub(super) fn monitor() -> JobMonitor {
    JobMonitor::new(RegistryCache::default(), &Metrics::default())
}

pub(super) fn launched(server: u8, state: &str) -> Value {
    launched_at(server, state, early(20))
}

fn launched_at(server: u8, state: &str, at: Timestamp) -> Value {
    let detail = json!({ "state": state, "job-id": JOB, "is-drill": "TRUE" });
    event("aws.drs", "DRS Source Server Launch Result", at, &arn(server), &detail)
}

pub(super) fn started() -> Value {
    api_call("StartRecovery", early(1), &json!({ "job": { "jobID": JOB } }))
}

pub(super) fn job(status: &str, servers: &[&str]) -> JobSeen {
    let server = |(n, status): (usize, &&str)| JobServerSeen {
        server: server_id(u8::try_from(n + 1).unwrap()).parse().unwrap(),
        launch_status: Some((*status).to_owned()),
        recovery_instance: None,
    };
    JobSeen {
        kind: "LAUNCH".to_owned(),
        initiated_by: Some("START_DRILL".to_owned()),
        created: Some(early(1)),
        ended: (status == "COMPLETED").then(|| early(30)),
        servers: servers.iter().enumerate().map(server).collect(),
        ..JobSeen::new(JOB.parse().unwrap(), status)
    }
}

/// The job as DRS lists it when it is over: two servers, of which one failed.
pub(super) fn ended() -> Vec<JobSeen> {
    vec![job("COMPLETED", &["LAUNCHED", "FAILED"])]
}

fn runs(scene: &Scene, servers: &[&str]) {
    scene.world.set_jobs(&place(), vec![job("STARTED", servers)]);
}

fn line(second: i64, event: &str, server: Option<u8>) -> JobLogSeen {
    JobLogSeen {
        at: early(second),
        event: event.to_owned(),
        server: server.map(|n| server_id(n).parse().unwrap()),
        error: event.ends_with("FAILED").then(|| "no capacity".to_owned()),
    }
}

pub(super) fn instance(state: &str, failback: &str) -> RecoveryInstanceSeen {
    RecoveryInstanceSeen {
        id: INSTANCE.parse().unwrap(),
        server: Some(server_id(1).parse().unwrap()),
        job: Some(JOB.parse().unwrap()),
        drill: Some(true),
        state: Some(state.to_owned()),
        failback: Some(failback.to_owned()),
        failback_error: None,
        size: Size { cores: 2, ram: 8 << 30 },
    }
}

/// The row of a kind of which there is one.
pub(super) fn only<R: Row>(ending: &Ending) -> R {
    let mut rows = ending.all::<R>();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

fn jobs_told(ending: &Ending) -> Vec<&str> {
    let mut told: Vec<_> = ending
        .published
        .iter()
        .filter(|event| matches!(event, OwnEvent::Job(_)))
        .map(OwnEvent::detail_type)
        .collect();
    told.dedup();
    told
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_job_is_followed_to_its_end_wherever_the_monitor_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            runs(scene, &["IN_PROGRESS", "PENDING"]);
            scene.put(&started());
            scene.lets_pass(Duration::from_secs(20));
        },
        |scene| scene.put(&launched(1, "RECOVERY_LAUNCH_SUCCEEDED")),
        // Nobody tells that it is over.
        |scene| {
            let lines = vec![line(2, "SNAPSHOT_START", Some(1)), line(25, "LAUNCH_FAILED", Some(2))];
            scene.world.set_job_log(&place(), &JOB.parse().unwrap(), lines);
            scene.world.set_recovery_instances(&place(), vec![instance("RUNNING", "FAILBACK_NOT_STARTED")]);
            scene.world.set_jobs(&place(), ended());
            scene.lets_pass(Duration::from_secs(100));
        },
    ];
    let (points, clean) = Path { make: monitor, steps }.survives_everything().await;
    for call in ["jobs", "job_log", "recovery_instances"] {
        assert!(points.contains(&call), "{call}");
    }
    let job: JobRow = only(&clean);
    assert_eq!((job.outcome(), job.is_active()), (Some(Outcome::Partial), false));
    assert_eq!(job.recovery_time(), Some(Duration::from_secs(19)), "as the launch result says");
    let servers = clean.all::<JobServerRow>();
    assert_eq!(servers[0].recovery_instance.as_ref().unwrap().as_str(), INSTANCE);
    assert_eq!(servers[1].failure.as_ref().unwrap().error.as_deref(), Some("no capacity"));
    let launches = clean.all::<LaunchesRow>();
    assert!(launches[0].drill.is_some() && launches[1].failed.is_some(), "{launches:?}");
    assert_eq!(clean.incidents(), [(IncidentKind::JobFailed, Happened::Opened)]);
    assert_eq!(jobs_told(&clean), ["Job Started", "Job Completed"]);
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_job_that_is_deleted_before_its_end_was_seen_is_over() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            runs(scene, &["LAUNCHED", "IN_PROGRESS"]);
            scene.put(&launched(1, "RECOVERY_LAUNCH_SUCCEEDED"));
            scene.lets_pass(Duration::from_secs(20));
        },
        |scene| {
            scene.world.set_jobs(&place(), Vec::new());
            let mut call = api_call("DeleteJob", early(40), &json!(null));
            call["detail"]["requestParameters"] = json!({ "jobID": JOB });
            scene.put(&call);
            scene.lets_pass(Duration::from_secs(100));
        },
    ];
    let (_, clean) = Path { make: monitor, steps }.survives_everything().await;
    let job: JobRow = only(&clean);
    assert_eq!((job.outcome(), job.deleted_at), (Some(Outcome::Unknown), Some(early(40))));
    assert_eq!(jobs_told(&clean), ["Job Started", "Job Completed"]);
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_job_that_rests_is_stuck_and_one_that_failed_is_well_when_its_servers_are_launched() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            let fleet =
                Thresholds { job_stuck_after: Some(Duration::from_hours(1).into()), ..Thresholds::default() };
            judges_by(&scene.world, &fleet);
            runs(scene, &["IN_PROGRESS"]);
            scene.put(&tick(scene));
            scene.lets_pass(Duration::from_secs(20));
        },
        |scene| {
            scene.world.set_jobs(&place(), vec![job("COMPLETED", &["FAILED"])]);
            scene.lets_pass(Duration::from_secs(100));
        },
        |scene| {
            let again = JobSeen {
                created: Some(now(scene)),
                ended: Some(now(scene)),
                id: "drsjob-11111111111111111".parse().unwrap(),
                ..job("COMPLETED", &["LAUNCHED"])
            };
            scene.world.set_jobs(&place(), vec![again]);
            scene.put(&tick(scene));
            scene.lets_pass(Duration::from_secs(330));
        },
    ];
    let (_, clean) = Path { make: monitor, steps }.survives_everything().await;
    let mut told = clean.incidents();
    told.dedup();
    let expected = [
        (IncidentKind::JobStuck, Happened::Opened),
        (IncidentKind::JobStuck, Happened::Resolved),
        (IncidentKind::JobFailed, Happened::Opened),
        (IncidentKind::JobFailed, Happened::Resolved),
    ];
    assert!(expected.iter().all(|one| told.contains(one)) && told.len() == expected.len(), "{told:?}");
}

fn stored(scene: &Scene, id: &str) -> Option<JobRow> {
    let key = keys::job(&place(), &id.parse().unwrap());
    scene.world.stored::<JobRow>(&key).unwrap().map(|stored| stored.row)
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_log_cannot_be_read_keeps_nothing_else_back_and_is_over_without_it_in_the_end() {
    const OTHER: &str = "drsjob-11111111111111111";
    let steps: &[fn(&Scene)] = &[
        |scene| {
            let log = IoError::new(Neighbour::Spoke, "DescribeJobLogItems", Verdict::Transient, "500");
            scene.world.set_job_log_failure(&place(), &JOB.parse().unwrap(), log);
            let silent = JobSeen { ended: Some(now(scene)), ..job("COMPLETED", &["LAUNCHED"]) };
            let other = JobSeen { id: OTHER.parse().unwrap(), ..job("STARTED", &["PENDING"]) };
            scene.world.set_jobs(&place(), vec![silent, other]);
            scene.world.set_recovery_instances(&place(), vec![instance("RUNNING", "FAILBACK_NOT_STARTED")]);
            scene.put(&tick(scene));
        },
        |scene| {
            let sweep = scene.world.stored::<JobSweepRow>(&keys::job_sweep(&place())).unwrap().unwrap().row;
            assert_eq!(sweep.active.len(), 2, "both are looked at again");
            assert!(stored(scene, OTHER).is_some() && sweep.instances_at.is_none());
            let found = keys::recovery(&place(), &INSTANCE.parse().unwrap());
            assert!(scene.world.stored::<RecoveryRow>(&found).unwrap().is_some(), "instances are swept");
            let over = JobSeen { id: OTHER.parse().unwrap(), ..job("COMPLETED", &["LAUNCHED"]) };
            let silent = JobSeen { ended: Some(now(scene)), ..job("COMPLETED", &["LAUNCHED"]) };
            scene.world.set_jobs(&place(), vec![silent, over]);
            scene.lets_pass(Duration::from_mins(30));
        },
        |scene| {
            let is_over = |id| stored(scene, id).is_some_and(|row| !row.is_active());
            assert!(is_over(OTHER) && !is_over(JOB));
            scene.lets_pass(Duration::from_hours(24));
        },
        |scene| assert!(stored(scene, JOB).is_some_and(|row| !row.is_active() && row.settled)),
    ];
    play(&Scene::new().await, monitor, steps).await;
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_server_of_which_a_launch_result_told_first_gets_its_name_and_its_objective() {
    let steps: &[fn(&Scene)] = &[
        |scene| scene.put(&launched(1, "RECOVERY_LAUNCH_SUCCEEDED")),
        |scene| {
            let seen = ServerSeen {
                hostname: Some("crm-1".to_owned()),
                tags: [("drs-fleet:rto".to_owned(), "30m".to_owned())].into(),
                ..server(1, "CONTINUOUS")
            };
            scene.world.set_row(&inventory(seen, early(0)));
            scene.world.set_jobs(&place(), vec![job("COMPLETED", &["LAUNCHED"])]);
            scene.put(&tick(scene));
            scene.lets_pass(Duration::from_secs(100));
        },
    ];
    let (_, clean) = Path { make: monitor, steps }.survives_everything().await;
    let row: JobServerRow = only(&clean);
    assert_eq!((row.label(), row.objective.map(|rto| rto.0)), ("crm-1", Some(Duration::from_mins(30))));
    let launches: LaunchesRow = only(&clean);
    let drill = launches.drill.unwrap();
    assert!(drill.exact && drill.objective == row.objective, "{drill:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_a_launch_result_tells_of_before_drs_lists_it_is_not_taken_for_gone() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.put(&launched_at(1, "RECOVERY_LAUNCH_SUCCEEDED", now(scene)));
            scene.lets_pass(Duration::from_mins(1));
        },
        |scene| {
            runs(scene, &["LAUNCHED", "PENDING"]);
            scene.lets_pass(Duration::from_mins(1));
        },
        |scene| {
            scene.world.set_jobs(&place(), ended());
            scene.lets_pass(Duration::from_mins(2));
        },
    ];
    let (_, ending) = Path { make: monitor, steps }.played(|_| {}).await;
    let job: JobRow = only(&ending);
    assert_eq!((job.status.as_str(), job.gone_at), ("COMPLETED", None));
    assert_eq!(jobs_told(&ending), ["Job Started", "Job Completed"]);
}
