use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::notify::MemberRow;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::registry::{AccountRow, AccountStatus};
use serde_json::{Value, json};

use super::*;
use crate::io::Io;
use crate::sdk::wire::{self, Call, Reply};

mod put;

fn row() -> AccountRow {
    AccountRow {
        id: "111122223333".parse().unwrap(),
        name: "Payments".into(),
        alias: None,
        role_arn: "arn:aws:iam::111122223333:role/drs-fleet".into(),
        external_id_secret: "drs-fleet/external-id".into(),
        regions: Vec::new(),
        target: None,
        ou: None,
        tags: std::collections::BTreeMap::new(),
        status: AccountStatus::Active,
        last_validated: None,
        last_error: None,
    }
}

/// The outbox after a stall of the given second.
fn outbox(second: i64) -> Outbox {
    let place = Place { account: row().id, region: "eu-central-1".parse().unwrap() };
    let at = Timestamp::from_second(second).unwrap();
    let stalled = Condition {
        kind: IncidentKind::ReplicationStalled,
        since: at,
        severity: Severity::High,
        reason: "AGENT_NOT_SEEN".into(),
    };
    let subject = Subject {
        place: &place,
        account_name: "Payments",
        id: "s-12345678901234567",
        name: "db-1",
        job: None,
        application: None,
        drill_tag: None,
    };
    let events = reconcile(&mut Incidents::new(), &[stalled], &subject, at);
    events.into_iter().map(|event| (event.event_id.clone(), event.into())).collect()
}

/// The item as the API's JSON, made by what `create` sends.
async fn item(rev: u64) -> Value {
    let (io, wire) = wire::io(|_| (200, "{}".into()));
    let (row, none) = (row(), Outbox::new());
    io.commit(Write { row: &row, expected: None, outbox_before: &none, outbox: &none, due: None })
        .await
        .unwrap();
    let mut item = wire.calls("PutItem")[0].json()["Item"].clone();
    item["rev"]["N"] = rev.to_string().into();
    item
}

fn error(code: &str, more: &Value) -> Reply {
    let mut body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}") });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    (400, body.to_string())
}

/// An expression with its aliases put back.
fn plain(call: &Call, expression: &str) -> String {
    let body = call.json();
    let mut names: Vec<_> = body["ExpressionAttributeNames"].as_object().unwrap().iter().collect();
    names.sort_by_key(|(alias, _)| std::cmp::Reverse(alias.len()));
    names.iter().fold(body[expression].as_str().unwrap().to_owned(), |text, (alias, name)| {
        text.replace(alias.as_str(), name.as_str().unwrap())
    })
}

