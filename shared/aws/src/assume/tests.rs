use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::io::{Io, JobFilter, ServerFilter};
use crate::sdk::SdkIo;
use crate::sdk::wire::{Call, EXTERNAL_ID, Reply, account_row as row, fleet};

fn drs_error(status: u16, code: &str) -> Reply {
    (status, json!({ "__type": code, "message": "no" }).to_string())
}

fn place(region: &str) -> Place {
    Place { account: "111122223333".parse().unwrap(), region: region.parse().unwrap() }
}

async fn servers(
    io: &SdkIo,
    region: &str,
) -> Answer<drs_fleet_domain::seen::Page<drs_fleet_domain::seen::ServerSeen>> {
    io.source_servers(&place(region), &ServerFilter::All, None).await
}

#[tokio::test]
async fn however_many_calls_begin_at_once_the_role_is_assumed_once() {
    let (io, wire) = fleet(|_| None);
    let regions = ["eu-central-1", "eu-west-1"];
    let answers = join_all((0..16).map(|n| servers(&io, regions[n % 2]))).await;
    assert!(answers.iter().all(Result::is_ok), "{:?}", answers[0]);
    assert_eq!(wire.calls("DescribeSourceServers").len(), 16);
    assert_eq!(wire.calls("AssumeRole").len(), 1);
    let hosts: std::collections::BTreeSet<_> =
        wire.calls("DescribeSourceServers").into_iter().map(|call| call.host).collect();
    assert_eq!(hosts.len(), 2, "each Region is called at its own endpoint: {hosts:?}");
}

