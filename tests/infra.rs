//! The rules of `infra/*.yaml` and the decisions name the same workers: every event reaches exactly the one that
//! decides on it. The rules are read back from stacks that the local cloud made of the very templates.

mod slack;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use drs_fleet_domain::envelope::Envelope;
use drs_fleet_domain::event;
use drs_fleet_domain::routing::{WorkerName, taker_of};
use drs_fleet_local::cloudformation::Outputs;
use drs_fleet_local::events::pattern::Pattern;
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Call, Clock, World};
use serde_json::{Value, json};

use crate::samples::{self, HUB, HUB_REGION};

const ORGANIZATION: &str = "o-a1b2c3d4e5";
const API_CALL: &str = "AWS API Call via CloudTrail";

/// A rule as it is after the stack was made.
struct Rule {
    name: String,
    pattern: Value,
    matcher: Pattern,
    targets: Vec<String>,
}

/// The names of the rules that want an event.
fn wanted_by<'a>(rules: &'a [Rule], event: &Value) -> Vec<&'a str> {
    rules.iter().filter(|rule| rule.matcher.matches(event)).map(|rule| rule.name.as_str()).collect()
}

fn world() -> Arc<World> {
    World::new(Clock::real(), Faults::none())
}

async fn hub_rules(world: &Arc<World>) -> Vec<Rule> {
    let parameters = [("OrganizationId", ORGANIZATION), ("AlertEmail", "dr@example.com")];
    create(world, (HUB, HUB_REGION), "hub.yaml", &parameters).await;
    rules(world, (HUB, HUB_REGION), "drs-fleet").await
}

async fn spoke_rules(world: &Arc<World>, account: &str, region: &str) -> Vec<Rule> {
    spoke_rules_with(world, (account, region), "false").await
}

async fn spoke_rules_with(world: &Arc<World>, (account, region): (&str, &str), snapshots: &str) -> Vec<Rule> {
    let bus = format!("arn:aws:events:{HUB_REGION}:{HUB}:event-bus/drs-fleet");
    let parameters = [
        ("HubAccountId", HUB),
        ("HubBusArn", bus.as_str()),
        ("ExternalId", "an-external-id-of-a-spoke"),
        ("ForwardSnapshots", snapshots),
    ];
    create(world, (account, region), "spoke.yaml", &parameters).await;
    rules(world, (account, region), "default").await
}

async fn create(
    world: &Arc<World>,
    at: (&str, &str),
    template: &str,
    parameters: &[(&str, &str)],
) -> Outputs {
    world.iam.add_account(at.0, Some(ORGANIZATION));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra").join(template);
    let text = fs::read_to_string(path).unwrap();
    let parameters: BTreeMap<_, _> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    world.stacks.create(world, at, "drs-fleet", &text, &parameters).await.unwrap()
}

async fn rules(world: &Arc<World>, at: (&str, &str), bus: &str) -> Vec<Rule> {
    let listed = call(world, at, "ListRules", json!({ "EventBusName": bus })).await;
    let mut rules = Vec::new();
    for rule in listed["Rules"].as_array().unwrap() {
        let name = rule["Name"].as_str().unwrap();
        assert_eq!(rule["State"], "ENABLED", "{name}");
        let asked = json!({ "EventBusName": bus, "Rule": name });
        let targets = call(world, at, "ListTargetsByRule", asked).await;
        let pattern = rule["EventPattern"].as_str().unwrap();
        rules.push(Rule {
            name: name.to_owned(),
            pattern: serde_json::from_str(pattern).unwrap(),
            matcher: Pattern::parse(pattern).unwrap(),
            targets: targets["Targets"].as_array().unwrap().iter().map(target_name).collect(),
        });
    }
    rules
}

/// The last part of a target's ARN.
fn target_name(target: &Value) -> String {
    target["Arn"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
}

async fn call(world: &Arc<World>, at: (&str, &str), operation: &str, input: Value) -> Value {
    let call = Call::by_operator(at, ("events", operation), &input);
    let reply = world.perform(&call).await.unwrap();
    serde_json::from_slice(&reply.body).unwrap()
}

fn queue_of(worker: WorkerName) -> &'static str {
    match worker {
        WorkerName::Capacity => "drs-fleet-capacity",
        WorkerName::Jobs => "drs-fleet-jobs",
        WorkerName::Tags => "drs-fleet-tags",
        WorkerName::Notifications => "drs-fleet-notifications",
    }
}

/// The queue of the worker that the code says an event is for.
fn expected(event: &Value) -> Vec<&'static str> {
    let envelope = Envelope::parse(&event.to_string()).unwrap();
    let event = event::read(&envelope).unwrap();
    taker_of(&envelope, &event).map(queue_of).into_iter().collect()
}

fn api_call(name: &str) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": API_CALL, "source": "aws.drs", "account": "111122223333",
        "time": "2026-09-14T08:12:30Z", "region": "us-west-2", "resources": [],
        "detail": { "eventSource": "drs.amazonaws.com", "eventName": name },
    })
}

#[tokio::test]
async fn every_rule_of_the_hub_has_the_queue_of_its_name_as_its_only_target() {
    let rules = hub_rules(&world()).await;
    let names: BTreeSet<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, WorkerName::ALL.map(queue_of).into());
    for rule in &rules {
        assert_eq!(rule.targets, [rule.name.as_str()]);
    }
}

