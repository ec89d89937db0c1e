//! `GetResources` of the Resource Groups Tagging API, for instances only.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Instance, arn};
use crate::call::Refusal;
use crate::drs::dice::hash;

/// Resources on a page when the caller does not say, and at most.
const PAGE: (u64, u64) = (50, 100);
/// Milliseconds for which a pagination token is good.
const TOKEN_LIFE: i64 = 15 * 60 * 1_000;

/// The page of instances that are or were tagged.
pub(super) fn get(
    instances: &BTreeMap<String, Instance>,
    place: (&str, &str),
    body: &Value,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let limit = if body["ResourceARNList"].is_null() { limit(body)? } else { usize::MAX };
    let scope = scope(place, body);
    let after = match body.get("PaginationToken").and_then(Value::as_str).filter(|token| !token.is_empty()) {
        Some(token) => Some(read_token(token, &scope, now)?),
        None => None,
    };
    let filters = filters(body)?;
    let named = named(place, body)?;
    let listed = has_type(body)?;
    let mut found = instances.iter().filter(|(id, instance)| {
        listed
            && instance.version > 0
            && named.as_ref().is_none_or(|named| named.contains(*id))
            && after.as_ref().is_none_or(|after| *id > after)
            && fits(instance, &filters)
    });
    let page: Vec<_> = found.by_ref().take(limit).collect();
    let token = match (page.last(), found.next()) {
        (Some((last, _)), Some(_)) => token(last, &scope, now),
        _ => String::new(),
    };
    let shown: Vec<Value> = page.iter().map(|(id, instance)| show(&arn(place, id), instance)).collect();
    Ok(json!({ "PaginationToken": token, "ResourceTagMappingList": shown }))
}

fn show(arn: &str, instance: &Instance) -> Value {
    let tag = |(key, value)| json!({ "Key": key, "Value": value });
    json!({ "ResourceARN": arn, "Tags": instance.tags.iter().map(tag).collect::<Vec<_>>() })
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterException", message)
}

fn limit(body: &Value) -> Result<usize, Refusal> {
    let (default, most) = PAGE;
    let wrong = || invalid(format!("ResourcesPerPage must be from 1 to {most}"));
    match body.get("ResourcesPerPage").filter(|value| !value.is_null()) {
        None => Ok(usize::try_from(default).unwrap_or_default()),
        Some(value) => {
            let limit = value.as_u64().filter(|limit| (1..=most).contains(limit)).ok_or_else(wrong)?;
            usize::try_from(limit).map_err(|_| wrong())
        }
    }
}

/// The instances that `ResourceARNList` names, if there is one; it goes with no other member.
fn named((account, region): (&str, &str), body: &Value) -> Result<Option<BTreeSet<String>>, Refusal> {
    let Some(arns) = body.get("ResourceARNList").filter(|arns| !arns.is_null()) else { return Ok(None) };
    let others = ["TagFilters", "ResourceTypeFilters", "ResourcesPerPage", "PaginationToken"];
    if let Some(other) = others.iter().find(|other| !body[**other].is_null()) {
        return Err(invalid(format!("ResourceARNList and {other} cannot be used together")));
    }
    let arns = arns.as_array().filter(|arns| (1..=100).contains(&arns.len()));
    let arns = arns.ok_or_else(|| invalid("ResourceARNList must be a list of 1 to 100 ARNs"))?;
    let prefix = arn((account, region), "");
    let ids = arns.iter().filter_map(Value::as_str).filter_map(|arn| arn.strip_prefix(&prefix));
    Ok(Some(ids.map(str::to_owned).collect()))
}

/// Whether the type filters let instances through; none lets all through.
fn has_type(body: &Value) -> Result<bool, Refusal> {
    match body.get("ResourceTypeFilters").filter(|types| !types.is_null()) {
        None => Ok(true),
        Some(Value::Array(types)) => {
            Ok(types.is_empty() || types.iter().any(|kind| kind == "ec2" || kind == "ec2:instance"))
        }
        Some(_) => Err(invalid("ResourceTypeFilters must be a list")),
    }
}

/// All filters must fit; a filter fits when the tag has one of its values, or is there when it has none.
fn fits(instance: &Instance, filters: &[(String, Vec<String>)]) -> bool {
    filters.iter().all(|(key, values)| {
        instance.tags.get(key).is_some_and(|value| values.is_empty() || values.contains(value))
    })
}

fn filters(body: &Value) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    let none = Vec::new();
    let filters = match body.get("TagFilters").filter(|filters| !filters.is_null()) {
        None => &none,
        Some(filters) => filters
            .as_array()
            .filter(|filters| filters.len() <= 50)
            .ok_or_else(|| invalid("TagFilters must be a list of at most 50 filters"))?,
    };
    filters.iter().map(filter).collect()
}

fn filter(filter: &Value) -> Result<(String, Vec<String>), Refusal> {
    let key = filter.get("Key").and_then(Value::as_str).ok_or_else(|| invalid("a tag filter needs a Key"))?;
    let values = filter.get("Values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if values.len() > 20 {
        return Err(invalid(format!("the tag filter of {key} has more than 20 values")));
    }
    let values = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok((key.to_owned(), values))
}

fn scope(place: (&str, &str), body: &Value) -> String {
    let (types, tags) = (&body["ResourceTypeFilters"], &body["TagFilters"]);
    format!("{}/{}/{types}/{tags}", place.0, place.1)
}

fn token(last: &str, scope: &str, now: Timestamp) -> String {
    let made = now.as_millisecond();
    format!("{last}.{made}.{:016x}", hash(&format!("{last}.{made}.{scope}")))
}

fn read_token(text: &str, scope: &str, now: Timestamp) -> Result<String, Refusal> {
    let wrong = || invalid("the PaginationToken is not one of this request");
    let mut parts = text.split('.');
    let (Some(last), Some(made)) = (parts.next(), parts.next()) else { return Err(wrong()) };
    let made =
        made.parse::<i64>().ok().and_then(|made| Timestamp::from_millisecond(made).ok()).ok_or_else(wrong)?;
    if token(last, scope, made) != text {
        return Err(wrong());
    }
    if now.as_millisecond() - made.as_millisecond() > TOKEN_LIFE {
        let text = "A PaginationToken is valid for a maximum of 15 minutes.";
        return Err(Refusal::new(400, "PaginationTokenExpiredException", text));
    }
    Ok(last.to_owned())
}
