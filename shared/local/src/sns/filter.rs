//! Filter policies on message attributes: which messages a subscription wants.
//!
//! A policy is an object from attribute name to a list of conditions; each name must be satisfied by one of
//! its conditions. Known: exact strings and numbers, `prefix`, `suffix`, `equals-ignore-case`,
//! `anything-but`, `exists` and `numeric`. The rest is refused when it is set, never ignored.

use serde_json::Value;

use crate::sqs::message::{Attribute, Attributes};

/// A parsed policy.
#[derive(Clone, Debug, Default)]
pub struct Filter(Vec<(String, Vec<Condition>)>);

#[derive(Clone, Debug)]
enum Condition {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    Suffix(String),
    AnythingBut(Vec<Condition>),
    Exists(bool),
    Numeric(Vec<(Comparison, f64)>),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// Parses a policy; an empty text or object admits everything.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let policy: Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
        let keys = policy.as_object().ok_or("a filter policy is a JSON object")?;
        let mut filter = Vec::new();
        for (name, conditions) in keys {
            let listed = conditions.as_array().filter(|list| !list.is_empty());
            let listed = listed.ok_or_else(|| format!("\"{name}\" must be a non-empty array"))?;
            let parsed: Result<Vec<_>, _> = listed.iter().map(Condition::parse).collect();
            filter.push((name.clone(), parsed.map_err(|e| format!("\"{name}\": {e}"))?));
        }
        Ok(Self(filter))
    }

    /// Whether the subscription wants a message with these attributes.
    pub fn admits(&self, attributes: &Attributes) -> bool {
        self.0.iter().all(|(name, conditions)| {
            let values = attributes.get(name).map(values);
            conditions.iter().any(|condition| match (condition, &values) {
                (Condition::Exists(wanted), values) => values.is_some() == *wanted,
                (_, None) => false,
                (condition, Some(values)) => values.iter().any(|value| condition.fits(value)),
            })
        })
    }
}

/// The values that an attribute offers: a `String.Array` has several.
fn values(attribute: &Attribute) -> Vec<Value> {
    let text = attribute.string_value.clone().unwrap_or_default();
    match attribute.data_type.split('.').next() {
        _ if attribute.data_type == "String.Array" => serde_json::from_str(&text).unwrap_or_default(),
        Some("Number") => vec![text.parse::<f64>().map_or(Value::Null, Value::from)],
        Some("String") => vec![Value::String(text)],
        _ => Vec::new(),
    }
}

impl Condition {
    fn parse(value: &Value) -> Result<Self, String> {
        let object = match value {
            Value::Object(object) if object.len() == 1 => object,
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {
                return Ok(Self::Equals(value.clone()));
            }
            other => return Err(format!("{other} is not a condition")),
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (operator, operand) = object.iter().next().ok_or("empty condition")?;
        let parsed = match operator.as_str() {
            "prefix" => text(operand).map(Self::Prefix),
            "suffix" => text(operand).map(Self::Suffix),
            "equals-ignore-case" => text(operand).map(Self::EqualsIgnoreCase),
            "exists" => operand.as_bool().map(Self::Exists),
            "numeric" => comparisons(operand).map(Self::Numeric),
            "anything-but" => {
                let listed = operand.as_array().cloned().unwrap_or_else(|| vec![operand.clone()]);
                let conditions: Result<Vec<_>, _> = listed.iter().map(Self::parse).collect();
                Some(Self::AnythingBut(conditions?))
            }
            _ => return Err(format!("unknown operator \"{operator}\"")),
        };
        parsed.ok_or_else(|| format!("\"{operator}\" does not take {operand}"))
    }

    fn fits(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Equals(Value::Number(wanted)) => {
                value.as_f64().is_some() && value.as_f64() == wanted.as_f64()
            }
            Self::Equals(wanted) => value == wanted,
            Self::EqualsIgnoreCase(wanted) => text.is_some_and(|t| t.to_lowercase() == wanted.to_lowercase()),
            Self::Prefix(prefix) => text.is_some_and(|t| t.starts_with(prefix)),
            Self::Suffix(suffix) => text.is_some_and(|t| t.ends_with(suffix)),
            Self::AnythingBut(conditions) => !conditions.iter().any(|c| c.fits(value)),
            Self::Exists(wanted) => *wanted,
            Self::Numeric(all) => {
                value.as_f64().is_some_and(|n| all.iter().all(|(c, limit)| c.holds(n, *limit)))
            }
        }
    }
}

