//! Drills: what the table says of them is what DRS knows, whatever is lost, doubled or refused meanwhile.

use std::collections::BTreeSet;

use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::job::{Counts, Outcome};
use drs_fleet_domain::keys;
use drs_fleet_domain::launches::LaunchesRow;
use drs_fleet_local::drs::{EventRule, LaunchFailure, LaunchPhase, Mishap};
use drs_fleet_local::faults::{Fault, FaultRule};
use serde_json::json;

use super::{assert_true, drill, healthy, over, row, servers_of, truth};
use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

const LAUNCH_RESULT: &str = "DRS Source Server Launch Result";

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_ends_as_one_completed_job_with_every_servers_result() {
    // A drill takes many minutes.
    let hub = Hub::start(Plan { speed: 150.0, ..Plan::default() }).await;
    let ids = &healthy(&hub, 0)[..3];
    hub.world().drs.fail_next_launches(hub.site(0), &ids[..1]);
    let id = drill(&hub, 0, ids, "wave-1").await;
    assert_true(&hub, 0, &id).await;
    let job = over(&hub, 0, &id).await;
    assert_eq!(job.counts, Some(Counts { done: 3, failed: 1, servers: 3 }));
    assert_eq!(
        (job.drill, job.outcome(), job.plan.as_deref()),
        (Some(true), Some(Outcome::Partial), Some("wave-1"))
    );
    let by = job.call.unwrap().by;
    assert!(by.principal.is_some() && by.ip.is_some(), "{by:?}");
    let rows = servers_of(&hub, 0, &id).await;
    assert!(rows.iter().all(|row| row.result_at.is_some() && row.name.is_some()), "{rows:?}");
    for server in &rows {
        let key = keys::launches(&hub.place(0), &server.server);
        let launches: LaunchesRow = hub.row(&key).await.unwrap();
        let launch = if server.is_launched() { launches.drill } else { launches.failed };
        let launch = launch.unwrap();
        assert_eq!((&launch.job, launch.exact, launch.by.is_some()), (&id, server.is_launched(), true));
    }
}

/// Three accounts, seven failures, events lost and doubled, calls refused, one job stuck, one deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_drill_of_a_hundred_servers_in_three_accounts_is_known_as_drs_knows_it() {
    let hub =
        Hub::start(Plan { speed: 150.0, spokes: 3, registered: 3, servers: 45, ..Plan::default() }).await;
    let drs = &hub.world().drs;
    let throttled = FaultRule::of(("drs", "DescribeJobs"), 0.3, Fault::Throttle);
    hub.world().faults.set(vec![throttled]);
    for spoke in 0..3 {
        let rules = [(0.3, Mishap::Lost), (0.3, Mishap::Doubled)];
        let rules = rules.map(|(share, mishap)| EventRule::share(LAUNCH_RESULT, share, mishap));
        drs.disturb(hub.site(spoke), rules.into(), 11);
    }
    let servers: Vec<Vec<String>> = (0..3).map(|spoke| healthy(&hub, spoke)).collect();
    let (counts, phases) =
        ([34, 33, 33], [LaunchPhase::Snapshot, LaunchPhase::Conversion, LaunchPhase::Launch]);
    let doomed = [(0, 3_u32), (1, 2), (2, 2)];
    for (spoke, number) in doomed {
        for id in servers[spoke].iter().take(number as usize) {
            let raw_error = format!("no luck for {id}");
            drs.fail_next_launch(hub.site(spoke), id, LaunchFailure { phase: phases[spoke], raw_error });
        }
    }
    let mut jobs = Vec::new();
    for (spoke, count) in counts.into_iter().enumerate() {
        jobs.push(drill(&hub, spoke, &servers[spoke][..count], "quarterly").await);
    }
    // Before anything else: on a busy machine it may be over before the monitor knows of it.
    let site = hub.site(2);
    drs.stick_job(hub.world(), site, jobs[2].as_str()).unwrap();
    let deleted = drill(&hub, 1, &servers[1][33..34], "quarterly").await;
    until("the job in the table", async || row(&hub, 2, &jobs[2]).await).await;
    let said = async |text: &str| {
        let is_there = async || hub.slack.texts().iter().any(|one| one.starts_with(text)).then_some(());
        until(text, is_there).await;
    };
    said("Job stuck").await;
    drs.release_job(hub.world(), site, jobs[2].as_str()).unwrap();
    said("Resolved: Job stuck").await;

    until("the end of the job that is deleted", async || {
        truth(&hub, 1, &deleted).filter(|job| job.status == "COMPLETED")
    })
    .await;
    hub.call(hub.site(1), ("drs", "DeleteJob"), &json!({ "jobID": deleted })).await.unwrap();

    for (spoke, id) in jobs.iter().enumerate() {
        assert_true(&hub, spoke, id).await;
        let (job, failed) = (over(&hub, spoke, id).await, doomed[spoke].1);
        assert_eq!(job.counts.unwrap().failed, failed);
        assert_eq!((job.plan.as_deref(), job.outcome()), (Some("quarterly"), Some(Outcome::Partial)));
        let incident = &job.incidents[&IncidentKind::JobFailed];
        assert!(incident.reason.contains("no luck for") && incident.closed_at.is_none(), "{incident:?}");
    }
    let gone = over(&hub, 1, &deleted).await;
    assert!(matches!(gone.outcome(), Some(Outcome::Succeeded | Outcome::Unknown)), "{gone:?}");
    let told: BTreeSet<String> = jobs.iter().map(ToString::to_string).collect();
    let failed = until("an incident of each job that failed", async || {
        let mut failed = BTreeSet::new();
        for spoke in 0..3 {
            let rows = hub.incidents(spoke).await.into_iter().map(|row| row.latest);
            failed.extend(rows.filter(|e| e.kind == IncidentKind::JobFailed).map(|e| e.subject));
        }
        (failed.len() == told.len()).then_some(failed)
    })
    .await;
    assert_eq!(failed, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_failed_and_are_launched_again_end_the_incident_of_their_job() {
    let hub = Hub::start(Plan { speed: 150.0, ..Plan::default() }).await;
    let ids = &healthy(&hub, 0)[..2];
    hub.world().drs.fail_next_launches(hub.site(0), &ids[..1]);
    let first = drill(&hub, 0, ids, "wave-1").await;
    assert_eq!(over(&hub, 0, &first).await.outcome(), Some(Outcome::Partial));
    let again = drill(&hub, 0, &ids[..1], "wave-1").await;
    assert_eq!(over(&hub, 0, &again).await.outcome(), Some(Outcome::Succeeded));
    until("the end of the first job's incident", async || {
        let job = row(&hub, 0, &first).await?;
        job.incidents.get(&IncidentKind::JobFailed).filter(|i| i.closed_at.is_some()).map(drop)
    })
    .await;
}
