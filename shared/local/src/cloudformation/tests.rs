use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Outputs, StackError};
use crate::call::{Call, Principal};
use crate::events::ServiceEvent;
use crate::faults::Faults;
use crate::{Clock, World};

const HUB_TEMPLATE: &str = include_str!("../../../../infra/hub.yaml");
const SPOKE_TEMPLATE: &str = include_str!("../../../../infra/spoke.yaml");
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
    let spoke = world
        .stacks
        .create(&world, (SPOKE, REGION), "spoke", SPOKE_TEMPLATE, &parameters(&given))
        .await
        .unwrap();
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
    let call = Call {
        principal: Principal::Operator { account: account.to_owned() },
        account: account.to_owned(),
        region: REGION.to_owned(),
        service: "events".to_owned(),
        operation: "PutEvents".to_owned(),
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: BTreeMap::new(),
        body: json!({"Entries": [entry]}).to_string().into_bytes(),
    };
    serde_json::from_slice(&world.perform(&call).await.unwrap().body).unwrap()
}

#[tokio::test]
async fn a_stall_in_a_spoke_reaches_the_hub_s_capacity_queue_and_no_other() {
    let (world, ..) = fleet().await;
    let stalled =
        event("aws.drs", "DRS Source Server Data Replication Stalled Change", json!({"state": "STALLED"}));
    world.events.emit(&world, SPOKE, REGION, &stalled);
    assert_eq!(reached(&world), ["capacity"]);
    let message = &world.sqs.peek(&queue_arn(HUB, "capacity"))[0];
    let body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!((body["account"].as_str(), body["source"].as_str()), (Some(SPOKE), Some("aws.drs")));
}

#[tokio::test]
async fn each_event_of_a_spoke_reaches_exactly_the_queue_of_its_worker() {
    let tag_change = json!({"service": "ec2", "resource-type": "instance"});
    let cases = [
        (event("aws.drs", "DRS Source Server Launch Result", json!({})), "jobs"),
        (event("aws.drs", "DRS Recovery Instance Failback State Change", json!({})), "jobs"),
        (event("aws.drs", "DRS Source Network Protection Status Change", json!({})), "jobs"),
        (event("aws.drs", "DRS Source Network Recovery Result", json!({})), "jobs"),
        (event("aws.drs", "DRS Something New", json!({})), "capacity"),
        (event("drs-fleet.spoke", "Spoke Heartbeat", json!({})), "capacity"),
        (event("aws.tag", "Tag Change on Resource", tag_change), "tags"),
        (api_call("StartRecovery"), "jobs"),
        (api_call("TerminateRecoveryInstances"), "jobs"),
        (api_call("StartFailbackLaunch"), "jobs"),
        (api_call("StopFailback"), "jobs"),
        (api_call("ReverseReplication"), "jobs"),
        (api_call("DeleteJob"), "jobs"),
        (api_call("StartSourceNetworkRecovery"), "jobs"),
        (api_call("DisconnectRecoveryInstance"), "jobs"),
        (api_call("DeleteRecoveryInstance"), "jobs"),
        (api_call("TagResource"), "tags"),
        (api_call("UntagResource"), "tags"),
        (api_call("DisconnectSourceServer"), "capacity"),
        (api_call("DeleteSourceServer"), "capacity"),
        (api_call("CreateExtendedSourceServer"), "capacity"),
        (api_call("StopReplication"), "capacity"),
        (api_call("InitializeService"), "capacity"),
    ];
    let (world, ..) = fleet().await;
    let mut wanted = Vec::new();
    for (event, queue) in &cases {
        world.events.emit(&world, SPOKE, REGION, event);
        wanted.push(*queue);
        wanted.sort_by_key(|name| WORKER_QUEUES.iter().position(|known| known == name));
        assert_eq!(reached(&world), wanted, "{} {}", event.detail_type, event.detail);
    }
}

