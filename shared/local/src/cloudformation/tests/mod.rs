mod engine;
mod fleet;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Outputs, StackError};
use crate::call::{Call, Principal};
use crate::estate::{HUB_TEMPLATE, SPOKE_TEMPLATE};
use crate::events::ServiceEvent;
use crate::faults::Faults;
use crate::{Clock, World};

const HUB: &str = "111111111111";
const SPOKE: &str = "222222222222";
const REGION: &str = "eu-central-1";
const ORGANIZATION: &str = "o-a1b2c3d4e5";
const WORKER_QUEUES: [&str; 4] = ["capacity", "jobs", "tags", "notifications"];

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn create(world: &Arc<World>, template: &str, given: &[(&str, &str)]) -> Result<Outputs, StackError> {
    world.stacks.create(world, (HUB, REGION), "stack", template, &parameters(given)).await
}

/// A hub, a spoke in the same organisation, and the outputs of both.
async fn fleet() -> (Arc<World>, Outputs, Outputs) {
    fleet_with(&[]).await
}

/// [`fleet`], with more parameters of the spoke than those that every spoke needs.
async fn fleet_with(more: &[(&str, &str)]) -> (Arc<World>, Outputs, Outputs) {
    let world = World::new(Clock::real(), Faults::none());
    world.iam.add_account(HUB, Some(ORGANIZATION));
    world.iam.add_account(SPOKE, Some(ORGANIZATION));
    let given = [("OrganizationId", ORGANIZATION), ("AlertEmail", "oncall@example.com")];
    let hub =
        world.stacks.create(&world, (HUB, REGION), "hub", HUB_TEMPLATE, &parameters(&given)).await.unwrap();
    let given = [
        ("HubAccountId", HUB),
        ("HubBusArn", hub["BusArn"].as_str()),
        ("ExternalId", "an-external-id-of-a-spoke"),
    ];
    let given = parameters(&[&given[..], more].concat());
    let spoke = world.stacks.create(&world, (SPOKE, REGION), "spoke", SPOKE_TEMPLATE, &given).await.unwrap();
    (world, hub, spoke)
}

fn queue_arn(account: &str, name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{account}:drs-fleet-{name}")
}

/// The worker queues that hold a message, each as often as it holds one.
fn reached(world: &World) -> Vec<&'static str> {
    let holding = WORKER_QUEUES
        .map(|name| world.sqs.peek(&queue_arn(HUB, name)).iter().map(|_| name).collect::<Vec<_>>());
    holding.concat()
}

fn event(source: &str, detail_type: &str, detail: Value) -> ServiceEvent {
    ServiceEvent {
        source: source.to_owned(),
        detail_type: detail_type.to_owned(),
        time: None,
        resources: Vec::new(),
        detail,
    }
}

fn api_call(name: &str) -> ServiceEvent {
    let detail = json!({"eventSource": "drs.amazonaws.com", "eventName": name, "readOnly": false});
    event("aws.drs", "AWS API Call via CloudTrail", detail)
}

async fn put_event(world: &Arc<World>, account: &str, bus: &str, source: &str) -> Value {
    let entry =
        json!({"EventBusName": bus, "Source": source, "DetailType": "Incident Opened", "Detail": "{}"});
    let call = Call::by_operator((account, REGION), ("events", "PutEvents"), &json!({ "Entries": [entry] }));
    serde_json::from_slice(&world.perform(&call).await.unwrap().body).unwrap()
}
