mod entries;
mod hops;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{EventCounts, ServiceEvent};
use crate::call::{Call, Principal, Refusal};
use crate::faults::{Fault, FaultRule, Faults};
use crate::{Clock, World};

const HUB: &str = "111111111111";
const SPOKE: &str = "222222222222";
const OUTSIDER: &str = "333333333333";
const REGION: &str = "eu-central-1";
const HUB_BUS: &str = "arn:aws:events:eu-central-1:111111111111:event-bus/drs-fleet";

/// A world with three accounts, of which hub and spoke are of one organisation.
fn world_with(faults: Faults) -> Arc<World> {
    let clock = Clock::starting("2026-05-04T03:02:01.987Z".parse().unwrap(), 0.001);
    let world = World::new(clock, faults);
    world.iam.add_account(HUB, Some("o-a1b2c3d4e5"));
    world.iam.add_account(SPOKE, Some("o-a1b2c3d4e5"));
    world.iam.add_account(OUTSIDER, Some("o-zzzzzzzzzz"));
    world
}

fn world() -> Arc<World> {
    world_with(Faults::none())
}

async fn call_as(
    world: &Arc<World>,
    principal: Principal,
    to: (&str, &str),
    body: &Value,
) -> Result<Value, Refusal> {
    let call = Call::by(principal, REGION, to, body.to_string().into_bytes());
    let reply = world.perform(&call).await?;
    Ok(serde_json::from_slice(&reply.body).unwrap())
}

async fn call(world: &Arc<World>, account: &str, operation: &str, body: Value) -> Result<Value, Refusal> {
    let operator = Principal::Operator { account: account.to_owned() };
    call_as(world, operator, ("events", operation), &body).await
}

/// A queue that takes messages from EventBridge, and its ARN.
async fn queue(world: &Arc<World>, account: &str, name: &str) -> String {
    let arn = format!("arn:aws:sqs:{REGION}:{account}:{name}");
    let statement = json!({"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn});
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let body = json!({"QueueName": name, "Attributes": {"Policy": policy}});
    let operator = Principal::Operator { account: account.to_owned() };
    call_as(world, operator, ("sqs", "CreateQueue"), &body).await.unwrap();
    arn
}

/// A rule with one target; a name such as `bus/rule` puts it on that bus.
async fn rule(
    world: &Arc<World>,
    account: &str,
    name: &str,
    pattern: Value,
    target: Value,
) -> Result<Value, Refusal> {
    let (bus, name) = name.split_once('/').unwrap_or(("default", name));
    let body = json!({"Name": name, "EventBusName": bus, "EventPattern": pattern.to_string()});
    call(world, account, "PutRule", body).await.unwrap();
    let body = json!({"Rule": name, "EventBusName": bus, "Targets": [target]});
    call(world, account, "PutTargets", body).await
}

fn bodies(world: &World, queue: &str) -> Vec<Value> {
    world.sqs.peek(queue).iter().map(|m| serde_json::from_str(&m.body).unwrap()).collect()
}

fn stalled() -> ServiceEvent {
    ServiceEvent {
        source: "aws.drs".to_owned(),
        detail_type: "DRS Source Server Data Replication Stalled Change".to_owned(),
        time: None,
        resources: vec!["arn:aws:drs:eu-central-1:222222222222:source-server/s-1".to_owned()],
        detail: json!({"state": "STALLED"}),
    }
}

/// A hub bus for the organisation, and a spoke rule that forwards DRS events to it.
async fn hub_and_spoke(world: &Arc<World>) -> String {
    let taken = queue(world, HUB, "taken").await;
    call(world, HUB, "CreateEventBus", json!({"Name": "drs-fleet"})).await.unwrap();
    let statement = json!({"Sid": "o", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents",
        "Resource": HUB_BUS, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}});
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    call(world, HUB, "PutPermission", json!({"EventBusName": "drs-fleet", "Policy": policy})).await.unwrap();
    let target = json!({"Id": "q", "Arn": taken});
    rule(world, HUB, "drs-fleet/all", json!({"source": [{"exists": true}]}), target).await.unwrap();
    forward(world, SPOKE, "arn:aws:iam::222222222222:role/forward").await;
    taken
}

/// A role and a rule on the default bus that send DRS events to the hub, with a dead-letter queue.
async fn forward(world: &Arc<World>, account: &str, role: &str) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "events:PutEvents", "Resource": "*"}]});
    world.iam.put_role(&format!("arn:aws:iam::{account}:role/forward"), &trust, &[policy]).unwrap();
    let dead = queue(world, account, "forward-dlq").await;
    let target = json!({"Id": "hub", "Arn": HUB_BUS, "RoleArn": role, "DeadLetterConfig": {"Arn": dead}});
    rule(world, account, "forward", json!({"source": ["aws.drs"]}), target).await.unwrap();
}

fn dead_letter_attributes(world: &World, account: &str) -> BTreeMap<String, String> {
    let letters = world.sqs.peek(&format!("arn:aws:sqs:{REGION}:{account}:forward-dlq"));
    assert_eq!(letters.len(), 1, "one dead letter in {account}");
    let attributes = serde_json::to_value(&letters[0].attributes).unwrap();
    let text = |v: &Value| v["StringValue"].as_str().unwrap_or_default().to_owned();
    attributes.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
}