#[tokio::test]
async fn what_says_nothing_to_the_hub_is_not_forwarded() {
    let (world, ..) = fleet().await;
    let volume = json!({"service": "ec2", "resource-type": "volume"});
    let unwanted = [
        event("aws.drs", "DRS PIT Snapshot Taken", json!({})),
        event("aws.tag", "Tag Change on Resource", volume),
        event("aws.ec2", "EC2 Instance State-change Notification", json!({})),
        api_call("DescribeSourceServers"),
        event("drs-fleet", "Incident Opened", json!({})),
    ];
    for event in &unwanted {
        world.events.emit(&world, SPOKE, REGION, event);
    }
    assert!(reached(&world).is_empty(), "{:?}", reached(&world));
    assert_eq!(world.events.counts().matched, 0);
}

#[tokio::test]
async fn a_spoke_cannot_forge_an_own_event_and_the_hub_can_tell_its_own() {
    let (world, hub, _) = fleet().await;
    let answer = put_event(&world, SPOKE, &hub["BusArn"], "drs-fleet").await;
    assert_eq!(answer["FailedEntryCount"], 0, "the bus admits the organisation");
    assert!(reached(&world).is_empty(), "no rule takes it");
    put_event(&world, HUB, &hub["BusArn"], "drs-fleet").await;
    assert_eq!(reached(&world), ["notifications"]);
}

