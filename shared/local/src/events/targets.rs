//! Where a rule sends events, and in which form.

use serde_json::{Value, json};

use crate::call::Refusal;

use super::arn::{BusId, invalid, part};

/// Targets of one rule; not adjustable on AWS.
const MAX_TARGETS: usize = 5;

/// One target of a rule.
#[derive(Clone, Debug)]
pub struct Target {
    pub id: String,
    pub arn: String,
    pub role: Option<String>,
    pub dead_letters: Option<String>,
    pub form: Form,
    /// As it was put, for `ListTargetsByRule`.
    pub json: Value,
}

/// What of the event is sent.
#[derive(Clone, Debug)]
pub enum Form {
    Whole,
    Constant(String),
    /// Field names below the event.
    Path(Vec<String>),
}

impl Target {
    /// Reads a target of a rule on `bus`.
    pub fn parse(json: &Value, bus: &BusId) -> Result<Self, Refusal> {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let (Some(id), Some(arn)) = (text("Id"), text("Arn")) else {
            return Err(invalid("a target needs Id and Arn"));
        };
        let dead_letters = json["DeadLetterConfig"]["Arn"].as_str().map(str::to_owned);
        let target = Self {
            form: Form::parse(json)?,
            role: text("RoleArn"),
            json: json.clone(),
            id,
            arn,
            dead_letters,
        };
        target.check_place(bus)?;
        target.check_options()?;
        Ok(target)
    }

    pub fn is_bus(&self) -> bool {
        part(&self.arn, 2) == "events"
    }

    fn check_place(&self, bus: &BusId) -> Result<(), Refusal> {
        let (id, arn) = (&self.id, &self.arn);
        match part(arn, 2) {
            "events" => {
                BusId::parse(arn)?;
            }
            "sqs" if part(arn, 3) != bus.region => {
                return Err(invalid(format!("target {id}: queue {arn} is not in Region {}", bus.region)));
            }
            "sqs" => {}
            other => return Err(invalid(format!("target {id}: the local cloud does not send to {other}"))),
        }
        if part(arn, 4) != bus.account && self.role.is_none() {
            return Err(invalid(format!("RoleArn is required for target {arn}: it is in another account")));
        }
        if self.role.as_ref().is_some_and(|role| part(role, 4) != bus.account) {
            return Err(invalid(format!("target {id}: RoleArn must be a role of account {}", bus.account)));
        }
        match &self.dead_letters {
            Some(queue) if part(queue, 2) != "sqs" || part(queue, 3) != bus.region => Err(invalid(format!(
                "target {id}: the dead-letter queue {queue} must be an SQS queue in Region {}",
                bus.region
            ))),
            _ => Ok(()),
        }
    }

    fn check_options(&self) -> Result<(), Refusal> {
        let within = |name: &str, low: i64, high: i64| {
            let value = &self.json["RetryPolicy"][name];
            value.is_null() || value.as_i64().is_some_and(|n| (low..=high).contains(&n))
        };
        if !within("MaximumRetryAttempts", 0, 185) || !within("MaximumEventAgeInSeconds", 60, 86_400) {
            return Err(invalid(format!("target {}: RetryPolicy is out of range", self.id)));
        }
        if self.is_bus() && !matches!(self.form, Form::Whole) {
            return Err(invalid(format!(
                "target {}: Input and InputPath are not supported for a bus",
                self.id
            )));
        }
        Ok(())
    }
}

impl Form {
    fn parse(json: &Value) -> Result<Self, Refusal> {
        let given = ["Input", "InputPath", "InputTransformer"].into_iter().filter(|n| !json[*n].is_null());
        if given.count() > 1 {
            return Err(invalid("only one of Input, InputPath or InputTransformer may be given"));
        }
        if !json["InputTransformer"].is_null() {
            return Err(invalid("the local cloud does not know InputTransformer"));
        }
        if let Some(input) = json["Input"].as_str() {
            serde_json::from_str::<Value>(input).map_err(|e| invalid(format!("Input is not JSON: {e}")))?;
            return Ok(Self::Constant(input.to_owned()));
        }
        json["InputPath"].as_str().map_or(Ok(Self::Whole), Self::path)
    }

    fn path(text: &str) -> Result<Self, Refusal> {
        let mut names = text.split('.');
        let is_plain = |name: &str| !name.is_empty() && !name.contains(['[', ']', '*', '?']);
        if names.next() != Some("$") || !names.clone().all(is_plain) {
            return Err(invalid(format!("InputPath {text}: the local cloud knows only $ and $.name.name")));
        }
        Ok(Self::Path(names.map(str::to_owned).collect()))
    }

    /// The text that is sent.
    pub fn render(&self, event: &Value) -> String {
        match self {
            Self::Whole => event.to_string(),
            Self::Constant(input) => input.clone(),
            Self::Path(names) => names.iter().fold(event, |value, name| &value[name]).to_string(),
        }
    }
}

/// Adds targets, or replaces those of the same id.
pub fn put(targets: &mut Vec<Target>, new: Vec<Target>) -> Result<(), Refusal> {
    let mut merged = targets.clone();
    for target in new {
        merged.retain(|old| old.id != target.id);
        merged.push(target);
    }
    if merged.len() > MAX_TARGETS {
        let message = format!("The requested resource exceeds the maximum number of targets: {MAX_TARGETS}");
        return Err(Refusal::new(400, "LimitExceededException", message));
    }
    *targets = merged;
    Ok(())
}

/// Removes targets; the answer lists those that were not there.
pub fn remove(targets: &mut Vec<Target>, ids: &[&str]) -> Vec<Value> {
    let missing = ids.iter().filter(|id| !targets.iter().any(|target| target.id == **id));
    let failed = missing
        .map(|id| json!({"TargetId": id, "ErrorCode": "ResourceNotFoundException", "ErrorMessage": "no such target"}))
        .collect();
    targets.retain(|target| !ids.contains(&target.id.as_str()));
    failed
}
