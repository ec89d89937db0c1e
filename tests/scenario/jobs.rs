//! A drill: launch results are joined to their job, and a sweep completes it.

use drs_fleet_domain::job::{Counts, JobRow, JobServerRow};
use drs_fleet_domain::keys;
use serde_json::{Value, json};

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_ends_as_one_completed_job_with_every_servers_result() {
    // A drill takes many minutes.
    let hub = Hub::start(Plan { speed: 150.0, ..Plan::default() }).await;
    let ids = &hub.servers(0)[..3];
    hub.world().drs.fail_next_launches(hub.site(0), &ids[..1]);
    let servers: Vec<_> = ids.iter().map(|id| json!({"sourceServerID": id})).collect();
    let body = json!({"isDrill": true, "sourceServers": servers});
    let answer = hub.call(hub.site(0), ("drs", "StartRecovery"), &body).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let id = answer["job"]["jobID"].as_str().unwrap().parse().unwrap();

    let place = hub.place(0);
    let job = until("a completed job", async || {
        hub.row::<JobRow>(&keys::job(&place, &id)).await.filter(|job| job.status == "COMPLETED")
    })
    .await;
    assert_eq!(job.counts, Some(Counts { done: 3, failed: 1, servers: 3 }));
    assert_eq!((job.drill, job.kind.as_deref()), (Some(true), Some("LAUNCH")));
    assert_eq!(job.initiated_by.as_deref(), Some("START_DRILL"));
    assert!(job.ended > job.created);

    let results = until("every server's launch result", async || {
        let rows = hub.rows::<JobServerRow>(&keys::job_servers(&place, &id)).await;
        (rows.len() == 3 && rows.iter().all(|row| row.result_at.is_some())).then_some(rows)
    })
    .await;
    for row in results {
        let failed = row.server.to_string() == ids[0];
        assert_eq!(row.launch_status, if failed { "FAILED" } else { "LAUNCHED" }, "{row:?}");
        // DRS leaves the instance of a launched server out now and then.
        assert!(!failed || row.recovery_instance.is_none(), "{row:?}");
    }
    assert_eq!(hub.rows::<JobRow>(&keys::jobs(&place)).await.len(), 1);
}
