//! The operations, each from its JSON to its JSON.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::World;
use crate::call::{Call, Refusal};
use crate::world::lock;

use super::arn::{BusId, invalid};
use super::pattern::Pattern;
use super::rules::{Rule, RuleState};
use super::targets::Target;
use super::{Events, targets};

/// A bus policy, in characters (L-FC354966).
const MAX_POLICY: usize = 10_240;

type Answer = Result<Value, Refusal>;

/// Answers one call.
pub fn handle(events: &Events, world: &Arc<World>, call: &Call) -> Answer {
    let input = call.json()?;
    match call.operation.as_str() {
        "PutEvents" => return events.put_events(world, call, &input),
        "TestEventPattern" => return test_event_pattern(&input),
        _ => {}
    }
    let bus = bus_of(call, &input)?;
    authorize(world, call, &bus, &input)?;
    match call.operation.as_str() {
        "CreateEventBus" => events.create_bus(&bus),
        "DeleteEventBus" => lock(&events.state).delete_bus(&bus).map(|()| json!({})),
        "DescribeEventBus" => events.describe_bus(&bus),
        "PutPermission" => events.put_permission(&bus, &input),
        "PutRule" => events.put_rule(&bus, &input),
        "DescribeRule" => events.describe_rule(&bus, text(&input, "Name")?),
        "DeleteRule" => lock(&events.state).delete_rule(&bus, text(&input, "Name")?).map(|()| json!({})),
        "ListRules" => events.list_rules(&bus, input["NamePrefix"].as_str().unwrap_or_default()),
        "PutTargets" => events.put_targets(&bus, &input),
        "RemoveTargets" => events.remove_targets(&bus, &input),
        "ListTargetsByRule" => events.list_targets(&bus, text(&input, "Rule")?),
        _ => Err(Refusal::unknown(&call.service, &call.operation)),
    }
}

/// Buses are called `Name` by their own operations and `EventBusName` by all others.
fn bus_of(call: &Call, input: &Value) -> Result<BusId, Refusal> {
    let member = if call.operation.ends_with("EventBus") { "Name" } else { "EventBusName" };
    BusId::named(call, input[member].as_str())
}

fn authorize(world: &World, call: &Call, bus: &BusId, input: &Value) -> Result<(), Refusal> {
    let rule = input["Rule"].as_str().or_else(|| input["Name"].as_str()).unwrap_or("*");
    let is_of_bus = call.operation.ends_with("EventBus") || call.operation == "PutPermission";
    let resource = if is_of_bus { bus.arn() } else { bus.rule_arn(rule) };
    let action = format!("events:{}", call.operation);
    let place = (bus.account.as_str(), resource.as_str());
    world.iam.authorize(&world.clock, &call.principal, &action, place, None, &[]).map_err(as_exception)
}

/// The JSON protocol's word for a denied call.
pub fn as_exception(mut refusal: Refusal) -> Refusal {
    if refusal.code == "AccessDenied" {
        refusal = Refusal { code: "AccessDeniedException".to_owned(), ..refusal };
        refusal.status = 400;
    }
    refusal
}

fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let text = input[name].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| invalid(format!("{name} is required")))
}

fn parse_pattern(text: &str) -> Result<Pattern, Refusal> {
    Pattern::parse(text).map_err(|reason| {
        let message = format!("Event pattern is not valid. Reason: {reason}");
        Refusal::new(400, "InvalidEventPatternException", message)
    })
}

fn test_event_pattern(input: &Value) -> Answer {
    let pattern = parse_pattern(text(input, "EventPattern")?)?;
    let event: Value = serde_json::from_str(text(input, "Event")?)
        .map_err(|e| invalid(format!("Parameter Event is not valid. Reason: {e}")))?;
    Ok(json!({ "Result": pattern.matches(&event) }))
}

fn rule_json(bus: &BusId, name: &str, rule: &Rule) -> Map<String, Value> {
    let mut json = Map::new();
    let members = [
        ("Name", name),
        ("Arn", &bus.rule_arn(name)),
        ("EventBusName", &bus.name),
        ("EventPattern", &rule.text),
        ("State", rule.state.as_str()),
    ];
    json.extend(members.map(|(key, value)| (key.to_owned(), value.into())));
    json.extend(rule.description.as_ref().map(|text| ("Description".to_owned(), text.as_str().into())));
    json
}

