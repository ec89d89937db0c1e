//! In which order the resources of a template can be created.

use std::collections::BTreeSet;

use serde_json::Value;

use super::StackError;
use super::intrinsics::{Piece, Scope, function, pieces};
use super::template::Template;

/// The resources whose condition holds, each after those that it refers to.
pub fn creation<'a>(template: &'a Template, scope: &Scope) -> Result<Vec<(&'a str, &'a Value)>, StackError> {
    let mut waiting = Vec::new();
    for (id, resource) in &template.resources {
        if scope.includes(resource["Condition"].as_str())? {
            waiting.push((id.as_str(), resource, dependencies(resource)));
        }
    }
    let existing: BTreeSet<String> = waiting.iter().map(|(id, ..)| (*id).to_owned()).collect();
    let mut ordered: Vec<(&str, &Value)> = Vec::new();
    let mut done = BTreeSet::new();
    while !waiting.is_empty() {
        let is_ready =
            |needs: &BTreeSet<String>| needs.iter().all(|id| done.contains(id) || !existing.contains(id));
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(.., needs)| is_ready(needs));
        if ready.is_empty() {
            let ids: Vec<&str> = rest.iter().map(|(id, ..)| *id).collect();
            return Err(StackError::Template(format!("circular references between {}", ids.join(", "))));
        }
        done.extend(ready.iter().map(|(id, ..)| (*id).to_owned()));
        ordered.extend(ready.into_iter().map(|(id, resource, _)| (id, resource)));
        waiting = rest;
    }
    Ok(ordered)
}

fn dependencies(resource: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(&resource["Properties"], &mut found);
    match &resource["DependsOn"] {
        Value::Array(ids) => found.extend(ids.iter().filter_map(Value::as_str).map(str::to_owned)),
        Value::String(id) => {
            found.insert(id.clone());
        }
        _ => {}
    }
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match function(value) {
        Some(("Ref", Value::String(id))) => {
            found.insert(id.clone());
        }
        Some(("Fn::GetAtt", Value::Array(parts))) => {
            found.extend(parts.first().and_then(Value::as_str).map(str::to_owned));
        }
        Some(("Fn::Sub", Value::String(text))) => collect_names(text, found),
        _ => collect_members(value, found),
    }
}

fn collect_members(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => {
            // The text of a `Fn::Sub` with own names is a plain string here, and looks like one.
            for item in list {
                if let Value::String(text) = item {
                    collect_names(text, found);
                }
                collect(item, found);
            }
        }
        Value::Object(object) => object.values().for_each(|member| collect(member, found)),
        _ => {}
    }
}

fn collect_names(text: &str, found: &mut BTreeSet<String>) {
    for piece in pieces(text) {
        if let Piece::Name(name) = piece {
            found.insert(name.split('.').next().unwrap_or(name).to_owned());
        }
    }
}