#[tokio::test]
async fn every_event_matches_the_hub_rule_of_its_worker_and_no_other() {
    let rules = hub_rules(&world()).await;
    for sample in samples::all() {
        let event = sample.json();
        assert_eq!(wanted_by(&rules, &event), expected(&event), "{}", sample.path);
    }
}

#[tokio::test]
async fn own_events_of_incidents_drills_and_samples_reach_the_notifier_and_those_of_any_other_account_nobody()
{
    let rules = hub_rules(&world()).await;
    for (path, mut event) in samples::published() {
        let detail_type = event["detail-type"].as_str().unwrap();
        let of_drill =
            ["Job Started", "Job Completed"].contains(&detail_type) && event["detail"]["drill"] == true;
        let for_people =
            detail_type.starts_with("Incident ") || of_drill || detail_type == "Sample Requested";
        let wanted: &[&str] = if for_people { &["drs-fleet-notifications"] } else { &[] };
        assert_eq!(wanted_by(&rules, &event), wanted, "{path}");
        event["account"] = json!("111122223333");
        assert_eq!(wanted_by(&rules, &event), [""; 0], "{path} forged by a spoke");
    }
}

#[tokio::test]
async fn own_events_of_a_later_version_reach_the_notifier_if_they_are_of_incidents() {
    let rules = hub_rules(&world()).await;
    let of_type = |detail_type: &str| {
        json!({ "id": "1", "source": "drs-fleet", "detail-type": detail_type, "account": HUB,
            "time": "2026-09-14T08:12:30Z", "region": HUB_REGION })
    };
    for (detail_type, wanted) in
        [("Incident Handed Over", vec!["drs-fleet-notifications"]), ("Fleet Counted", vec![])]
    {
        let event = of_type(detail_type);
        assert_eq!(wanted_by(&rules, &event), wanted, "{detail_type}");
        assert_eq!(expected(&event), wanted, "{detail_type}");
    }
}

#[tokio::test]
async fn what_aws_adds_reaches_exactly_one_worker() {
    let rules = hub_rules(&world()).await;
    let added = [
        api_call("CallThatAwsAdds"),
        json!({ "source": "aws.drs", "detail-type": "DRS Type That Aws Adds", "account": "111122223333" }),
    ];
    for event in added {
        assert_eq!(wanted_by(&rules, &event), ["drs-fleet-capacity"], "{event}");
    }
}

/// What a spoke should forward, and by which of its rules.
fn forwarded_by(event: &Value) -> Vec<&'static str> {
    let text = |member: &str| event[member].as_str().unwrap();
    match (text("source"), text("detail-type")) {
        ("aws.drs", "DRS PIT Snapshot Taken") => vec![],
        ("aws.drs", API_CALL) => vec!["drs-fleet-api-calls"],
        ("aws.drs" | "drs-fleet.spoke", _) => vec!["drs-fleet-service-events"],
        ("aws.tag", _) if event["detail"]["resource-type"] == "instance" => vec!["drs-fleet-tag-changes"],
        _ => vec![],
    }
}

#[tokio::test]
async fn spokes_forward_each_event_once_and_neither_snapshots_nor_what_is_not_theirs() {
    let world = world();
    let mut spokes = BTreeMap::new();
    for sample in samples::all() {
        let event = sample.json();
        let (account, region) = (event["account"].as_str().unwrap(), event["region"].as_str().unwrap());
        if account == HUB {
            continue;
        }
        let place = (account.to_owned(), region.to_owned());
        if !spokes.contains_key(&place) {
            spokes.insert(place.clone(), spoke_rules(&world, account, region).await);
        }
        assert_eq!(wanted_by(&spokes[&place], &event), forwarded_by(&event), "{}", sample.path);
    }
    for rule in spokes.values().flatten() {
        assert_eq!(rule.targets, ["event-bus/drs-fleet"], "{}", rule.name);
    }
}

#[tokio::test]
async fn a_spoke_that_is_asked_to_forwards_snapshots_and_still_each_event_once() {
    let spoke = spoke_rules_with(&world(), ("111122223333", "us-west-2"), "true").await;
    for kind in ["DRS PIT Snapshot Taken", "DRS Source Server Launch Result"] {
        let event = json!({ "source": "aws.drs", "detail-type": kind, "account": "111122223333" });
        assert_eq!(wanted_by(&spoke, &event), ["drs-fleet-service-events"], "{kind}");
    }
    assert_eq!(wanted_by(&spoke, &api_call("StartRecovery")), ["drs-fleet-api-calls"]);
}

#[tokio::test]
async fn every_api_call_that_spokes_forward_reaches_the_worker_that_decides_on_it() {
    let world = world();
    let hub = hub_rules(&world).await;
    let spoke = spoke_rules(&world, "111122223333", "us-west-2").await;
    let calls = spoke.iter().find(|rule| rule.name == "drs-fleet-api-calls").unwrap();
    let names = calls.pattern["detail"]["eventName"].as_array().unwrap();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let event = api_call(name.as_str().unwrap());
        assert_eq!(wanted_by(&spoke, &event), ["drs-fleet-api-calls"], "{name}");
        assert_eq!(wanted_by(&hub, &event), expected(&event), "{name}");
    }
}
