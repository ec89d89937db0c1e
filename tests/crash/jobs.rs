//! The job-monitor's paths.

use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_domain::seen::{JobSeen, JobServerSeen};
use job_monitor::JobMonitor;
use serde_json::{Value, json};

use super::Path;
use super::scene::Scene;
use super::world::{api_call, arn, early, event, place, server_id, tick};

const JOB: &str = "drsjob-04ca7d0d3fb6afa3e";

pub(super) fn monitor() -> JobMonitor {
    JobMonitor::new(RegistryCache::default(), &Metrics::default())
}

pub(super) fn launched(server: u8, state: &str) -> Value {
    let detail = json!({ "state": state, "job-id": JOB, "is-drill": "TRUE" });
    event("aws.drs", "DRS Source Server Launch Result", early(20), &arn(server), &detail)
}

pub(super) fn started() -> Value {
    api_call("StartRecovery", early(1), &json!({ "job": { "jobID": JOB } }))
}

/// The job as DRS lists it: two servers, of which one failed.
pub(super) fn ended() -> Vec<JobSeen> {
    let server = |n, status: &str| JobServerSeen {
        server: server_id(n).parse().unwrap(),
        launch_status: Some(status.to_owned()),
        recovery_instance: None,
    };
    vec![JobSeen {
        kind: "LAUNCH".to_owned(),
        initiated_by: Some("START_DRILL".to_owned()),
        created: Some(early(1)),
        ended: Some(early(30)),
        servers: vec![server(1, "LAUNCHED"), server(2, "FAILED")],
        ..JobSeen::new(JOB.parse().unwrap(), "COMPLETED")
    }]
}

#[tokio::test(start_paused = true)]
async fn a_job_is_followed_to_its_end_wherever_the_monitor_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| scene.put(&started()),
        |scene| scene.put(&launched(1, "RECOVERY_LAUNCH_SUCCEEDED")),
        |scene| {
            scene.world.set_jobs(&place(), ended());
            scene.put(&tick(scene));
        },
    ];
    let (points, clean) = Path { make: monitor, steps }.survives_everything().await;
    assert!(points.contains(&"jobs"));
    let rows = clean.rows.keys().filter(|key| key.contains(JOB)).count();
    assert_eq!(rows, 3, "the job and its two servers");
}