#[tokio::test]
async fn the_role_is_assumed_at_the_hubs_regional_endpoint_for_an_hour() {
    let (io, wire) = fleet(|_| None);
    servers(&io, "us-east-1").await.unwrap();
    let call = &wire.calls("AssumeRole")[0];
    assert_eq!(call.host, "sts.eu-central-1.amazonaws.com");
    for part in ["RoleSessionName=drs-fleet-job-monitor", "DurationSeconds=3600", "ExternalId=corp-7f3a9"] {
        assert!(call.body.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_role_that_refuses_us_is_a_denial_of_the_spoke_and_is_tried_afresh_next_time() {
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                   <Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
    let (io, wire) = fleet(move |call| (call.operation == "AssumeRole").then(|| (403, refusal.to_owned())));
    for _ in 0..2 {
        let error = servers(&io, "eu-central-1").await.unwrap_err();
        assert_eq!((error.neighbour, error.verdict), (Neighbour::Spoke, Verdict::Denied), "{error}");
    }
    assert_eq!(wire.calls("AssumeRole").len(), 2);
    assert_eq!(wire.calls("GetSecretValue").len(), 2, "the external id may have been the fault");
    assert!(wire.calls("DescribeSourceServers").is_empty());
}

#[tokio::test]
async fn a_denial_by_drs_has_the_role_assumed_again() {
    let denied = |call: &Call| call.operation == "DescribeSourceServers";
    let (io, wire) = fleet(move |call| denied(call).then(|| drs_error(403, "AccessDeniedException")));
    for _ in 0..2 {
        assert_eq!(servers(&io, "eu-central-1").await.unwrap_err().verdict, Verdict::Denied);
    }
    assert_eq!(wire.calls("AssumeRole").len(), 2);
}

#[tokio::test]
async fn an_external_id_at_the_edge_of_a_long_refusal_is_not_told_on_in_part() {
    for pad in 370..400 {
        let refusal = format!(
            "<ErrorResponse><Error><Code>ValidationError</Code><Message>{}corp-7f3a9</Message></Error></ErrorResponse>",
            "x".repeat(pad)
        );
        let (io, _) = fleet(move |call| (call.operation == "AssumeRole").then(|| (400, refusal.clone())));
        let error = servers(&io, "eu-central-1").await.unwrap_err();
        assert!(!error.message.contains("corp"), "{error}");
    }
}

#[tokio::test]
async fn an_external_id_that_sts_repeats_is_not_told_on() {
    let refusal = "<ErrorResponse><Error><Code>ValidationError</Code>\
                   <Message>Value 'corp-7f3a9' at 'externalId' failed to satisfy constraint</Message>\
                   </Error></ErrorResponse>";
    let (io, _) = fleet(move |call| (call.operation == "AssumeRole").then(|| (400, refusal.to_owned())));
    let error = servers(&io, "eu-central-1").await.unwrap_err();
    assert!(error.message.contains("externalId") && !error.to_string().contains(EXTERNAL_ID), "{error}");
    assert!(!format!("{io:?}").contains(EXTERNAL_ID));
}

#[tokio::test]
async fn only_active_accounts_are_called() {
    for status in ["PENDING_VALIDATION", "INACTIVE", "ERROR"] {
        let (io, wire) = fleet(move |call| (call.operation == "BatchGetItem").then(|| (200, row(status))));
        let error = servers(&io, "eu-central-1").await.unwrap_err();
        assert_eq!(error.verdict, Verdict::Denied);
        assert!(error.message.contains(status), "{error}");
        assert!(wire.calls("AssumeRole").is_empty());
    }
}

#[tokio::test]
async fn an_unregistered_account_is_not_called() {
    let nobody = json!({ "Responses": {}, "UnprocessedKeys": {} }).to_string();
    let (io, _) = fleet(move |call| (call.operation == "BatchGetItem").then(|| (200, nobody.clone())));
    let error = servers(&io, "eu-central-1").await.unwrap_err();
    assert_eq!(error.message, "account 111122223333 is not registered");
}

#[tokio::test]
async fn the_page_carries_awss_own_time_and_what_it_can_read() {
    let items = json!({ "items": [
        { "sourceServerID": "s-12345678901234567", "arn": "arn", "tags": { "Name": "db-1" },
          "dataReplicationInfo": { "dataReplicationState": "SOMETHING_NEW", "lagDuration": "P0D" },
          "sourceProperties": { "identificationHints": { "hostname": "db-1" } } },
        { "sourceServerID": "nonsense" },
    ], "nextToken": "more" });
    let (io, _) =
        fleet(move |call| (call.operation == "DescribeSourceServers").then(|| (200, items.to_string())));
    let page = servers(&io, "eu-central-1").await.unwrap();
    assert_eq!(page.date.to_string(), "1994-11-06T08:49:37Z");
    assert_eq!((page.items.len(), page.next.as_deref(), page.initialized), (1, Some("more"), true));
    assert_eq!(page.items[0].state.as_deref(), Some("SOMETHING_NEW"));
    assert_eq!(page.items[0].progress.lag, Some(Duration::ZERO));
}

#[tokio::test]
async fn where_drs_was_never_initialised_there_are_no_servers() {
    let (io, _) = fleet(|call| {
        (call.operation == "DescribeSourceServers").then(|| drs_error(400, "UninitializedAccountException"))
    });
    let page = servers(&io, "eu-central-1").await.unwrap();
    assert!(page.items.is_empty() && !page.initialized);
}

#[tokio::test]
async fn a_throttle_of_drs_is_not_repeated_and_says_how_long_to_wait() {
    let (io, wire) =
        fleet(|call| (call.operation == "DescribeJobs").then(|| drs_error(429, "ThrottlingException")));
    let error = io.jobs(&place("eu-central-1"), &JobFilter::All, None).await.unwrap_err();
    assert_eq!((error.verdict, error.retry_after), (Verdict::Throttled, Some(Duration::from_secs(7))));
    assert_eq!(wire.calls("DescribeJobs").len(), 1);
}

#[tokio::test]
async fn jobs_keep_texts_that_nobody_told_us_of() {
    let items = json!({ "items": [
        { "jobID": "drsjob-04ca7d0d3fb6afa3e", "type": "LAUNCH", "initiatedBy": "SOMEONE_NEW", "status": "STARTED",
          "creationDateTime": "2024-06-15T15:00:00.000Z",
          "participatingServers": [ { "sourceServerID": "s-12345678901234567", "launchStatus": "LAUNCHED" } ] },
    ] });
    let (io, wire) = fleet(move |call| (call.operation == "DescribeJobs").then(|| (200, items.to_string())));
    let from = Timestamp::from_second(0).unwrap();
    let page = io.jobs(&place("eu-central-1"), &JobFilter::Since(from), None).await.unwrap();
    assert_eq!(page.items[0].initiated_by.as_deref(), Some("SOMEONE_NEW"));
    assert_eq!(page.items[0].servers[0].recovery_instance, None);
    assert_eq!(wire.calls("DescribeJobs")[0].json()["filters"]["fromDate"], "1970-01-01T00:00:00Z");
}
