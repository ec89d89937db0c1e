//! Parameters: what was given, the defaults, and what the template demands of a value.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::StackError;

/// The value of every declared parameter.
pub fn resolve(
    declared: &Map<String, Value>,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, StackError> {
    let error = |name: &str, reason: String| StackError::Parameter { name: name.to_owned(), reason };
    if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(error(name, "the template does not have it".to_owned()));
    }
    let mut values = BTreeMap::new();
    for (name, declaration) in declared {
        let default = || declaration.get("Default").map(plain);
        let value = given.get(name).cloned().or_else(default);
        let value = value.ok_or_else(|| error(name, "a value is required".to_owned()))?;
        check(declaration, &value).map_err(|reason| error(name, reason))?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The reasons never show the value, which may be a secret.
fn check(declaration: &Value, value: &str) -> Result<(), String> {
    let Some(declaration) = declaration.as_object() else { return Err("it is not a mapping".to_owned()) };
    for (member, demand) in declaration {
        let holds = match member.as_str() {
            "Type" if demand == "String" => true,
            "Default" | "Description" | "NoEcho" | "ConstraintDescription" => true,
            "AllowedPattern" => matches_whole(&plain(demand), value)?,
            "AllowedValues" => demand.as_array().is_some_and(|all| all.iter().any(|v| plain(v) == value)),
            "MinLength" => demand.as_u64().is_some_and(|least| value.chars().count() as u64 >= least),
            "MaxLength" => demand.as_u64().is_some_and(|most| value.chars().count() as u64 <= most),
            _ => return Err(format!("{member} {demand} is not known here")),
        };
        if !holds {
            let words = declaration.get("ConstraintDescription").map(plain);
            return Err(words.unwrap_or_else(|| format!("the value fails {member}")));
        }
    }
    Ok(())
}

fn matches_whole(pattern: &str, value: &str) -> Result<bool, String> {
    let whole = Regex::new(&format!("^(?:{pattern})$")).map_err(|e| format!("AllowedPattern: {e}"))?;
    Ok(whole.is_match(value))
}
