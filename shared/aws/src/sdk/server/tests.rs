//! `sample.json` is AWS's own: the example of `describe-source-servers` in the AWS CLI, verbatim.

use std::time::Duration;

use drs_fleet_domain::seen::{LastLaunch, Page, Progress, ServerFacts, ServerSeen, Staging, Step};
use serde_json::{Value, json};

use crate::io::{Io, ServerFilter};
use crate::sdk::Answer;
use crate::sdk::wire::{Call, fleet, place};

fn sample() -> Value {
    serde_json::from_str(include_str!("sample.json")).unwrap()
}

async fn page_of(answer: Value) -> Answer<Page<ServerSeen>> {
    let body = answer.to_string();
    let (io, _) =
        fleet(move |call: &Call| (call.operation == "DescribeSourceServers").then(|| (200, body.clone())));
    io.source_servers(&place(), &ServerFilter::All, None).await
}

async fn seen(item: Value) -> ServerSeen {
    page_of(json!({ "items": [item] })).await.unwrap().items.remove(0)
}

/// The sample with its replication information changed.
fn with_replication(change: impl FnOnce(&mut Value)) -> Value {
    let mut item = sample()["items"][0].clone();
    change(&mut item["dataReplicationInfo"]);
    item
}

#[tokio::test]
async fn all_that_the_sample_of_aws_says_is_read() {
    let seen = seen(sample()["items"][0].clone()).await;
    assert_eq!(seen.id.as_str(), "s-1234567890abcdef0");
    assert_eq!(seen.arn, "arn:aws:drs:us-west-2:123456789012:source-server/s-1234567890abcdef0");
    assert_eq!((seen.hostname.as_deref(), &seen.instance), (Some("ip-10-0-0-1"), &None));
    assert_eq!((seen.state.as_deref(), &seen.error), (Some("CONTINUOUS"), &None));
    let bytes = Some(32_212_254_720);
    let progress = Progress {
        lag: Some(Duration::ZERO),
        backlog: Some(0),
        replicated: bytes,
        rescanned: bytes,
        total: bytes,
        step: None,
    };
    assert_eq!(seen.progress, progress);
    let staging = Staging {
        status: Some("EXTENDED".into()),
        account: Some("123456789012".parse().unwrap()),
        server_arn: None,
        error: None,
    };
    assert_eq!(seen.staging, staging);
    assert_eq!(seen.last_seen, Some("2024-06-15T14:30:00Z".parse().unwrap()));
    assert!(seen.tags.is_empty());
}

#[tokio::test]
async fn all_that_the_sample_of_aws_says_of_the_machine_is_read() {
    let text = |text: &str| Some(text.to_owned());
    let facts = ServerFacts {
        agent_version: text("6.42.12.2025.353.1309"),
        direction: text("FAILOVER"),
        os: text("linux 5.10.0-28-cloud-amd64"),
        cores: Some(2),
        ram: Some(8_589_934_592),
        disks: [("/dev/xvda".to_owned(), 32_212_254_720)].into(),
        ips: vec!["10.0.0.1".to_owned()],
        recommended_type: text("t3.large"),
        origin_account: text("123456789012"),
        origin_zone: text("us-west-2b"),
        added_at: Some("2024-01-15T10:30:00Z".parse().unwrap()),
        last_launch_result: text("SUCCEEDED"),
        last_launch: Some(LastLaunch {
            at: "2024-06-10T15:00:00Z".parse().unwrap(),
            drill: false,
            job: Some("drsjob-1234567890abcdef0".parse().unwrap()),
            status: "LAUNCHED".into(),
        }),
        recovery_instance: text("i-1234567890abcdef0"),
    };
    assert_eq!(seen(sample()["items"][0].clone()).await.facts, facts);
}

