//! The table's own operations, as the SDK's client sees them.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BatchStatementErrorCodeEnum, BatchStatementRequest,
    BatchStatementResponse, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, KeysAndAttributes,
    Projection, ProjectionType, ReturnValuesOnConditionCheckFailure::AllOld, ScalarAttributeType,
};

use super::target::{Config, Target};
use super::{against_both, code};

against_both!(
    a_lost_condition_answers_what_is_stored,
    items_are_inserted_in_a_batch_each_with_a_fate_of_its_own,
    members_of_a_map_are_set_and_removed_by_key,
    keys_are_read_in_a_batch,
    a_range_is_read_by_what_its_sort_keys_begin_with,
    the_sparse_index_holds_only_items_that_have_its_keys_in_order_of_time,
    what_is_asked_wrongly_is_refused,
);

type Item = HashMap<String, AttributeValue>;

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn item<const N: usize>(members: [(&str, AttributeValue); N]) -> Item {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A table as `infra/hub.yaml` describes it.
pub(super) async fn table(config: &Config, name: &str) -> Client {
    let client = Client::new(config);
    let attribute = |name: &str, kind| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
    };
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let due = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("due_shard", KeyType::Hash))
        .key_schema(key("due_at", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
        .unwrap();
    let created = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_shard", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(due);
    created.send().await.unwrap();
    client
}

async fn a_lost_condition_answers_what_is_stored(target: &Target) {
    let client = table(&target.config(), "conditions").await;
    let row = item([("pk", s("a")), ("sk", s("1")), ("rev", n(7))]);
    let put = client.put_item().table_name("conditions").set_item(Some(row.clone()));
    let put = put.condition_expression("attribute_not_exists(pk)");
    let put = put.return_values_on_condition_check_failure(AllOld);
    put.clone().send().await.unwrap();
    let lost = put.send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(lost) = lost
    else {
        panic!("{lost:?}")
    };
    assert_eq!(lost.item, Some(row.clone()));

    let update = |expected: u64| {
        client
            .update_item()
            .table_name("conditions")
            .set_key(Some(item([("pk", s("a")), ("sk", s("1"))])))
            .update_expression("SET #rev = :next")
            .condition_expression("#rev = :expected")
            .expression_attribute_names("#rev", "rev")
            .expression_attribute_values(":next", n(expected + 1))
            .expression_attribute_values(":expected", n(expected))
            .return_values_on_condition_check_failure(AllOld)
            .send()
    };
    update(7).await.unwrap();
    let lost = update(7).await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(lost) =
        lost
    else {
        panic!("{lost:?}")
    };
    assert_eq!(lost.item.unwrap()["rev"], n(8));
}

async fn items_are_inserted_in_a_batch_each_with_a_fate_of_its_own(target: &Target) {
    let client = table(&target.config(), "in-a-batch").await;
    let insert = |sk: &str, rev| {
        BatchStatementRequest::builder()
            .statement(r#"INSERT INTO "in-a-batch" VALUE {'pk': ?, 'sk': ?, 'row': ?}"#)
            .parameters(s("a"))
            .parameters(s(sk))
            .parameters(AttributeValue::M(item([("rev", n(rev)), ("outbox", AttributeValue::M(item([])))])))
            .build()
            .unwrap()
    };
    let ask = async |statements: Vec<_>| {
        client.batch_execute_statement().set_statements(Some(statements)).send().await
    };
    let codes = async |statements: Vec<_>| {
        let answers = ask(statements).await.unwrap().responses.unwrap();
        let code = |answer: &BatchStatementResponse| answer.error().and_then(|error| error.code().cloned());
        answers.iter().map(code).collect::<Vec<_>>()
    };
    assert_eq!(codes(vec![insert("1", 1), insert("2", 1)]).await, [None, None]);
    let codes = codes(vec![insert("3", 2), insert("2", 2), insert("4", 2)]).await;
    assert_eq!(codes, [None, Some(BatchStatementErrorCodeEnum::DuplicateItem), None]);
    // As DynamoDB; MiniStack takes the first of them.
    let twice = ask(vec![insert("5", 1), insert("5", 2)]).await;
    assert!(!target.is_local() || code(twice) == "ValidationException");
    let stored = client.query().table_name("in-a-batch").key_condition_expression("pk = :pk");
    let stored = stored.expression_attribute_values(":pk", s("a")).limit(4).send().await.unwrap();
    let revs: Vec<_> = stored
        .items()
        .iter()
        .map(|item| item["row"].as_m().unwrap()["rev"].as_n().unwrap().as_str())
        .collect();
    assert_eq!(revs, ["1", "1", "2", "2"]);
}

fn change(client: &Client, expression: &str) -> UpdateItemFluentBuilder {
    let update = client.update_item().table_name("maps").update_expression(expression);
    update.key("pk", s("a")).key("sk", s("1")).expression_attribute_names("#box", "outbox")
}

async fn members_of_a_map_are_set_and_removed_by_key(target: &Target) {
    let client = table(&target.config(), "maps").await;
    let empty = AttributeValue::M(HashMap::new());
    let row = item([("pk", s("a")), ("sk", s("1")), ("outbox", empty)]);
    client.put_item().table_name("maps").set_item(Some(row)).send().await.unwrap();
    // Keys with characters that an expression could not hold.
    for key in ["KIND/1@2026-01-01T00:00:00Z#1", "KIND/2@2026-01-01T00:00:00Z#1"] {
        let set = change(&client, "SET #box.#event = :event").expression_attribute_names("#event", key);
        set.expression_attribute_values(":event", s(key)).send().await.unwrap();
    }
    let remove =
        |key: &str| change(&client, "REMOVE #box.#event").expression_attribute_names("#event", key).send();
    remove("KIND/1@2026-01-01T00:00:00Z#1").await.unwrap();
    remove("KIND/9@never").await.expect("removing what is not there is no error");
    let read = client.get_item().table_name("maps").key("pk", s("a")).key("sk", s("1")).send().await.unwrap();
    let AttributeValue::M(left) = &read.item.unwrap()["outbox"] else { panic!("not a map") };
    assert_eq!(left.keys().collect::<Vec<_>>(), ["KIND/2@2026-01-01T00:00:00Z#1"]);

    let nowhere = change(&client, "SET #nobox.#event = :event").expression_attribute_names("#event", "e");
    let nowhere = nowhere.set_expression_attribute_names(Some(HashMap::from([
        ("#nobox".to_owned(), "nobox".to_owned()),
        ("#event".to_owned(), "e".to_owned()),
    ])));
    let refused = nowhere.expression_attribute_values(":event", s("e")).send().await;
    assert_eq!(code(refused), "ValidationException", "a member of a map that does not exist");
}

async fn fill(client: &Client, name: &str, keys: &[(&str, &str)]) {
    for (pk, sk) in keys {
        let row = item([("pk", s(pk)), ("sk", s(sk))]);
        client.put_item().table_name(name).set_item(Some(row)).send().await.unwrap();
    }
}

async fn keys_are_read_in_a_batch(target: &Target) {
    let client = table(&target.config(), "batch").await;
    fill(&client, "batch", &[("a", "1"), ("a", "2"), ("b", "1")]).await;
    let key = |pk: &str, sk: &str| item([("pk", s(pk)), ("sk", s(sk))]);
    let wanted = vec![key("a", "1"), key("b", "1"), key("c", "none")];
    let wanted = KeysAndAttributes::builder().set_keys(Some(wanted)).build().unwrap();
    let read = client.batch_get_item().request_items("batch", wanted).send().await.unwrap();
    assert_eq!(read.responses.unwrap()["batch"].len(), 2);
    assert!(read.unprocessed_keys.unwrap_or_default().is_empty());
    let twice = KeysAndAttributes::builder().keys(key("a", "1")).keys(key("a", "1")).build().unwrap();
    let twice = client.batch_get_item().request_items("batch", twice).send().await;
    assert_eq!(code(twice), "ValidationException", "the same key twice");
}

async fn a_range_is_read_by_what_its_sort_keys_begin_with(target: &Target) {
    let client = table(&target.config(), "ranges").await;
    let keys = [("p", "server#2"), ("p", "job#1"), ("p", "server#1"), ("q", "server#3"), ("p", "servers")];
    fill(&client, "ranges", &keys).await;
    let query =
        client.query().table_name("ranges").key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
    let query =
        query.expression_attribute_values(":pk", s("p")).expression_attribute_values(":sk", s("server#"));
    let pages = query.limit(1).into_paginator().items().send();
    let found: Vec<_> = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
    let found: Vec<_> = found.iter().map(|row| row["sk"].as_s().unwrap().as_str()).collect();
    assert_eq!(found, ["server#1", "server#2"], "in order, over pages");
}

async fn the_sparse_index_holds_only_items_that_have_its_keys_in_order_of_time(target: &Target) {
    let client = table(&target.config(), "sparse").await;
    fill(&client, "sparse", &[("a", "never")]).await;
    for (sk, at) in [("late", 300), ("soon", 100), ("later", 400), ("gone", 50)] {
        let row = item([("pk", s("a")), ("sk", s(sk)), ("due_shard", s("w#1")), ("due_at", n(at))]);
        client.put_item().table_name("sparse").set_item(Some(row)).send().await.unwrap();
    }
    let done = client.update_item().table_name("sparse").key("pk", s("a")).key("sk", s("gone"));
    done.update_expression("REMOVE due_shard, due_at").send().await.unwrap();
    let query = client.query().table_name("sparse").index_name("due");
    let query = query.key_condition_expression("due_shard = :shard AND due_at <= :until");
    let query =
        query.expression_attribute_values(":shard", s("w#1")).expression_attribute_values(":until", n(300));
    let due = query.limit(10).send().await.unwrap().items.unwrap();
    let due: Vec<_> = due.iter().map(|row| row["sk"].as_s().unwrap().as_str()).collect();
    assert_eq!(due, ["soon", "late"]);
}

async fn what_is_asked_wrongly_is_refused(target: &Target) {
    let client = table(&target.config(), "refusals").await;
    let put = |name: &str, row: Item| client.put_item().table_name(name).set_item(Some(row)).send();
    let key = || item([("pk", s("a")), ("sk", s("1"))]);
    assert_eq!(code(put("no-such-table", key()).await), "ResourceNotFoundException");
    assert_eq!(code(put("refusals", item([("pk", s("a"))])).await), "ValidationException", "no sort key");
    let mut empty = key();
    empty.insert("sk".to_owned(), s(""));
    assert_eq!(code(put("refusals", empty).await), "ValidationException", "an empty key");
    let mut large = key();
    large.insert("text".to_owned(), s(&"x".repeat(409_600)));
    assert_eq!(code(put("refusals", large).await), "ValidationException", "an item over 400 KB");
}