/// `["=", 5]` or `[">", 0, "<=", 10]`.
fn comparisons(operand: &Value) -> Option<Vec<(Comparison, f64)>> {
    let list = operand.as_array().filter(|list| matches!(list.len(), 2 | 4))?;
    let comparison = |pair: &[Value]| {
        let comparison = match pair.first()?.as_str()? {
            "=" => Comparison::Equal,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        Some((comparison, pair.get(1)?.as_f64()?))
    };
    list.chunks(2).map(comparison).collect()
}

impl Comparison {
    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Self::Equal => number.total_cmp(&limit).is_eq(),
            Self::Less => number < limit,
            Self::LessOrEqual => number <= limit,
            Self::Greater => number > limit,
            Self::GreaterOrEqual => number >= limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(policy: &str, attributes: &[(&str, &str, &str)]) -> bool {
        let attribute = |kind: &str, value: &str| Attribute {
            data_type: kind.to_owned(),
            string_value: Some(value.to_owned()),
            binary_value: None,
        };
        let attributes = attributes.iter().map(|(n, k, v)| ((*n).to_owned(), attribute(k, v))).collect();
        Filter::parse(policy).unwrap().admits(&attributes)
    }

    #[test]
    fn every_name_must_be_satisfied_by_one_of_its_conditions() {
        let policy = r#"{"severity": ["critical", "warning"], "kind": ["stalled"]}"#;
        let kind = ("kind", "String", "stalled");
        assert!(admits(policy, &[("severity", "String", "warning"), kind]));
        assert!(!admits(policy, &[("severity", "String", "info"), kind]));
        assert!(!admits(policy, &[kind]));
    }

    #[test]
    fn operators_decide_as_documented() {
        let with = |policy: &str, kind: &str, value: &str| admits(policy, &[("a", kind, value)]);
        assert!(with(r#"{"a": [{"prefix": "prod-"}]}"#, "String", "prod-7"));
        assert!(!with(r#"{"a": [{"prefix": "prod-"}]}"#, "String", "test"));
        assert!(with(r#"{"a": [{"anything-but": ["x", "y"]}]}"#, "String", "z"));
        assert!(!with(r#"{"a": [{"anything-but": ["x", "y"]}]}"#, "String", "y"));
        assert!(!with(r#"{"a": [{"anything-but": {"prefix": "x"}}]}"#, "String", "xy"));
        assert!(with(r#"{"a": [{"numeric": [">", 0, "<=", 300]}]}"#, "Number", "300"));
        assert!(!with(r#"{"a": [{"numeric": [">", 0, "<=", 300]}]}"#, "Number", "301"));
        assert!(with(r#"{"a": [300]}"#, "Number", "300.0"));
        assert!(!with(r#"{"a": ["300"]}"#, "Number", "300"));
        assert!(with(r#"{"a": ["b"]}"#, "String.Array", r#"["a", "b"]"#));
        assert!(with(r#"{"a": [{"equals-ignore-case": "OK"}]}"#, "String", "ok"));
    }

    #[test]
    fn absence_satisfies_only_exists_false() {
        assert!(admits(r#"{"a": [{"exists": false}]}"#, &[]));
        assert!(!admits(r#"{"a": [{"exists": true}]}"#, &[]));
        assert!(!admits(r#"{"a": [{"anything-but": "x"}]}"#, &[]));
        assert!(admits("{}", &[]));
    }

    #[test]
    fn what_is_not_known_is_refused_and_not_ignored() {
        for policy in [
            "[]",
            "no",
            r#"{"a": "b"}"#,
            r#"{"a": []}"#,
            r#"{"a": [{"cidr": "10.0.0.0/8"}]}"#,
            r#"{"a": [{"numeric": ["~", 1]}]}"#,
            r#"{"$or": [{"a": ["b"], "c": ["d"]}]}"#,
        ] {
            assert!(Filter::parse(policy).is_err(), "{policy}");
        }
    }
}