#[tokio::test]
async fn schedules_put_ticks_on_two_queues_and_a_heartbeat_on_the_road_of_the_events() {
    let (world, ..) = fleet().await;
    world.scheduler.fire(&world, HUB, REGION, "drs-fleet-sweep-capacity").unwrap();
    world.scheduler.fire(&world, HUB, REGION, "drs-fleet-sweep-jobs").unwrap();
    assert_eq!(reached(&world), ["capacity", "jobs"]);
    let tick = &world.sqs.peek(&queue_arn(HUB, "jobs"))[0].body;
    let tick: Value = serde_json::from_str(tick).unwrap();
    assert_eq!(
        (tick["detail-type"].as_str(), tick["source"].as_str()),
        (Some("Sweep Tick"), Some("drs-fleet.schedule"))
    );
    assert_eq!((tick["account"].as_str(), tick["region"].as_str()), (Some(HUB), Some(REGION)));
    assert!(uuid::Uuid::parse_str(tick["id"].as_str().unwrap()).is_ok(), "{tick}");
    assert!(tick["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{tick}");

    world.scheduler.fire(&world, SPOKE, REGION, "drs-fleet-heartbeat").unwrap();
    assert_eq!(reached(&world), ["capacity", "capacity", "jobs"]);
    let beat = &world.sqs.peek(&queue_arn(HUB, "capacity"))[1].body;
    let beat: Value = serde_json::from_str(beat).unwrap();
    assert_eq!((beat["source"].as_str(), beat["account"].as_str()), (Some("drs-fleet.spoke"), Some(SPOKE)));
}

#[tokio::test]
async fn the_hub_has_everything_that_the_workers_need() {
    let (world, hub, spoke) = fleet().await;
    assert_eq!(hub["BusArn"], format!("arn:aws:events:{REGION}:{HUB}:event-bus/drs-fleet"));
    assert_eq!(hub["TableName"], "drs-fleet");
    assert_eq!(hub["AlertTopicArn"], format!("arn:aws:sns:{REGION}:{HUB}:drs-fleet-alerts"));
    for name in WORKER_QUEUES {
        assert!(hub.values().any(|value| value.ends_with(&format!("/{HUB}/drs-fleet-{name}"))), "{name}");
        assert!(hub.values().any(|value| value.ends_with(&format!("/{HUB}/drs-fleet-{name}-dlq"))), "{name}");
    }
    let roles = hub.iter().filter(|(name, _)| name.ends_with("RoleArn"));
    for (name, arn) in roles {
        assert!(world.iam.role(arn).is_some(), "{name}");
    }
    assert!(world.iam.role(&spoke["SpokeRoleArn"]).is_some());
    assert_eq!(world.stacks.outputs((HUB, REGION), "hub"), Some(hub));
}

#[tokio::test]
async fn only_the_hub_s_workers_with_the_external_id_get_into_a_spoke() {
    let (world, hub, spoke) = fleet().await;
    let role = |arn: &str| Principal::Role {
        account: HUB.to_owned(),
        role_arn: arn.to_owned(),
        session: "worker".to_owned(),
    };
    let right = Some("an-external-id-of-a-spoke");
    let may = |role_arn: &str, external_id| {
        world.iam.may_assume(&world.clock, &role(role_arn), &spoke["SpokeRoleArn"], external_id).is_ok()
    };
    for worker in ["CapacityTrackerRoleArn", "JobMonitorRoleArn", "TagSyncRoleArn", "OperatorRoleArn"] {
        assert!(may(&hub[worker], right), "{worker}");
        assert!(!may(&hub[worker], Some("wrong-external-id")), "{worker}");
        assert!(!may(&hub[worker], None), "{worker}");
    }
    assert!(!may(&hub["NotifierRoleArn"], right), "the notifier has no business in a spoke");
}

#[tokio::test]
async fn a_worker_may_use_its_own_queue_and_the_table_but_not_scan_nor_read_its_neighbour() {
    let (world, hub, _) = fleet().await;
    let jobs = Principal::Role {
        account: HUB.to_owned(),
        role_arn: hub["JobMonitorRoleArn"].clone(),
        session: "worker".to_owned(),
    };
    let may = |action: &str, resource: &str| {
        world.iam.authorize(&world.clock, &jobs, action, (HUB, resource), None, &[]).is_ok()
    };
    let table = format!("arn:aws:dynamodb:{REGION}:{HUB}:table/drs-fleet");
    assert!(may("sqs:ReceiveMessage", &queue_arn(HUB, "jobs")));
    assert!(may("sqs:SendMessage", &queue_arn(HUB, "jobs-dlq")));
    assert!(!may("sqs:ReceiveMessage", &queue_arn(HUB, "capacity")));
    assert!(may("dynamodb:UpdateItem", &table));
    assert!(may("dynamodb:Query", &format!("{table}/index/due")));
    assert!(!may("dynamodb:Scan", &table));
    assert!(may(
        "secretsmanager:GetSecretValue",
        &format!("arn:aws:secretsmanager:{REGION}:{HUB}:secret:drs-fleet/x-AbCdEf")
    ));
    assert!(!may("sns:Publish", &hub["AlertTopicArn"]));
}

#[tokio::test]
async fn a_further_region_of_a_spoke_makes_no_roles_again() {
    let (world, hub, _) = fleet().await;
    let given = parameters(&[
        ("HubAccountId", HUB),
        ("HubBusArn", hub["BusArn"].as_str()),
        ("ExternalId", "another-external-id"),
        ("CreateRoles", "false"),
    ]);
    world.stacks.create(&world, (SPOKE, "us-east-1"), "spoke", SPOKE_TEMPLATE, &given).await.unwrap();
    world.events.emit(&world, SPOKE, "us-east-1", &api_call("StartRecovery"));
    assert_eq!(reached(&world), ["jobs"]);
}

#[tokio::test]
async fn what_is_not_known_is_an_error_with_its_place() {
    let cases = [
        (
            "Resources: {A: {Type: 'AWS::EC2::Instance'}}",
            "resource A: the type AWS::EC2::Instance is not known here",
        ),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q, FifoQueue: true}}}",
            "resource A: AWS::SQS::Queue property FifoQueue is not known here",
        ),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Metadata: {}}}",
            "resource A: the attribute Metadata is not known here",
        ),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {}}}",
            "resource A: AWS::SQS::Queue property QueueName is required",
        ),
        ("Resources: {A: {Properties: {}}}", "resource A: it has no Type"),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !Ref B}}}",
            "resource A: B refers to nothing",
        ),
        (
            "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !Base64 x}}}",
            "template: the function !Base64 is not known here",
        ),
        (
            "Resources: {A: {Type: T, DependsOn: B}, B: {Type: T, DependsOn: [A]}}",
            "template: circular references between A, B",
        ),
        ("Resources: {A: {Type: T, Condition: C}}", "template: there is no condition C"),
        ("Transform: x", "template: section Transform is not known here"),
        ("Outputs: {O: {Value: !GetAtt A.Arn}}", "template: output O: A refers to nothing"),
        ("[]", "template: it is not a mapping"),
    ];
    for (template, wanted) in cases {
        let world = World::new(Clock::real(), Faults::none());
        world.iam.add_account(HUB, None);
        let error = create(&world, template, &[]).await.unwrap_err();
        assert_eq!(error.to_string(), wanted, "{template}");
    }
}

