//! The table as a plain DynamoDB client sees it.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::{Client, Config};
use serde_json::Value;

/// Every item.
pub(super) async fn scan(
    endpoint: &str,
    region: &'static str,
    (id, secret): (String, String),
    table: &str,
) -> anyhow::Result<Vec<Value>> {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new(region))
        .credentials_provider(Credentials::new(id, secret, None, None, "chaos"))
        .build();
    let client = Client::from_conf(config);
    let mut pages = client.scan().table_name(table).consistent_read(true).into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(item) = pages.next().await {
        items.push(Value::Object(item?.into_iter().map(|(name, value)| (name, plain(value))).collect()));
    }
    Ok(items)
}

fn plain(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::N(number) => serde_json::from_str(&number).unwrap_or(Value::String(number)),
        AttributeValue::Bool(is) => Value::Bool(is),
        AttributeValue::L(values) => values.into_iter().map(plain).collect(),
        AttributeValue::M(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, plain(value))).collect())
        }
        // The table has no sets and no bytes.
        _ => Value::Null,
    }
}
