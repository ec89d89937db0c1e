//! The EventBridge envelope, read leniently: what AWS leaves out or adds is no error.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ids::{AccountId, Region};

/// What every event carries around its `detail`.
///
/// `version` is not kept: samples of some services have none, and there is only one. Unknown members,
/// such as `replay-name`, are ignored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Envelope {
    /// Given by the bus; whether it survives a hop between accounts is not documented.
    pub id: String,
    /// `aws.drs`, `aws.tag`, `drs-fleet`, ….
    pub source: String,
    /// What kind of event this is.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// The account where it happened, kept across the hop.
    pub account: AccountId,
    /// The Region where it happened.
    pub region: Region,
    /// When it happened, with a resolution of one second.
    pub time: Timestamp,
    /// ARNs; empty for API calls recorded by CloudTrail.
    #[serde(default)]
    pub resources: Vec<String>,
    /// The payload.
    #[serde(default, deserialize_with = "crate::strict::object")]
    pub detail: Map<String, Value>,
}

/// Why a message can never be handled. It belongs in the dead-letter queue with this reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not an EventBridge event.
    #[error("the body is not an EventBridge event: {0}")]
    NotAnEvent(String),
    /// An event of a known type whose payload cannot be read.
    #[error("{detail_type:?} event {id} cannot be read: {reason}")]
    BadDetail {
        /// The event's id.
        id: String,
        /// The event's type.
        detail_type: String,
        /// What is wrong.
        reason: String,
    },
}

impl Rejected {
    /// A short name for metrics and message attributes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "NOT_JSON",
            Self::NotAnEvent(_) => "NOT_AN_EVENT",
            Self::BadDetail { .. } => "BAD_DETAIL",
        }
    }
}

impl Envelope {
    /// Reads a message body.
    ///
    /// # Errors
    /// [`Rejected::NotJson`] and [`Rejected::NotAnEvent`]; neither repeats the body.
    pub fn parse(body: &str) -> Result<Self, Rejected> {
        let read = serde_json::from_str(body).map_err(|e| match e.classify() {
            serde_json::error::Category::Data => Rejected::NotAnEvent(without_content(&e)),
            _ => Rejected::NotJson(without_content(&e)),
        })?;
        // Serde would also take an array that lists an event's members in our order.
        if body.trim_start().starts_with('{') {
            Ok(read)
        } else {
            Err(Rejected::NotAnEvent("an array, expected an object".to_owned()))
        }
    }

    /// A payload that cannot be read.
    pub fn bad_detail(&self, reason: impl Into<String>) -> Rejected {
        Rejected::BadDetail {
            // Version 4 UUIDs have 36; what came from outside may be huge, or break the lines of a log.
            id: self.id.chars().filter(|c| !c.is_control()).take(64).collect(),
            detail_type: self.detail_type.clone(),
            reason: reason.into(),
        }
    }

    /// A text member of the payload.
    ///
    /// # Errors
    /// [`Rejected::BadDetail`] when it is absent or not a text.
    pub fn text(&self, member: &str) -> Result<&str, Rejected> {
        match self.detail.get(member) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.bad_detail(format!("detail.{member} is not a text"))),
            None => Err(self.bad_detail(format!("detail.{member} is missing"))),
        }
    }
}

/// Serde's message without the values from outside that it quotes.
pub(crate) fn without_content(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let hidden = match (text.find('"'), text.rfind('"')) {
        (Some(from), Some(to)) if from < to => format!("{}…{}", &text[..from], &text[to + 1..]),
        _ => text,
    };
    // An unknown variant of an enum is quoted like the names of our own members.
    let hidden = match hidden.split_once("unknown variant `") {
        Some((before, rest)) => {
            let known = rest.rsplit_once("`, expected").map_or("", |(_, known)| known);
            format!("{before}unknown variant …, expected{known}")
        }
        None => hidden,
    };
    hidden.chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = r#"{"id":"1","source":"aws.drs","detail-type":"X","account":"111122223333",
        "region":"us-west-2","time":"2016-08-22T20:12:19Z"}"#;

    #[test]
    fn version_resources_and_detail_may_be_missing() {
        let envelope = Envelope::parse(LEAST).unwrap();
        assert!(envelope.resources.is_empty() && envelope.detail.is_empty());
    }

    #[test]
    fn members_that_nobody_told_us_of_are_ignored() {
        let more = LEAST.replacen('{', r#"{"replay-name":"r","future":{"a":[1]},"#, 1);
        assert_eq!(Envelope::parse(&more).unwrap(), Envelope::parse(LEAST).unwrap());
    }

    #[test]
    fn what_is_not_json_and_what_is_no_event_are_told_apart() {
        assert_eq!(Envelope::parse("{").unwrap_err().code(), "NOT_JSON");
        assert_eq!(Envelope::parse("").unwrap_err().code(), "NOT_JSON");
        assert_eq!(Envelope::parse("[1]").unwrap_err().code(), "NOT_AN_EVENT");
        assert_eq!(Envelope::parse("{}").unwrap_err().code(), "NOT_AN_EVENT");
        let wrong = LEAST.replace("\"111122223333\"", "7");
        assert_eq!(Envelope::parse(&wrong).unwrap_err().code(), "NOT_AN_EVENT");
        let twice = LEAST.replacen('{', r#"{"id":"2","#, 1);
        assert_eq!(Envelope::parse(&twice).unwrap_err().code(), "NOT_AN_EVENT", "duplicate keys");
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let deep = LEAST.replacen('{', &format!(r#"{{"detail":{{"x":{nested}}},"#), 1);
        assert_eq!(Envelope::parse(&deep).unwrap_err().code(), "NOT_JSON");
    }
}
