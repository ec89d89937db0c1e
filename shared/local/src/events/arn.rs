//! Names of buses and rules.

use crate::call::{Call, Refusal};

/// Which bus.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BusId {
    pub account: String,
    pub region: String,
    pub name: String,
}

impl BusId {
    pub fn new(account: &str, region: &str, name: &str) -> Self {
        Self { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() }
    }

    /// Reads `arn:aws:events:REGION:ACCOUNT:event-bus/NAME`.
    pub fn parse(arn: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", _, "events", region, account, resource] => resource
                .strip_prefix("event-bus/")
                .filter(|name| !name.is_empty())
                .map(|name| Self::new(account, region, name)),
            _ => None,
        }
        .ok_or_else(|| invalid(format!("{arn} is not the ARN of an event bus")))
    }

    /// The bus that a caller means: a name is one of its own, an ARN may be anyone's, nothing is `default`.
    pub fn named(call: &Call, name_or_arn: Option<&str>) -> Result<Self, Refusal> {
        match name_or_arn {
            Some(arn) if arn.starts_with("arn:") => Self::parse(arn),
            name => Ok(Self::new(&call.account, &call.region, name.unwrap_or("default"))),
        }
    }

    pub fn arn(&self) -> String {
        format!("arn:aws:events:{}:{}:event-bus/{}", self.region, self.account, self.name)
    }

    /// A rule's ARN names its bus, but for the default one.
    pub fn rule_arn(&self, rule: &str) -> String {
        let bus = if self.name == "default" { String::new() } else { format!("{}/", self.name) };
        format!("arn:aws:events:{}:{}:rule/{bus}{rule}", self.region, self.account)
    }
}

/// One part of an ARN: 2 is the service, 3 the Region, 4 the account.
pub fn part(arn: &str, index: usize) -> &str {
    arn.split(':').nth(index).unwrap_or_default()
}

pub fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}