#[tokio::test]
async fn parameters_are_checked_and_their_values_never_shown() {
    let world = World::new(Clock::real(), Faults::none());
    let bad_secret = [
        ("HubAccountId", HUB),
        ("HubBusArn", "arn:aws:events:eu-central-1:111111111111:event-bus/x"),
        ("ExternalId", "short"),
    ];
    let error = create(&world, SPOKE_TEMPLATE, &bad_secret).await.unwrap_err().to_string();
    assert_eq!(error, "parameter ExternalId: must have 16 to 1224 letters, digits or _+=,.@:/-");
    let error =
        create(&world, HUB_TEMPLATE, &[("OrganizationId", ORGANIZATION)]).await.unwrap_err().to_string();
    assert_eq!(error, "parameter AlertEmail: a value is required");
    let error = create(&world, HUB_TEMPLATE, &[("OrganisationId", "o")]).await.unwrap_err().to_string();
    assert_eq!(error, "parameter OrganisationId: the template does not have it");
}

#[tokio::test]
async fn functions_and_conditions_are_evaluated() {
    let template = r#"
Parameters: {Stage: {Type: String, Default: test, AllowedValues: [test, live]}}
Conditions:
  Live: !Equals [!Ref Stage, live]
  Test: !Not [Condition: Live]
  Both: !And [!Condition Live, !Condition Test]
  Either: !Or [!Condition Live, !Condition Test]
Resources:
  Bus: {Type: "AWS::Events::EventBus", Properties: {Name: !Sub "${Stage}-bus"}}
  Never: {Type: "AWS::Events::EventBus", Condition: Live, Properties: {Name: live}}
Outputs:
  Joined: {Value: !Join ["-", [a, !Ref Stage, !Select [1, !Split [",", "x,y,z"]]]]}
  Sub: {Value: !Sub ["${Own} ${!Literal} ${Bus.Arn}", {Own: !Ref "AWS::Region"}]}
  If: {Value: !If [Live, yes, !If [Either, either, none]]}
  Hidden: {Condition: Both, Value: x}
"#;
    let world = World::new(Clock::real(), Faults::none());
    world.iam.add_account(HUB, None);
    let outputs = create(&world, template, &[]).await.unwrap();
    assert_eq!(outputs["Joined"], "a-test-y");
    assert_eq!(
        outputs["Sub"],
        "eu-central-1 ${Literal} arn:aws:events:eu-central-1:111111111111:event-bus/test-bus"
    );
    assert_eq!(outputs["If"], "either");
    assert_eq!(
        outputs.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from(["If", "Joined", "Sub"])
    );
    let again = create(&world, template, &[]).await.unwrap_err();
    assert_eq!(again.to_string(), "stack stack already exists");
}

#[tokio::test]
async fn what_a_service_refuses_names_the_resource() {
    let world = World::new(Clock::real(), Faults::none());
    world.iam.add_account(HUB, None);
    let template = r#"Resources: {Bad: {Type: "AWS::Events::EventBus", Properties: {Name: "a b"}}}"#;
    let error = create(&world, template, &[]).await.unwrap_err().to_string();
    assert_eq!(error, "resource Bad: ValidationException: a b is not a name for an event bus");
}
