//! Buses and rules as they are stored.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::call::Refusal;

use super::arn::{BusId, invalid};
use super::pattern::Pattern;
use super::targets::Target;

/// Rules on one bus (L-244521F2).
const MAX_RULES: usize = 300;

/// All buses. The default bus of an account and Region is there from its first use.
#[derive(Debug, Default)]
pub struct State(BTreeMap<BusId, Bus>);

#[derive(Debug, Default)]
pub struct Bus {
    pub policy: Option<Value>,
    pub rules: BTreeMap<String, Rule>,
}

#[derive(Clone, Debug)]
pub struct Rule {
    /// As it was put, for `DescribeRule`.
    pub text: String,
    pub pattern: Pattern,
    pub state: RuleState,
    pub description: Option<String>,
    pub targets: Vec<Target>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleState {
    Enabled,
    Disabled,
    /// Also takes the read-only calls that CloudTrail records.
    EnabledWithAllCloudTrail,
}

impl RuleState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::EnabledWithAllCloudTrail => "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
        }
    }

    pub fn parse(text: &str) -> Result<Self, Refusal> {
        [Self::Enabled, Self::Disabled, Self::EnabledWithAllCloudTrail]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| invalid(format!("{text} is not a rule state")))
    }
}

impl Rule {
    /// Whether the rule sends this event to its targets.
    pub fn takes(&self, event: &Value) -> bool {
        let awake = match self.state {
            RuleState::Disabled => false,
            RuleState::Enabled => !is_recorded_read(event),
            RuleState::EnabledWithAllCloudTrail => true,
        };
        awake && self.pattern.matches(event)
    }
}

fn is_recorded_read(event: &Value) -> bool {
    let is_recorded = event["detail-type"].as_str().is_some_and(|kind| kind.ends_with(" via CloudTrail"));
    is_recorded && event["detail"]["readOnly"] == true
}

impl State {
    pub fn get(&mut self, id: &BusId) -> Option<&mut Bus> {
        if id.name == "default" {
            return Some(self.0.entry(id.clone()).or_default());
        }
        self.0.get_mut(id)
    }

    pub fn bus(&mut self, id: &BusId) -> Result<&mut Bus, Refusal> {
        self.get(id).ok_or_else(|| no_such_bus(id))
    }

    pub fn rule(&mut self, id: &BusId, name: &str) -> Result<&mut Rule, Refusal> {
        let rule = self.bus(id)?.rules.get_mut(name);
        rule.ok_or_else(|| not_found(format!("Rule {name} does not exist on EventBus {}.", id.name)))
    }

    pub fn create_bus(&mut self, id: &BusId) -> Result<(), Refusal> {
        if self.get(id).is_some() {
            let message = format!("Event bus {} already exists.", id.name);
            return Err(Refusal::new(400, "ResourceAlreadyExistsException", message));
        }
        self.0.insert(id.clone(), Bus::default());
        Ok(())
    }

    /// Deleting a bus that is not there succeeds, as on AWS.
    pub fn delete_bus(&mut self, id: &BusId) -> Result<(), Refusal> {
        if id.name == "default" {
            return Err(invalid("Cannot delete event bus default."));
        }
        if self.0.get(id).is_some_and(|bus| !bus.rules.is_empty()) {
            return Err(invalid("Event bus can't be deleted since it has rules."));
        }
        self.0.remove(id);
        Ok(())
    }

    /// Creates a rule, or replaces all of it but its targets.
    pub fn put_rule(&mut self, id: &BusId, name: &str, mut rule: Rule) -> Result<(), Refusal> {
        let rules = &mut self.bus(id)?.rules;
        if let Some(old) = rules.get_mut(name) {
            rule.targets = std::mem::take(&mut old.targets);
        } else if rules.len() >= MAX_RULES {
            let message = format!("The requested resource exceeds the maximum number of rules: {MAX_RULES}");
            return Err(Refusal::new(400, "LimitExceededException", message));
        }
        rules.insert(name.to_owned(), rule);
        Ok(())
    }

    pub fn delete_rule(&mut self, id: &BusId, name: &str) -> Result<(), Refusal> {
        let rules = &mut self.bus(id)?.rules;
        if rules.get(name).is_some_and(|rule| !rule.targets.is_empty()) {
            return Err(invalid("Rule can't be deleted since it has targets."));
        }
        rules.remove(name);
        Ok(())
    }

    /// Where the event goes from this bus: the ARN of each rule that takes it, with each of its targets.
    pub fn destinations(&mut self, id: &BusId, event: &Value) -> Vec<(String, Target)> {
        let Some(bus) = self.get(id) else { return Vec::new() };
        let taking = bus.rules.iter().filter(|(_, rule)| rule.takes(event));
        taking
            .flat_map(|(name, rule)| rule.targets.iter().map(|target| (id.rule_arn(name), target.clone())))
            .collect()
    }
}

pub fn no_such_bus(id: &BusId) -> Refusal {
    not_found(format!("Event bus {} does not exist.", id.name))
}

pub fn not_found(message: String) -> Refusal {
    Refusal::new(400, "ResourceNotFoundException", message)
}
