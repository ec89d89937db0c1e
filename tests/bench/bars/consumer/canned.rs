//! What the endpoint answers: as SQS and `DynamoDB` write it, without their work.

use std::fmt::Write;

use drs_fleet_domain::keys::{Key, Place};
use drs_fleet_domain::place::{self, PlaceRow};
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_domain::row::Row;
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::events::{self, ACCOUNTS, Event, REGION};

/// A message, ready to be put into an answer.
pub fn message(event: Event, sent_at: Timestamp) -> String {
    let body = events::body(event);
    let md5 = Md5::digest(body.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let id = format!("{:08x}-0000-4000-8000-{:012x}", event.second, event.server);
    json!({
        "MessageId": id,
        // Receipt handles of SQS are about this long.
        "ReceiptHandle": format!("{id}{}", "A".repeat(300)),
        "MD5OfBody": md5,
        "Body": body,
        "Attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": sent_at.as_millisecond().to_string(),
        },
    })
    .to_string()
}

pub fn received(messages: &[String]) -> String {
    if messages.is_empty() { "{}".to_owned() } else { format!(r#"{{"Messages":[{}]}}"#, messages.join(",")) }
}

/// All entries of a batch succeed; answers also how many there were.
pub fn settled(request: &Value) -> (usize, String) {
    let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let successful: Vec<_> = entries.iter().map(|entry| json!({ "Id": entry["Id"] })).collect();
    (entries.len(), json!({ "Successful": successful, "Failed": [] }).to_string())
}

/// The bus takes all.
pub fn published(request: &Value) -> String {
    let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let taken: Vec<_> = (0..entries.len()).map(|n| json!({ "EventId": format!("e-{n}") })).collect();
    json!({ "FailedEntryCount": 0, "Entries": taken }).to_string()
}

/// The statements of a batch as the requests of `PutItem` that do the same.
pub fn puts(request: &Value) -> Vec<Value> {
    let statements = request["Statements"].as_array().map(Vec::as_slice).unwrap_or_default();
    let put = |statement: &Value| {
        // Names stand in quotes, and values in the order of the names.
        let names = statement["Statement"].as_str().unwrap_or_default().split('\'').skip(1).step_by(2);
        let values = statement["Parameters"].as_array().into_iter().flatten();
        let item: Map<_, _> = names.map(str::to_owned).zip(values.cloned()).collect();
        json!({ "Item": item })
    };
    statements.iter().map(put).collect()
}

/// What became of each statement of a batch.
pub fn executed(taken: &[bool]) -> String {
    let answer = |is_taken: &bool| {
        if *is_taken { json!({}) } else { json!({ "Error": { "Code": "ThrottlingError" } }) }
    };
    json!({ "Responses": taken.iter().map(answer).collect::<Vec<_>>() }).to_string()
}

/// What a table says that gets more writes than it takes.
pub fn throttled() -> String {
    let kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
    json!({ "__type": kind, "message": "The level of configured provisioned throughput was exceeded." })
        .to_string()
}

/// The registry; nothing else is asked for by partition.
pub fn query(request: &Value) -> Value {
    let partition = request["ExpressionAttributeValues"][":pk"]["S"].as_str().unwrap_or_default();
    let items: Vec<_> = (0..ACCOUNTS)
        .filter_map(account_row)
        .filter(|row| row.key().pk == partition)
        .map(|row| item(&row))
        .collect();
    json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items })
}

/// Places are there, servers are not: a worker remembers those that it wrote.
pub fn batch_get(request: &Value) -> Value {
    let mut responses = Map::new();
    for (table, wanted) in request["RequestItems"].as_object().into_iter().flatten() {
        let keys = wanted["Keys"].as_array().into_iter().flatten();
        let wanted: Vec<Key> = keys
            .map(|key| Key {
                pk: key["pk"]["S"].as_str().unwrap_or_default().to_owned(),
                sk: key["sk"]["S"].as_str().unwrap_or_default().to_owned(),
            })
            .collect();
        let places = (0..ACCOUNTS).filter_map(place_row).filter(|row| wanted.contains(&row.key()));
        responses.insert(table.clone(), places.map(|row| item(&row)).collect());
    }
    json!({ "Responses": responses, "UnprocessedKeys": {} })
}

fn account_row(n: usize) -> Option<AccountRow> {
    let id = events::account(n);
    Some(AccountRow {
        name: format!("account-{n}"),
        alias: None,
        role_arn: format!("arn:aws:iam::{id}:role/drs-fleet"),
        external_id_secret: format!("drs-fleet/{id}"),
        id: id.parse().ok()?,
        // Not called: this benchmark is of events.
        status: AccountStatus::Inactive,
        regions: vec![AccountRegion { region: REGION.parse().ok()?, drs: true, source: false }],
        target: None,
        ou: None,
        tags: std::collections::BTreeMap::new(),
        last_validated: None,
        last_error: None,
    })
}

fn place_row(n: usize) -> Option<PlaceRow> {
    let place = Place { account: events::account(n).parse().ok()?, region: REGION.parse().ok()? };
    let heard = place::Observation::Heard { at: Timestamp::UNIX_EPOCH };
    let context = place::Context::new("account", Timestamp::UNIX_EPOCH);
    Some(place::decide(&place, &[heard], None, &context)?.row)
}

fn item<R: Row>(row: &R) -> Value {
    let Key { pk, sk } = row.key();
    json!({
        "pk": { "S": pk },
        "sk": { "S": sk },
        "kind": { "S": R::KIND },
        "rev": { "N": "1" },
        "row": serde_json::to_value(row).map_or(Value::Null, attribute),
        "outbox": { "M": {} },
    })
}

/// A value in the words of `DynamoDB`.
pub fn attribute(value: Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(value) => json!({ "N": value.to_string() }),
        Value::String(value) => json!({ "S": value }),
        Value::Array(values) => json!({ "L": values.into_iter().map(attribute).collect::<Vec<_>>() }),
        Value::Object(members) => {
            let members: Map<_, _> = members.into_iter().map(|(name, v)| (name, attribute(v))).collect();
            json!({ "M": members })
        }
    }
}