#[tokio::test]
async fn a_new_row_is_put_only_where_there_is_none() {
    let (io, wire) = wire::io(|_| (200, "{}".into()));
    let (row, none, outbox) = (row(), Outbox::new(), outbox(5));
    let due = Some(Timestamp::from_millisecond(1_500).unwrap());
    let rev =
        io.commit(Write { row: &row, expected: None, outbox_before: &none, outbox: &outbox, due }).await;
    assert_eq!(rev.unwrap(), 1);
    let call = wire.calls("PutItem")[0].json();
    assert_eq!(call["ConditionExpression"], "attribute_not_exists(pk)");
    assert_eq!(call["Item"]["pk"]["S"], "account#3");
    assert_eq!(call["Item"]["kind"]["S"], "account");
    assert_eq!(call["Item"]["due_at"]["N"], "1500");
    assert!(call["Item"]["due_shard"]["S"].as_str().unwrap().starts_with("cli#"));
    assert_eq!(call["Item"]["outbox"]["M"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn new_rows_that_come_in_no_crowd_wait_for_nobody() {
    let (io, wire) = wire::io(|_| (200, "{}".into()));
    let (row, none) = (row(), Outbox::new());
    let other = AccountRow { id: "444455556666".parse().unwrap(), ..row.clone() };
    let write =
        |row| io.commit(Write { row, expected: None, outbox_before: &none, outbox: &none, due: None });
    let (one, other) = tokio::join!(write(&row), write(&other));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!((wire.calls("BatchExecuteStatement").len(), wire.calls("PutItem").len()), (0, 2));
}

#[tokio::test]
async fn a_write_touches_only_the_outbox_entries_that_it_changes() {
    let (io, wire) = wire::io(|_| (200, "{}".into()));
    let (row, before, after) = (row(), outbox(5), outbox(6));
    let write = Write { row: &row, expected: Some(7), outbox_before: &before, outbox: &after, due: None };
    assert_eq!(io.commit(write).await.unwrap(), 8);
    let call = &wire.calls("UpdateItem")[0];
    let text = plain(call, "UpdateExpression");
    let (old, new) = (before.keys().next().unwrap(), after.keys().next().unwrap());
    assert!(text.contains(&format!("outbox.{new} = ")), "{text}");
    assert!(text.contains(&format!("REMOVE outbox.{old}, due_shard, due_at, ttl")), "{text}");
    assert_eq!(plain(call, "ConditionExpression"), "rev = :expected");
    assert_eq!(call.json()["ExpressionAttributeValues"][":expected"]["N"], "7");
    assert_eq!(call.json()["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
}

#[tokio::test]
async fn the_loser_of_a_race_gets_what_the_winner_stored() {
    let winner = item(9).await;
    let (io, _) = wire::io(move |_| error("ConditionalCheckFailedException", &json!({ "Item": winner })));
    let (row, none) = (row(), Outbox::new());
    let write = Write { row: &row, expected: Some(7), outbox_before: &none, outbox: &none, due: None };
    match io.commit(write).await {
        Err(CommitError::Conflict(Some(stored))) => assert_eq!((stored.rev, stored.row), (9, row)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_row_that_is_gone_is_a_conflict_without_an_item() {
    let (io, _) = wire::io(|_| error("ConditionalCheckFailedException", &json!({})));
    let (row, none) = (row(), Outbox::new());
    let write = Write { row: &row, expected: Some(7), outbox_before: &none, outbox: &none, due: None };
    assert!(matches!(io.commit(write).await, Err(CommitError::Conflict(None))));
}

#[tokio::test]
async fn a_throttled_write_is_sent_once_and_said_to_be_throttled() {
    let (io, wire) = wire::io(|_| error("ProvisionedThroughputExceededException", &json!({})));
    let (row, none) = (row(), Outbox::new());
    let write = Write { row: &row, expected: Some(7), outbox_before: &none, outbox: &none, due: None };
    match io.commit(write).await {
        Err(CommitError::Io(error)) => assert_eq!(error.verdict, Verdict::Throttled),
        other => panic!("{other:?}"),
    }
    assert_eq!(wire.calls("UpdateItem").len(), 1, "the lane waits, not the SDK");
}

#[tokio::test]
async fn published_entries_go_even_when_another_write_came_between() {
    let (io, wire) = wire::io(|call| match plain(call, "ConditionExpression").as_str() {
        "rev = :expected" => error("ConditionalCheckFailedException", &json!({})),
        _ => (200, "{}".into()),
    });
    io.published(&row().key(), 7, &["e1".into()], None).await.unwrap();
    let calls = wire.calls("UpdateItem");
    assert_eq!(plain(&calls[0], "UpdateExpression"), "REMOVE outbox.e1, due_shard, due_at");
    assert_eq!(plain(&calls[1], "UpdateExpression"), "REMOVE outbox.e1");
    assert_eq!(plain(&calls[1], "ConditionExpression"), "attribute_exists(pk)");
}

#[tokio::test]
async fn reads_of_one_moment_are_one_call_that_asks_for_each_key_once() {
    let there = item(3).await;
    let (io, wire) = wire::io(move |_| {
        (200, json!({ "Responses": { "fleet": [there] }, "UnprocessedKeys": {} }).to_string())
    });
    let (key, other) = (row().key(), Key { pk: "account#4".into(), sk: "account#444455556664".into() });
    let keys = [key.clone(), other];
    let (first, second) = tokio::join!(io.read::<AccountRow>(&keys), io.read::<AccountRow>(&keys[..1]));
    assert_eq!(first.unwrap().iter().map(|s| s.as_ref().map(|s| s.rev)).collect::<Vec<_>>(), [Some(3), None]);
    assert_eq!(second.unwrap()[0].as_ref().unwrap().row, row());
    let calls = wire.calls("BatchGetItem");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].json()["RequestItems"]["fleet"]["Keys"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_that_the_table_did_not_get_round_to_are_asked_for_again() {
    let there = item(3).await;
    let asked = std::sync::atomic::AtomicU32::new(0);
    let (io, wire) = wire::io(move |call| {
        let again = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let left = if again { call.json()["RequestItems"].clone() } else { json!({}) };
        let found = if again { vec![] } else { vec![there.clone()] };
        (200, json!({ "Responses": { "fleet": found }, "UnprocessedKeys": left }).to_string())
    });
    let found = io.read::<AccountRow>(&[row().key()]).await.unwrap();
    assert_eq!(found[0].as_ref().map(|s| s.rev), Some(3));
    assert_eq!(wire.calls("BatchGetItem").len(), 2);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_hides_none_of_the_others() {
    let odd = json!({ "pk": { "S": "account#3" }, "sk": { "S": "account#1" }, "rev": { "N": "1" } });
    let there = item(3).await;
    let (io, _) = wire::io(move |_| (200, json!({ "Items": [odd, there] }).to_string()));
    let rows = io.query::<AccountRow>(&drs_fleet_domain::keys::accounts()[3]).await.unwrap();
    assert_eq!(rows.into_iter().map(|stored| stored.row).collect::<Vec<_>>(), [row()]);
    let due = io.due("job-monitor#0", Timestamp::from_second(2).unwrap(), 5).await.unwrap();
    assert!(due.is_empty(), "entries without a time are left out");
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_named_and_nothing_panics() {
    let key = Key { pk: "account#3".into(), sk: "account#1".into() };
    let odd = json!({ "pk": { "S": "account#3" }, "sk": { "S": "account#1" }, "rev": { "N": "1" } });
    let (io, _) = wire::io(move |_| {
        (200, json!({ "Responses": { "fleet": [odd] }, "UnprocessedKeys": {} }).to_string())
    });
    let error = io.read::<AccountRow>(&[key]).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Permanent);
    assert!(error.message.starts_with("item account#3 / account#1 cannot be read as account"), "{error}");
}

#[tokio::test]
async fn a_query_reads_all_pages() {
    let there = item(3).await;
    let (io, wire) = wire::io(move |call| {
        let last = call.json().get("ExclusiveStartKey").is_some();
        let next = if last { json!({}) } else { json!({ "pk": { "S": "p" }, "sk": { "S": "s" } }) };
        (200, json!({ "Items": [there], "LastEvaluatedKey": next }).to_string())
    });
    let rows = io.query::<AccountRow>(&drs_fleet_domain::keys::accounts()[3]).await.unwrap();
    assert_eq!((rows.len(), wire.calls("Query").len()), (2, 2));
}

#[tokio::test]
async fn a_read_of_a_claim_shows_what_was_stored_just_before_and_others_cost_half() {
    let (io, wire) = wire::io(|_| (200, json!({ "Responses": {}, "UnprocessedKeys": {} }).to_string()));
    io.read::<AccountRow>(&[row().key()]).await.unwrap();
    let place = Place { account: "444455556666".parse().unwrap(), region: "us-west-2".parse().unwrap() };
    io.read::<PlaceRow>(&[drs_fleet_domain::keys::place(&place)]).await.unwrap();
    let calls = wire.calls("BatchGetItem");
    let at_once = calls.iter().map(|call| call.json()["RequestItems"]["fleet"]["ConsistentRead"] == true);
    assert_eq!(at_once.collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_query_shows_what_was_stored_just_before_where_the_kind_needs_that() {
    let (io, wire) = wire::io(|_| (200, json!({ "Items": [] }).to_string()));
    io.query::<AccountRow>(&drs_fleet_domain::keys::accounts()[3]).await.unwrap();
    for part in drs_fleet_domain::keys::members("default") {
        io.query::<MemberRow>(&part).await.unwrap();
    }
    let calls = wire.calls("Query");
    let at_once: Vec<bool> = calls.iter().map(|call| call.json()["ConsistentRead"] == true).collect();
    assert!(!at_once[0] && at_once.len() > 1 && at_once[1..].iter().all(|at_once| *at_once), "{at_once:?}");
}

#[tokio::test]
async fn what_is_due_comes_with_its_key_and_time() {
    let entry = json!({ "pk": { "S": "p" }, "sk": { "S": "s" }, "due_at": { "N": "1500" } });
    let (io, wire) = wire::io(move |_| (200, json!({ "Items": [entry] }).to_string()));
    let due = io.due("job-monitor#0", Timestamp::from_second(2).unwrap(), 5).await.unwrap();
    let key = Key { pk: "p".into(), sk: "s".into() };
    assert_eq!(due, [Due { key, at: Timestamp::from_millisecond(1_500).unwrap() }]);
    let call = wire.calls("Query")[0].json();
    assert_eq!((call["IndexName"].as_str(), call["Limit"].as_i64()), (Some("due"), Some(5)));
}
