//! Jobs: the calls that start them, and what became of each server.

use std::time::Duration;

use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::{Counts, JobRow, JobServerRow};
use drs_fleet_domain::seen::{JobSeen, JobServerSeen};
use drs_fleet_testkit::work::work;
use serde_json::json;

use super::super::jobs::{self, monitor};
use super::super::world::{api_call, arn, event, now, place, server_id, wish};
use super::{Account, SEEDS, rows};

const JOBS: u8 = 6;
/// Servers of each job.
const LAUNCHED: u8 = 12;

fn job(n: u8) -> JobId {
    format!("drsjob-{n:017}").parse().unwrap()
}

/// Launches of a job: all but every fifth succeed.
fn launches(n: u8) -> impl Iterator<Item = (u8, bool)> {
    (1..=LAUNCHED).map(move |server| (server, !(n + server).is_multiple_of(5)))
}

/// A job as DRS lists it in the end.
fn ended(n: u8) -> JobSeen {
    let like = jobs::ended().remove(0);
    let server = |(server, launched)| JobServerSeen {
        server: server_id(server).parse().unwrap(),
        launch_status: Some(if launched { "LAUNCHED" } else { "FAILED" }.to_owned()),
        ..like.servers[0].clone()
    };
    JobSeen { id: job(n), servers: launches(n).map(server).collect(), ..like.clone() }
}

#[tokio::test(start_paused = true)]
async fn lost_calls_and_launch_results_leave_no_trace_after_a_sweep() {
    let mut lost = 0;
    for seed in 1..=SEEDS {
        let mut account = Account::new(seed).await;
        let working = tokio::spawn(work(account.scene.process(), monitor()));
        for n in 1..=JOBS {
            let time = now(&account.scene);
            account.forwards(&api_call("StartRecovery", time, &json!({ "job": { "jobID": job(n) } })));
            for (server, launched) in launches(n) {
                tokio::time::sleep(Duration::from_secs(2)).await;
                let state = if launched { "RECOVERY_LAUNCH_SUCCEEDED" } else { "RECOVERY_LAUNCH_FAILED" };
                let detail = json!({ "state": state, "job-id": job(n), "is-drill": "TRUE" });
                let kind = "DRS Source Server Launch Result";
                let result = event("aws.drs", kind, now(&account.scene), &arn(server), &detail);
                account.forwards(&result);
            }
        }
        account.scene.world.set_jobs(&place(), (1..=JOBS).map(ended).collect());
        account.scene.put(&wish(&account.scene));
        account.scene.settles(Duration::from_hours(24)).await;
        working.abort();
        lost += account.lost;

        let failed = |n| launches(n).filter(|(_, launched)| !launched).count();
        let expected: Vec<_> = (1..=JOBS).map(|n| (job(n), "COMPLETED".to_owned(), failed(n))).collect();
        let counts = |row: &JobRow| row.counts.map(|Counts { failed, .. }| failed as usize).unwrap();
        let shown: Vec<_> = rows::<JobRow>(&account.scene)
            .iter()
            .map(|row| (row.id.clone(), row.status.clone(), counts(row)))
            .collect();
        assert_eq!(shown, expected, "seed {seed}");
        let is_failed = |row: &&JobServerRow| row.launch_status == "FAILED";
        let results = rows::<JobServerRow>(&account.scene);
        assert_eq!(results.len(), usize::from(JOBS * LAUNCHED), "seed {seed}");
        assert_eq!(
            results.iter().filter(is_failed).count(),
            (1..=JOBS).map(failed).sum::<usize>(),
            "seed {seed}"
        );
    }
    assert!(lost > 0, "or the test shows nothing");
}
