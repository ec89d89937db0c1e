//! Patterns of EventBridge rules in the local cloud: `{"pattern": …, "event": …}`.

use drs_fleet_local::events::pattern::Pattern;
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};

use super::{Checked, text};

pub(super) const TAKES_EVENTS: bool = true;
pub(super) const WORDS: &[&str] = &[
    "exists",
    "prefix",
    "suffix",
    "numeric",
    "anything-but",
    "equals-ignore-case",
    "wildcard",
    "cidr",
    "$or",
    "*a*a*a*",
    "\\*",
    ">=",
    "0.0.0.0/0",
    "::/128",
    "İ",
];

pub(super) fn check(input: &[u8]) -> Checked {
    let whole = text(input);
    let _ = Pattern::parse(&whole);
    let Ok(both) = serde_json::from_str::<Value>(&whole) else { return Ok(()) };
    // A document that has no pattern, such as an event, asks for itself as far as it can.
    let (asked, event) = match (both.get("pattern"), both.get("event")) {
        (Some(pattern), Some(event)) => (pattern.clone(), event),
        _ => (exactly(&both), &both),
    };
    let Ok(pattern) = Pattern::parse(&asked.to_string()) else { return Ok(()) };
    let wanted = pattern.matches(event);
    if event == &both {
        prop_assert!(wanted, "{} does not want the event that it was made of", asked);
    }
    let mut more = event.clone();
    if let Some(members) = more.as_object_mut().filter(|_| !asked.to_string().contains("nobody asks")) {
        members.insert("nobody asks".to_owned(), json!({"for": ["this"]}));
    }
    prop_assert_eq!(pattern.matches(&more), wanted, "what no rule names is looked at");
    Ok(())
}

/// The pattern that asks for each text of a document where it stands.
fn exactly(document: &Value) -> Value {
    match document {
        Value::Object(members) => {
            let asked = members.iter().filter(|(name, value)| is_asked(name, value));
            asked.map(|(name, value)| (name.clone(), exactly(value))).collect()
        }
        leaf => json!([leaf]),
    }
}

/// Objects are asked for when something in them is; `$or` would be an alternative.
fn is_asked(name: &str, value: &Value) -> bool {
    let is_within = |members: &serde_json::Map<String, Value>| members.iter().any(|(n, v)| is_asked(n, v));
    name != "$or" && (value.is_string() || value.as_object().is_some_and(is_within))
}
