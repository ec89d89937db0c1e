use drs_fleet_domain::job_sweep::{InJobs, JobSweepRow};
use drs_fleet_domain::quota::{Quota, QuotaOrigin, QuotaValue, QuotasRow};
use serde_json::json;

use super::*;

/// In Payments, 480 servers are in 6 jobs; Claims was never looked at.
async fn used() -> Stage {
    let stage = fleet().await;
    let row = JobSweepRow {
        swept_at: Some(ago(185)),
        in_jobs: Some(InJobs { jobs: 6, servers: 480 }),
        ..JobSweepRow::unknown(&here())
    };
    stage.store(&row).await;
    let applied = |value| QuotaValue { value, origin: QuotaOrigin::Applied };
    let values = [(Quota::Jobs, 20), (Quota::ServersInJobs, 500), (Quota::ServersPerJob, 100)];
    let values = values.map(|(quota, value)| (quota.code().to_owned(), applied(value)));
    let (place, read_at) = (here(), ago(185));
    stage.store(&QuotasRow { place, read_at, values: values.into(), failed_at: None }).await;
    stage
}

#[tokio::test]
async fn what_each_place_still_takes_is_shown_with_what_aws_would_answer() {
    let stage = used().await;
    let lines = ["limits", "limits --servers 150", "limits --account Payments --servers 20"];
    insta::assert_snapshot!(stage.session("jobs", &lines).await);
}

#[tokio::test]
async fn the_code_says_whether_a_place_refuses_the_servers_however_they_are_split() {
    let stage = used().await;
    let code = async |line: &str| stage.run_to_code(line).await.1;
    assert_eq!(code("limits").await, 0);
    assert_eq!(code("limits --account Payments --servers 20").await, 0);
    assert_eq!(code("limits --account Payments --servers 21").await, 2);
    assert_eq!(code("limits --account Claims --servers 1").await, 2, "it is not known what it takes");
}

#[tokio::test]
async fn programs_get_the_quota_and_the_number_of_jobs() {
    let stage = used().await;
    let shown = stage.json("limits --json --account Payments --servers 150").await;
    let place = &shown["places"][0];
    assert_eq!(place["jobs"], json!({ "used": 6, "quota": { "value": 20, "origin": "APPLIED" } }));
    assert_eq!(place["busy"], 0, "its only job is over");
    let verdict = &place["verdict"];
    assert_eq!((&verdict["jobs"], &verdict["as_one_job"]["code"]), (&json!(2), &json!("L-B827C881")));
    assert_eq!((&verdict["split"]["code"], &verdict["split"]["wanted"]), (&json!("L-05AFA8C6"), &json!(630)));
    let claims = stage.json("limits --json --account Claims").await;
    assert_eq!(
        (&claims["places"][0]["busy"], &claims["places"][0]["jobs"]["used"]),
        (&json!(2), &json!(null))
    );
}
