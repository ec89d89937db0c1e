//! The attributes of a queue: defaults, ranges and what they mean.

use std::collections::BTreeMap;

use serde_json::Value;

use super::refuse::{invalid, refuse};
use crate::call::Refusal;

/// Name, least, greatest, default. Sources: `drs-facts` §8.1 and the `SetQueueAttributes` reference.
const NUMBERS: [(&str, u64, u64, u64); 6] = [
    ("DelaySeconds", 0, 900, 0),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400, 300),
    ("MaximumMessageSize", 1_024, 1_048_576, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("VisibilityTimeout", 0, 43_200, 30),
];

/// What becomes of a message that was received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The dead-letter queue.
    pub target: String,
    /// Receives allowed before the move.
    pub max_receives: u32,
}

/// The settable attributes of one queue.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<&'static str, u64>,
    policy: Option<Value>,
    redrive: Option<Redrive>,
}

impl Settings {
    /// Sets one attribute; an empty document (`Policy`, `RedrivePolicy`) removes it.
    ///
    /// # Errors
    /// `InvalidAttributeName`, `InvalidAttributeValue`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        if let Some((known, least, greatest, _)) = NUMBERS.iter().find(|(known, ..)| *known == name) {
            let number = value.parse().ok().filter(|n| (least..=greatest).contains(&n));
            self.numbers.insert(known, number.ok_or_else(|| bad(name, value))?);
        } else {
            match name {
                "Policy" => self.policy = document(name, value)?,
                "RedrivePolicy" => self.redrive = redrive(value)?,
                "RedriveAllowPolicy" => drop(document(name, value)?),
                "KmsMasterKeyId" | "SqsManagedSseEnabled" => {}
                _ => return Err(unknown(name)),
            }
        }
        if value.is_empty() {
            self.texts.remove(name);
        } else {
            self.texts.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// All attributes, those that were never set with their defaults. Documents only when set.
    pub fn all(&self) -> BTreeMap<String, String> {
        let encrypted = self.texts.contains_key("KmsMasterKeyId");
        let mut all: BTreeMap<_, _> = NUMBERS
            .iter()
            .filter(|(name, ..)| encrypted || *name != "KmsDataKeyReusePeriodSeconds")
            .map(|(name, _, _, default)| ((*name).to_owned(), default.to_string()))
            .collect();
        all.insert("SqsManagedSseEnabled".to_owned(), (!encrypted).to_string());
        all.extend(self.texts.clone());
        all
    }

    /// The first of `wanted` that differs from what is set.
    pub fn first_difference(&self, wanted: &Self) -> Option<String> {
        let all = self.all();
        let differs = |(name, value): &(&String, &String)| all.get(*name) != Some(value);
        wanted.texts.iter().find(differs).map(|(name, _)| name.clone())
    }

    /// A numeric attribute; 0 for a name that is not one.
    pub fn number(&self, name: &str) -> u64 {
        let default = || NUMBERS.iter().find(|(known, ..)| *known == name).map_or(0, |n| n.3);
        self.numbers.get(name).copied().unwrap_or_else(default)
    }

    /// The queue policy.
    pub fn policy(&self) -> Option<&Value> {
        self.policy.as_ref()
    }

    /// The redrive policy.
    pub fn redrive(&self) -> Option<&Redrive> {
        self.redrive.as_ref()
    }

    /// Whether `source` may name this queue as its dead-letter queue (`RedriveAllowPolicy`).
    pub fn admits_redrive_from(&self, source: &str) -> bool {
        let Some(text) = self.texts.get("RedriveAllowPolicy") else { return true };
        let policy: Value = serde_json::from_str(text).unwrap_or_default();
        match policy["redrivePermission"].as_str() {
            Some("denyAll") => false,
            Some("byQueue") => policy["sourceQueueArns"]
                .as_array()
                .is_some_and(|arns| arns.iter().any(|arn| arn.as_str() == Some(source))),
            _ => true,
        }
    }
}

/// `InvalidAttributeName`.
pub fn unknown(name: &str) -> Refusal {
    refuse("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

fn bad(name: &str, value: &str) -> Refusal {
    refuse("InvalidAttributeValue", format!("Invalid value for the parameter {name}: {value}"))
}

fn document(name: &str, value: &str) -> Result<Option<Value>, Refusal> {
    if value.is_empty() {
        return Ok(None);
    }
    match serde_json::from_str(value) {
        Ok(document @ Value::Object(_)) => Ok(Some(document)),
        _ => Err(bad(name, value)),
    }
}

fn redrive(value: &str) -> Result<Option<Redrive>, Refusal> {
    let Some(document) = document("RedrivePolicy", value)? else { return Ok(None) };
    let refused = |reason: &str| invalid(value, "RedrivePolicy", reason);
    let target = document["deadLetterTargetArn"].as_str();
    let target = target.ok_or_else(|| refused("Redrive policy does not contain deadLetterTargetArn."))?;
    let count = &document["maxReceiveCount"];
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
    let count = count.and_then(|n| u32::try_from(n).ok()).filter(|n| (1..=1_000).contains(n));
    let max_receives = count.ok_or_else(|| refused("maxReceiveCount must be an integer from 1 to 1000."))?;
    Ok(Some(Redrive { target: target.to_owned(), max_receives }))
}
