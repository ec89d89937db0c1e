use std::collections::BTreeMap;

use serde_json::json;

use crate::io::Io;
use crate::sdk::wire::{fleet, place};
use crate::verdict::{Neighbour, Verdict};

const THERE: &str = "arn:aws:drs:us-west-2:444455556666:source-server/s-1234567890abcdef0";

#[tokio::test]
async fn what_a_staging_account_offers_is_read_page_by_page() {
    let (io, wire) = fleet(|call| {
        let next = if call.body.contains("two") { None } else { Some("two") };
        let offered = json!({ "arn": THERE, "hostname": "erp-1", "tags": { "owner": "erp" } });
        let body = json!({ "items": [offered, { "hostname": "nameless" }], "nextToken": next });
        (call.operation == "ListExtensibleSourceServers").then(|| (200, body.to_string()))
    });
    let staging = "444455556666".parse().unwrap();
    let first = io.extensible_servers(&place(), &staging, None).await.unwrap();
    assert_eq!((first.items.len(), first.next.as_deref()), (1, Some("two")), "one has no ARN");
    assert_eq!((first.items[0].arn.as_str(), first.items[0].hostname.as_deref()), (THERE, Some("erp-1")));
    assert_eq!(first.items[0].tags["owner"], "erp");
    let last = io.extensible_servers(&place(), &staging, first.next).await.unwrap();
    assert_eq!(last.next, None);
    let calls = wire.calls("ListExtensibleSourceServers");
    assert_eq!(
        (&calls[0].json()["stagingAccountID"], &calls[1].json()["nextToken"]),
        (&"444455556666".into(), &"two".into())
    );
}

#[tokio::test]
async fn a_region_without_drs_offers_nothing() {
    let (io, _) = fleet(|call| {
        let error = json!({ "__type": "UninitializedAccountException", "message": "no" }).to_string();
        (call.operation == "ListExtensibleSourceServers").then_some((400, error))
    });
    let page = io.extensible_servers(&place(), &"444455556666".parse().unwrap(), None).await.unwrap();
    assert!(!page.initialized && page.items.is_empty());
}

#[tokio::test]
async fn an_extended_server_has_the_tags_it_is_given_and_answers_with_its_id() {
    let (io, wire) = fleet(|call| {
        let body = json!({ "sourceServer": { "sourceServerID": "s-1234567890abcdef1", "arn": "arn" } });
        (call.operation == "CreateExtendedSourceServer").then(|| (201, body.to_string()))
    });
    let tags = BTreeMap::from([("owner".to_owned(), "erp".to_owned())]);
    let id = io.extend(&place(), THERE, &tags).await.unwrap();
    assert_eq!(id.as_str(), "s-1234567890abcdef1");
    let sent = wire.calls("CreateExtendedSourceServer")[0].json();
    assert_eq!(sent, json!({ "sourceServerArn": THERE, "tags": { "owner": "erp" } }));
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_named_and_not_tried_again() {
    let (io, wire) = fleet(|call| {
        let error = json!({
            "__type": "ServiceQuotaExceededException", "message": "Too many source servers",
            "serviceCode": "drs", "quotaCode": "L-E28BE5E0",
        });
        (call.operation == "CreateExtendedSourceServer").then(|| (402, error.to_string()))
    });
    let error = io.extend(&place(), THERE, &BTreeMap::new()).await.unwrap_err();
    assert_eq!((error.neighbour, error.verdict), (Neighbour::Spoke, Verdict::Permanent));
    for part in ["ServiceQuotaExceededException", "Too many source servers", "L-E28BE5E0"] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    assert_eq!(wire.calls("CreateExtendedSourceServer").len(), 1);
}

#[tokio::test]
async fn servers_are_extended_with_a_role_of_their_own_and_listed_with_the_workers() {
    let (io, wire) = fleet(|call| {
        let made = json!({ "sourceServer": { "sourceServerID": "s-1234567890abcdef0" } }).to_string();
        (call.operation == "CreateExtendedSourceServer").then_some((201, made))
    });
    io.extensible_servers(&place(), &"444455556666".parse().unwrap(), None).await.unwrap();
    for _ in 0..2 {
        io.extend(&place(), THERE, &BTreeMap::new()).await.unwrap();
    }
    let roles = |call: &crate::sdk::wire::Call| call.body.contains("role%2Fdrs-fleet-extend");
    assert_eq!(wire.calls("AssumeRole").iter().map(roles).collect::<Vec<_>>(), [false, true]);
}