impl Events {
    fn create_bus(&self, bus: &BusId) -> Answer {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if bus.name.is_empty() || bus.name.len() > 256 || !bus.name.chars().all(is_fit) {
            return Err(invalid(format!("{} is not a name for an event bus", bus.name)));
        }
        lock(&self.state).create_bus(bus)?;
        Ok(json!({ "EventBusArn": bus.arn() }))
    }

    fn describe_bus(&self, bus: &BusId) -> Answer {
        let policy = lock(&self.state).bus(bus)?.policy.clone();
        let mut json = json!({ "Name": bus.name, "Arn": bus.arn() });
        if let Some(policy) = policy {
            json["Policy"] = policy.to_string().into();
        }
        Ok(json)
    }

    /// Takes a whole `Policy`; the older form with one statement's members is refused.
    fn put_permission(&self, bus: &BusId, input: &Value) -> Answer {
        let policy = text(input, "Policy")?;
        if policy.len() > MAX_POLICY {
            let message = format!("the policy is longer than {MAX_POLICY} characters");
            return Err(Refusal::new(400, "PolicyLengthExceededException", message));
        }
        let policy: Value =
            serde_json::from_str(policy).map_err(|e| invalid(format!("Policy is not JSON: {e}")))?;
        awsim_iam_policy::parse_value(&policy).map_err(|e| invalid(format!("Policy: {e}")))?;
        lock(&self.state).bus(bus)?.policy = Some(policy);
        Ok(json!({}))
    }

    fn put_rule(&self, bus: &BusId, input: &Value) -> Answer {
        let name = text(input, "Name")?;
        if !input["ScheduleExpression"].is_null() {
            return Err(invalid("the local cloud keeps schedules in the scheduler, not in rules"));
        }
        let pattern = text(input, "EventPattern")?;
        let rule = Rule {
            pattern: parse_pattern(pattern)?,
            text: pattern.to_owned(),
            state: RuleState::parse(input["State"].as_str().unwrap_or("ENABLED"))?,
            description: input["Description"].as_str().map(str::to_owned),
            targets: Vec::new(),
        };
        lock(&self.state).put_rule(bus, name, rule)?;
        Ok(json!({ "RuleArn": bus.rule_arn(name) }))
    }

    fn describe_rule(&self, bus: &BusId, name: &str) -> Answer {
        Ok(rule_json(bus, name, lock(&self.state).rule(bus, name)?).into())
    }

    fn list_rules(&self, bus: &BusId, prefix: &str) -> Answer {
        let mut state = lock(&self.state);
        let named = state.bus(bus)?.rules.iter().filter(|(name, _)| name.starts_with(prefix));
        let rules: Vec<_> = named.map(|(name, rule)| rule_json(bus, name, rule)).collect();
        Ok(json!({ "Rules": rules }))
    }

    fn put_targets(&self, bus: &BusId, input: &Value) -> Answer {
        let new = input["Targets"].as_array().filter(|list| !list.is_empty());
        let new = new.ok_or_else(|| invalid("Targets is required"))?;
        let new = new.iter().map(|target| Target::parse(target, bus)).collect::<Result<_, _>>()?;
        targets::put(&mut lock(&self.state).rule(bus, text(input, "Rule")?)?.targets, new)?;
        Ok(json!({ "FailedEntryCount": 0, "FailedEntries": [] }))
    }

    fn remove_targets(&self, bus: &BusId, input: &Value) -> Answer {
        let ids: Vec<&str> =
            input["Ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let failed = targets::remove(&mut lock(&self.state).rule(bus, text(input, "Rule")?)?.targets, &ids);
        Ok(json!({ "FailedEntryCount": failed.len(), "FailedEntries": failed }))
    }

    fn list_targets(&self, bus: &BusId, rule: &str) -> Answer {
        let mut state = lock(&self.state);
        let targets: Vec<_> = state.rule(bus, rule)?.targets.iter().map(|t| t.json.clone()).collect();
        Ok(json!({ "Targets": targets }))
    }
}
