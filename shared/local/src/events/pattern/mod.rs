//! The pattern language of rules: which events a rule wants.
//!
//! A pattern is a tree of field names whose leaves list alternatives. Every field must match (AND), one
//! alternative is enough (OR), an array in the event matches with any of its elements, and all fields
//! below an array of objects must match within one element. Only leaves count: `exists` does not see an
//! object, nor an empty array.

mod matcher;
mod parse;
#[cfg(test)]
mod tests;

use serde_json::Value;

use matcher::Matcher;

/// The longest pattern that a rule may have, in characters.
pub const MAX_PATTERN: usize = 2048;

/// A pattern that has been read and found valid.
#[derive(Clone, Debug)]
pub struct Pattern(Fields);

/// The fields of one object level, and the alternatives of its `$or`.
#[derive(Clone, Debug, Default)]
struct Fields {
    all: Vec<(String, Node)>,
    any: Vec<Fields>,
}

#[derive(Clone, Debug)]
enum Node {
    Object(Fields),
    Leaf(Vec<Matcher>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in the words that follow `Event pattern is not valid. Reason:`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MAX_PATTERN {
            return Err(format!("pattern is longer than {MAX_PATTERN} characters"));
        }
        let json: Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
        parse::fields(&json, "").map(Self)
    }

    /// Whether the rule wants this event.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.matches(Some(event), &At { root: event, path: Vec::new() })
    }
}

/// Where in the event a node stands. The root is kept because `exists: false` speaks of the whole event,
/// not of the one array element that is looked at.
#[derive(Clone)]
struct At<'a> {
    root: &'a Value,
    path: Vec<&'a str>,
}

impl Fields {
    fn matches<'a>(&'a self, value: Option<&'a Value>, at: &At<'a>) -> bool {
        match value {
            Some(Value::Array(elements)) if !elements.is_empty() => {
                elements.iter().any(|element| self.matches(Some(element), at))
            }
            _ => self.matches_object(value, at),
        }
    }

    fn matches_object<'a>(&'a self, value: Option<&'a Value>, at: &At<'a>) -> bool {
        let all = self.all.iter().all(|(name, node)| {
            let child = value.and_then(|v| v.as_object()).and_then(|fields| fields.get(name));
            let mut below = at.clone();
            below.path.push(name);
            match node {
                Node::Object(fields) => fields.matches(child, &below),
                Node::Leaf(matchers) => matchers.iter().any(|m| leaf_matches(m, child, &below)),
            }
        });
        all && (self.any.is_empty() || self.any.iter().any(|fields| fields.matches_object(value, at)))
    }
}

fn leaf_matches(matcher: &Matcher, value: Option<&Value>, at: &At<'_>) -> bool {
    if let Matcher::Exists(wanted) = matcher {
        return has_leaf(at.root, &at.path) == *wanted;
    }
    value.is_some_and(|value| any_leaf(value, &|leaf| matcher.matches(leaf)))
}

fn has_leaf(value: &Value, path: &[&str]) -> bool {
    match (value, path) {
        (Value::Array(elements), _) => elements.iter().any(|element| has_leaf(element, path)),
        (Value::Object(fields), [name, rest @ ..]) => {
            fields.get(*name).is_some_and(|child| has_leaf(child, rest))
        }
        (Value::Object(_), []) => false,
        (_, rest) => rest.is_empty(),
    }
}

fn any_leaf(value: &Value, test: &impl Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| any_leaf(element, test)),
        Value::Object(_) => false,
        leaf => test(leaf),
    }
}