#[tokio::test]
async fn what_is_absent_is_unknown_and_not_zero() {
    let arn = "arn:aws:drs:us-west-2:111122223333:source-server/s-1234567890abcdef0";
    let bare = json!({ "sourceServerID": "s-1234567890abcdef0", "arn": arn });
    assert_eq!(seen(bare).await, ServerSeen::new("s-1234567890abcdef0".parse().unwrap(), arn.to_owned()));
    let without_disks = with_replication(|info| {
        info.as_object_mut().unwrap().remove("replicatedDisks");
        info["lagDuration"] = Value::Null;
    });
    assert_eq!(seen(without_disks).await.progress, Progress::default());
}

#[tokio::test]
async fn bytes_are_summed_over_all_disks() {
    let two = with_replication(|info| {
        let disk = |backlog: u64| {
            json!({
                "deviceName": "d", "backloggedStorageBytes": backlog, "totalStorageBytes": 100,
                "replicatedStorageBytes": 40, "rescannedStorageBytes": 0,
            })
        };
        info["replicatedDisks"] = json!([disk(7), disk(20_000_000_000)]);
    });
    let progress = seen(two).await.progress;
    assert_eq!((progress.backlog, progress.total), (Some(20_000_000_007), Some(200)));
    assert_eq!((progress.replicated, progress.rescanned), (Some(80), Some(0)));
}

#[tokio::test]
async fn the_step_shown_is_the_first_that_has_not_succeeded_and_was_not_skipped() {
    let step = |name: &str, status: &str| json!({ "name": name, "status": status });
    let starting = with_replication(|info| {
        info["dataReplicationInitiation"]["steps"] = json!([
            step("WAIT", "SUCCEEDED"),
            step("CREATE_SECURITY_GROUP", "SKIPPED"),
            step("LAUNCH_REPLICATION_SERVER", "FAILED"),
            step("BOOT_REPLICATION_SERVER", "NOT_STARTED"),
        ]);
    });
    let failed = Step { name: "LAUNCH_REPLICATION_SERVER".into(), status: "FAILED".into() };
    assert_eq!(seen(starting).await.progress.step, Some(failed));
}

#[tokio::test]
async fn what_aws_adds_to_its_enums_passes_through() {
    let mut item = with_replication(|info| {
        info["dataReplicationState"] = "HIBERNATING".into();
        info["dataReplicationError"] = json!({ "error": "FAILED_TO_DREAM", "rawError": "x" });
        info["lagDuration"] = "a while".into();
    });
    item["stagingArea"]["status"] = "HALF_EXTENDED".into();
    item["lifeCycle"]["lastSeenByServiceDateTime"] = "yesterday".into();
    let seen = seen(item).await;
    assert_eq!(
        (seen.state.as_deref(), seen.error.as_deref()),
        (Some("HIBERNATING"), Some("FAILED_TO_DREAM"))
    );
    assert_eq!(seen.staging.status.as_deref(), Some("HALF_EXTENDED"));
    assert_eq!((seen.progress.lag, seen.last_seen), (None, None), "what cannot be read is unknown");
}

#[tokio::test]
async fn a_server_whose_id_cannot_be_read_hides_no_other() {
    let page = page_of(json!({ "items": [{ "sourceServerID": "?" }, sample()["items"][0]] })).await.unwrap();
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn pages_are_asked_for_with_the_token_of_the_one_before_and_the_last_has_none() {
    let (io, wire) = fleet(|call| {
        let next = if call.body.contains("two") { "" } else { "two" };
        (call.operation == "DescribeSourceServers")
            .then(|| (200, json!({ "items": [], "nextToken": next }).to_string()))
    });
    let first = io.source_servers(&place(), &ServerFilter::All, None).await.unwrap();
    assert_eq!(first.next.as_deref(), Some("two"));
    let last = io.source_servers(&place(), &ServerFilter::All, first.next).await.unwrap();
    assert_eq!(last.next, None, "an empty token is none");
    assert_eq!(wire.calls("DescribeSourceServers")[1].json()["nextToken"], "two");
}
