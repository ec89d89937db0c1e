mod history;
mod plan;
mod policy;
mod sync;

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::keys::Place;
use drs_fleet_domain::seen::ServerFacts;
use drs_fleet_domain::server::ServerDetailsRow;
use drs_fleet_domain::tags::{InstanceTagsRow, Owned, ServerTagsRow, TagSweepRow};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Command;
use crate::family::OneOf;
use crate::testing::{self, before, inventory, place, server, swept};

const PAYMENTS: &str = "111122223333";
const SOURCE: &str = "444455556666";

type Stage = testing::Stage<OneOf<Command>>;

fn hours(hours: u64) -> Timestamp {
    before(Duration::from_hours(hours))
}

fn here() -> Place {
    place(PAYMENTS, "us-west-2")
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn instance(number: u32) -> String {
    format!("i-{number:017}")
}

/// Two accounts, and the sweeps of the only place that has DRS.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.register(PAYMENTS, "Payments", &["us-west-2"], None).await;
    stage.store(&swept(&here(), 7, 0, hours(2))).await;
    let unread = vec![(place(SOURCE, "us-east-1"), "AccessDenied: not authorized".to_owned())];
    stage.store(&TagSweepRow { place: here(), swept_at: Some(hours(3)), sweeping: None, unread }).await;
    stage
}

/// A server of the inventory that protects the machine of the same number.
async fn listed(stage: &Stage, number: u32, name: &str, state: &str, has: &[(&str, &str)]) {
    let mut row = server(&here(), number, name, state, hours(50));
    inventory(&mut row).instance = Some(instance(number).parse().unwrap());
    let details = ServerDetailsRow {
        place: here(),
        id: row.id.clone(),
        arn: String::new(),
        hostname: None,
        facts: ServerFacts {
            origin_account: Some(PAYMENTS.to_owned()),
            origin_zone: Some("us-east-1a".to_owned()),
            ..ServerFacts::default()
        },
        tags: tags(has),
        seen_at: hours(50),
        gone_since: None,
        forget_at: None,
    };
    stage.store(&details).await;
    stage.store(&row).await;
}

/// The tags of a machine as an event told them.
async fn told(stage: &Stage, number: u32, machine: &Place, has: &[(&str, &str)]) {
    let row: InstanceTagsRow = serde_json::from_value(json!({
        "instance": instance(number), "place": machine, "changed_at": hours(40), "version": 3, "handled": 3,
        "tags": tags(has),
    }))
    .unwrap();
    stage.store(&row).await;
}

/// What the tag-sync knows of a server: what it copied to it, and more.
async fn known(stage: &Stage, number: u32, name: &str, copied: &[(&str, &str)], more: &Value) {
    let mut row = json!({ "place": here(), "server": format!("s-{number:017}"), "name": name,
        "instance": instance(number), "owned": Owned::default().with(&tags(copied)) });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.store(&serde_json::from_value::<ServerTagsRow>(row).unwrap()).await;
}
