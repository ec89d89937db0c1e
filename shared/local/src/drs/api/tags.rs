//! Tags of source servers, source networks, jobs and recovery instances.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Answer;
use crate::call::Refusal;
use crate::drs::refusal::{invalid, not_found};
use crate::drs::request::Request;
use crate::drs::site::Site;

const MOST: usize = 50;
const KEY: usize = 128;
const VALUE: usize = 256;

pub(super) fn list(site: &mut Site, request: &Request) -> Answer {
    let tags = tagged(site, request.text("resourceArn")?)?;
    Ok((200, json!({ "tags": tags })))
}

pub(super) fn add(site: &mut Site, request: &Request) -> Answer {
    let added = read_tags(request.body.get("tags"))?;
    let tags = tagged(site, request.text("resourceArn")?)?;
    let mut merged = tags.clone();
    merged.extend(added);
    if merged.len() > MOST {
        let text = format!("a resource can have at most {MOST} tags, this would make {}", merged.len());
        return Err(invalid("tags", &text));
    }
    *tags = merged;
    Ok((200, Value::Null))
}

pub(super) fn remove(site: &mut Site, request: &Request) -> Answer {
    let keys = request.list("/tagKeys", usize::MAX)?;
    let tags = tagged(site, request.text("resourceArn")?)?;
    tags.retain(|key, _| !keys.contains(key));
    Ok((200, Value::Null))
}

/// Reads a map of tags and refuses keys and values that AWS refuses.
pub(super) fn read_tags(tags: Option<&Value>) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(tags) = tags.filter(|tags| !tags.is_null()) else { return Ok(BTreeMap::new()) };
    let members = tags.as_object().filter(|tags| tags.len() <= MOST);
    let members = members.ok_or_else(|| invalid("tags", &format!("tags must be a map of at most {MOST}")))?;
    members.iter().map(|(key, value)| read_tag(key, value)).collect()
}

fn read_tag(key: &str, value: &Value) -> Result<(String, String), Refusal> {
    let length = key.chars().count();
    if !(1..=KEY).contains(&length) || key.to_ascii_lowercase().starts_with("aws:") {
        let text = format!("a tag key has 1 to {KEY} characters and does not begin with aws: {key:?}");
        return Err(invalid("tags", &text));
    }
    let value = value.as_str().filter(|value| value.chars().count() <= VALUE);
    let value = value.ok_or_else(|| {
        invalid("tags", &format!("the value of tag {key:?} must have at most {VALUE} characters"))
    })?;
    Ok((key.to_owned(), value.to_owned()))
}

fn tagged<'a>(site: &'a mut Site, arn: &str) -> Result<&'a mut BTreeMap<String, String>, Refusal> {
    let (kind, id) = arn.rsplit_once('/').unwrap_or_default();
    let kind = kind.rsplit(':').next().unwrap_or_default();
    let missing = || not_found("Resource", arn);
    if arn != site.arn(kind, id) {
        return Err(missing());
    }
    let tags = match kind {
        "source-server" => site.servers.get_mut(id).map(|server| &mut server.tags),
        "recovery-instance" => site.instances.get_mut(id).map(|instance| &mut instance.tags),
        "source-network" => site.networks.get_mut(id).map(|network| &mut network.tags),
        "job" => site.jobs.iter_mut().find(|job| job.id == id).map(|job| &mut job.tags),
        _ => None,
    };
    tags.ok_or_else(missing)
}
