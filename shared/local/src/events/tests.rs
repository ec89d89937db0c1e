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
    let call = Call {
        account: principal.account().to_owned(),
        principal,
        region: REGION.to_owned(),
        service: to.0.to_owned(),
        operation: to.1.to_owned(),
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: BTreeMap::new(),
        body: body.to_string().into_bytes(),
    };
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

#[tokio::test]
async fn an_event_crosses_to_the_hub_as_the_spoke_s_bus_stamped_it() {
    let world = world();
    let taken = hub_and_spoke(&world).await;
    world.events.emit(&world, SPOKE, REGION, &stalled());
    let [event] = &bodies(&world, &taken)[..] else { panic!("exactly one event") };
    assert_eq!(event["version"], "0");
    assert_eq!(event["account"], SPOKE);
    assert_eq!(event["region"], REGION);
    assert_eq!(event["time"], "2026-05-04T03:02:01Z");
    assert_eq!(event["detail"], json!({"state": "STALLED"}));
    assert_eq!(uuid::Uuid::parse_str(event["id"].as_str().unwrap()).unwrap().get_version_num(), 4);
    let counts = EventCounts { received: 1, matched: 2, delivered: 2, ..EventCounts::default() };
    assert_eq!(world.events.counts(), counts);
}

#[tokio::test]
async fn an_event_crosses_once_and_then_lands_in_the_dead_letter_queue() {
    let world = world();
    hub_and_spoke(&world).await;
    forward(&world, HUB, "arn:aws:iam::111111111111:role/forward").await;
    let pattern =
        json!({"EventBusName": "drs-fleet", "Name": "on", "EventPattern": r#"{"source":["aws.drs"]}"#});
    call(&world, HUB, "PutRule", pattern).await.unwrap();
    let target = json!({"Id": "third", "Arn": "arn:aws:events:eu-central-1:333333333333:event-bus/default",
        "RoleArn": "arn:aws:iam::111111111111:role/forward",
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-central-1:111111111111:forward-dlq"}});
    let body = json!({"Rule": "on", "EventBusName": "drs-fleet", "Targets": [target]});
    call(&world, HUB, "PutTargets", body).await.unwrap();
    world.events.emit(&world, SPOKE, REGION, &stalled());
    assert_eq!(dead_letter_attributes(&world, HUB)["ERROR_CODE"], "THIRD_ACCOUNT_HOP_DETECTED");
}

#[tokio::test]
async fn an_account_outside_the_organisation_is_denied_and_its_event_kept() {
    let world = world();
    let taken = hub_and_spoke(&world).await;
    forward(&world, OUTSIDER, "arn:aws:iam::333333333333:role/forward").await;
    world.events.emit(&world, OUTSIDER, REGION, &stalled());
    assert!(bodies(&world, &taken).is_empty());
    let attributes = dead_letter_attributes(&world, OUTSIDER);
    assert_eq!(attributes["RULE_ARN"], "arn:aws:events:eu-central-1:333333333333:rule/forward");
    assert_eq!(attributes["TARGET_ARN"], HUB_BUS);
    assert_eq!(attributes["ERROR_CODE"], "NO_PERMISSIONS");
    assert_eq!(attributes["RETRY_ATTEMPTS"], "0");
    assert!(attributes["ERROR_MESSAGE"].contains("not authorized to perform: events:PutEvents"));
    assert!(attributes.contains_key("EXHAUSTED_RETRY_CONDITION"));

    let entry = json!({"EventBusName": HUB_BUS, "Source": "a", "DetailType": "b", "Detail": "{}"});
    let denied = call(&world, OUTSIDER, "PutEvents", json!({"Entries": [entry]})).await.unwrap_err();
    assert_eq!(denied.code, "AccessDeniedException");
}

#[tokio::test]
async fn a_role_that_does_not_trust_eventbridge_cannot_forward() {
    let world = world();
    hub_and_spoke(&world).await;
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    world.iam.put_role("arn:aws:iam::222222222222:role/forward", &trust, &[]).unwrap();
    world.events.emit(&world, SPOKE, REGION, &stalled());
    assert_eq!(dead_letter_attributes(&world, SPOKE)["ERROR_CODE"], "FAILED_TO_ASSUME_ROLE");
}

#[tokio::test]
async fn a_missing_queue_costs_the_event_only_where_there_is_no_dead_letter_queue() {
    let world = world();
    let dead = queue(&world, SPOKE, "forward-dlq").await;
    let missing = "arn:aws:sqs:eu-central-1:222222222222:none";
    let with = json!({"Id": "a", "Arn": missing, "DeadLetterConfig": {"Arn": dead}});
    rule(&world, SPOKE, "with", json!({"source": ["aws.drs"]}), with).await.unwrap();
    rule(&world, SPOKE, "without", json!({"source": ["aws.drs"]}), json!({"Id": "a", "Arn": missing}))
        .await
        .unwrap();
    world.events.emit(&world, SPOKE, REGION, &stalled());
    assert_eq!(dead_letter_attributes(&world, SPOKE)["ERROR_CODE"], "NO_RESOURCE");
    let counts = world.events.counts();
    assert_eq!((counts.delivered, counts.failed, counts.dropped), (0, 1, 1));
}

#[tokio::test]
async fn put_events_accepts_and_refuses_each_entry_by_itself() {
    let world = world();
    let taken = queue(&world, SPOKE, "taken").await;
    let target = json!({"Id": "q", "Arn": taken});
    rule(&world, SPOKE, "mine", json!({"source": ["mine"]}), target).await.unwrap();
    let cases = [
        (
            json!({"Source": "mine", "DetailType": "t", "Detail": "{\"a\":1}", "Time": 86400.9, "Resources": ["r"]}),
            None,
        ),
        (
            json!({"Source": "aws.drs", "DetailType": "t", "Detail": "{}"}),
            Some("NotAuthorizedForSourceException"),
        ),
        (json!({"Source": "mine", "DetailType": "t", "Detail": "[]"}), Some("MalformedDetail")),
        (json!({"Source": "mine", "DetailType": "t", "Detail": "{"}), Some("MalformedDetail")),
        (json!({"Source": "mine", "DetailType": "t"}), Some("InvalidArgument")),
        (json!({"DetailType": "t", "Detail": "{}"}), Some("InvalidArgument")),
        (json!({"Source": "mine", "DetailType": "t".repeat(129), "Detail": "{}"}), Some("InvalidArgument")),
        (
            json!({"Source": "mine", "DetailType": "t", "Detail": "{}", "Time": "now"}),
            Some("InvalidArgument"),
        ),
        (
            json!({"EventBusName": "none", "Source": "mine", "DetailType": "t", "Detail": "{}"}),
            Some("InvalidArgument"),
        ),
    ];
    let entries: Vec<&Value> = cases.iter().map(|(entry, _)| entry).collect();
    let answer = call(&world, SPOKE, "PutEvents", json!({ "Entries": entries })).await.unwrap();
    assert_eq!(answer["FailedEntryCount"], 8);
    for ((entry, code), result) in cases.iter().zip(answer["Entries"].as_array().unwrap()) {
        assert_eq!(result["ErrorCode"].as_str(), *code, "{entry}");
        assert_eq!(result["EventId"].is_string(), code.is_none(), "{entry}");
    }
    let [event] = &bodies(&world, &taken)[..] else { panic!("exactly one event") };
    assert_eq!(event["time"], "1970-01-02T00:00:00Z");
    assert_eq!(event["resources"], json!(["r"]));
}

#[tokio::test]
async fn put_events_refuses_calls_that_are_too_large_or_empty() {
    let world = world();
    let entry = json!({"Source": "s", "DetailType": "t", "Detail": "{}"});
    let large = json!({"Source": "s", "DetailType": "t", "Detail": format!("{{\"a\":\"{}\"}}", "x".repeat(1_048_576))});
    for entries in [vec![], vec![entry; 11], vec![large]] {
        let refused = call(&world, SPOKE, "PutEvents", json!({ "Entries": entries })).await.unwrap_err();
        assert_eq!(refused.code, "ValidationException");
    }
}

#[tokio::test]
async fn another_service_may_put_its_event_but_none_of_aws() {
    let world = world();
    let taken = hub_and_spoke(&world).await;
    let hub = Principal::Operator { account: HUB.to_owned() };
    let beat = ServiceEvent { source: "drs-fleet.spoke".to_owned(), ..stalled() };
    world.events.put(&world, &hub, HUB_BUS, &beat).unwrap();
    assert_eq!(bodies(&world, &taken).len(), 1);
    let forged = world.events.put(&world, &hub, HUB_BUS, &stalled()).unwrap_err();
    assert_eq!(forged.code, "NotAuthorizedForSourceException");
    let nowhere =
        world.events.put(&world, &hub, "arn:aws:events:eu-central-1:111111111111:event-bus/x", &beat);
    assert_eq!(nowhere.unwrap_err().code, "ResourceNotFoundException");
}

#[tokio::test]
async fn only_an_enabled_rule_takes_and_only_the_widest_state_takes_recorded_reads() {
    let world = world();
    let taken = queue(&world, SPOKE, "taken").await;
    rule(&world, SPOKE, "r", json!({"source": ["aws.drs"]}), json!({"Id": "q", "Arn": taken})).await.unwrap();
    let read = ServiceEvent {
        detail_type: "AWS API Call via CloudTrail".to_owned(),
        detail: json!({"readOnly": true}),
        ..stalled()
    };
    let cases = [("DISABLED", 0), ("ENABLED", 1), ("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", 2)];
    for (state, wanted) in cases {
        let before = bodies(&world, &taken).len();
        let body = json!({"Name": "r", "EventPattern": r#"{"source":["aws.drs"]}"#, "State": state});
        call(&world, SPOKE, "PutRule", body).await.unwrap();
        world.events.emit(&world, SPOKE, REGION, &stalled());
        world.events.emit(&world, SPOKE, REGION, &read);
        assert_eq!(bodies(&world, &taken).len() - before, wanted, "{state}");
    }
    let body = json!({"Name": "r", "EventPattern": r#"{"a":[1]}"#, "State": "ON"});
    assert_eq!(call(&world, SPOKE, "PutRule", body).await.unwrap_err().code, "ValidationException");
}

#[tokio::test]
async fn targets_that_aws_would_refuse_are_refused() {
    let world = world();
    let cases = [
        (json!({"Id": "a", "Arn": HUB_BUS}), "RoleArn is required"),
        (json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:111111111111:q"}), "RoleArn is required"),
        (json!({"Id": "a", "Arn": "arn:aws:sqs:us-east-1:222222222222:q"}), "not in Region"),
        (
            json!({"Id": "a", "Arn": "arn:aws:lambda:eu-central-1:222222222222:function:f"}),
            "does not send to lambda",
        ),
        (
            json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q", "InputTransformer": {}}),
            "InputTransformer",
        ),
        (json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q", "Input": "{"}), "not JSON"),
        (
            json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q", "InputPath": "$.a[0]"}),
            "InputPath",
        ),
        (
            json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q", "RetryPolicy": {"MaximumRetryAttempts": 186}}),
            "RetryPolicy",
        ),
        (
            json!({"Id": "a", "Arn": HUB_BUS, "RoleArn": "arn:aws:iam::222222222222:role/r", "Input": "{}"}),
            "for a bus",
        ),
        (
            json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q",
            "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:222222222222:d"}}),
            "dead-letter queue",
        ),
        (json!({"Arn": HUB_BUS}), "Id and Arn"),
    ];
    for (target, reason) in cases {
        let refused = rule(&world, SPOKE, "r", json!({"a": [1]}), target.clone()).await.unwrap_err();
        assert!(refused.message.contains(reason), "{target}: {}", refused.message);
    }
    let six: Vec<_> = (0..6)
        .map(|n| json!({"Id": n.to_string(), "Arn": "arn:aws:sqs:eu-central-1:222222222222:q"}))
        .collect();
    let refused = call(&world, SPOKE, "PutTargets", json!({"Rule": "r", "Targets": six})).await.unwrap_err();
    assert_eq!(refused.code, "LimitExceededException");
}

#[tokio::test]
async fn a_target_may_get_a_part_of_the_event_or_a_constant() {
    let world = world();
    let taken = queue(&world, SPOKE, "taken").await;
    let part = json!({"Id": "q", "Arn": taken, "InputPath": "$.detail.state"});
    rule(&world, SPOKE, "part", json!({"source": ["aws.drs"]}), part).await.unwrap();
    let constant = json!({"Id": "q", "Arn": taken, "Input": "{\"tick\":true}"});
    rule(&world, SPOKE, "rest", json!({"source": ["aws.drs"]}), constant).await.unwrap();
    world.events.emit(&world, SPOKE, REGION, &stalled());
    assert_eq!(bodies(&world, &taken), [json!("STALLED"), json!({"tick": true})]);
}

#[tokio::test]
async fn the_fault_plan_loses_and_doubles_deliveries() {
    for (fault, wanted) in [(Fault::Drop, 0), (Fault::Duplicate, 2)] {
        let rule_of_plan = FaultRule {
            service: "events".to_owned(),
            operation: "Deliver".to_owned(),
            account: SPOKE.to_owned(),
            probability: 1.0,
            fault,
        };
        let world = world_with(Faults::seeded(1, vec![rule_of_plan]));
        let taken = queue(&world, SPOKE, "taken").await;
        rule(&world, SPOKE, "r", json!({"source": ["aws.drs"]}), json!({"Id": "q", "Arn": taken}))
            .await
            .unwrap();
        world.events.emit(&world, SPOKE, REGION, &stalled());
        assert_eq!(bodies(&world, &taken).len(), wanted);
    }
}

#[tokio::test]
async fn rules_and_buses_are_listed_described_and_deleted_in_order() {
    let world = world();
    call(&world, HUB, "CreateEventBus", json!({"Name": "drs-fleet"})).await.unwrap();
    let again = call(&world, HUB, "CreateEventBus", json!({"Name": "drs-fleet"})).await.unwrap_err();
    assert_eq!(again.code, "ResourceAlreadyExistsException");
    let target = json!({"Id": "q", "Arn": "arn:aws:sqs:eu-central-1:111111111111:q"});
    rule(&world, HUB, "drs-fleet/r", json!({"a": [1]}), target).await.unwrap();

    let named = json!({"EventBusName": HUB_BUS, "Name": "r", "Rule": "r", "Ids": ["q", "none"]});
    let described = call(&world, HUB, "DescribeRule", named.clone()).await.unwrap();
    assert_eq!(described["Arn"], "arn:aws:events:eu-central-1:111111111111:rule/drs-fleet/r");
    assert_eq!(
        (described["State"].as_str(), described["EventPattern"].as_str()),
        (Some("ENABLED"), Some(r#"{"a":[1]}"#))
    );
    let listed = call(&world, HUB, "ListRules", json!({"EventBusName": "drs-fleet"})).await.unwrap();
    assert_eq!(listed["Rules"][0]["Name"], "r");
    let listed = call(&world, HUB, "ListTargetsByRule", named.clone()).await.unwrap();
    assert_eq!(listed["Targets"][0]["Id"], "q");

    let bus = json!({"Name": "drs-fleet"});
    assert!(
        call(&world, HUB, "DeleteRule", named.clone()).await.unwrap_err().message.contains("has targets")
    );
    assert!(
        call(&world, HUB, "DeleteEventBus", bus.clone()).await.unwrap_err().message.contains("has rules")
    );
    let removed = call(&world, HUB, "RemoveTargets", named.clone()).await.unwrap();
    assert_eq!(removed["FailedEntries"][0]["TargetId"], "none");
    call(&world, HUB, "DeleteRule", named).await.unwrap();
    call(&world, HUB, "DeleteEventBus", bus.clone()).await.unwrap();
    assert_eq!(
        call(&world, HUB, "DescribeEventBus", bus).await.unwrap_err().code,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn another_account_cannot_manage_a_bus() {
    let world = world();
    call(&world, HUB, "CreateEventBus", json!({"Name": "drs-fleet"})).await.unwrap();
    let body = json!({"Name": "r", "EventBusName": HUB_BUS, "EventPattern": r#"{"a":[1]}"#});
    assert_eq!(call(&world, SPOKE, "PutRule", body).await.unwrap_err().code, "AccessDeniedException");
}

#[tokio::test]
async fn a_pattern_can_be_tried_out_and_a_malformed_one_is_refused() {
    let world = world();
    let body = json!({"EventPattern": r#"{"source":["a"]}"#, "Event": r#"{"source":"a"}"#});
    assert_eq!(call(&world, SPOKE, "TestEventPattern", body).await.unwrap()["Result"], true);
    let body = json!({"Name": "r", "EventPattern": r#"{"source":"a"}"#});
    let refused = call(&world, SPOKE, "PutRule", body).await.unwrap_err();
    assert_eq!(refused.code, "InvalidEventPatternException");
    assert_eq!(
        call(&world, SPOKE, "StartReplay", json!({})).await.unwrap_err().code,
        "UnknownOperationException"
    );
}
