//! `DescribeInstances` of EC2: of each instance only what it is, whose and how it is tagged.

use std::collections::{BTreeMap, BTreeSet};

use super::Instance;
use crate::call::{Refusal, Reply};
use crate::xml::{element, tag};

const OPERATION: &str = "DescribeInstances";
const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// Values that one filter takes.
const VALUES: usize = 200;

type Form = BTreeMap<String, String>;

/// The page of instances that a form asks for.
pub(super) fn describe(
    instances: &BTreeMap<String, Instance>,
    owner: &str,
    form: &Form,
) -> Result<Reply, Refusal> {
    let known = |name: &&String| {
        let plain = ["Action", "Version", "MaxResults", "NextToken"].contains(&name.as_str());
        !plain && !name.starts_with("InstanceId.") && !name.starts_with("Filter.")
    };
    if let Some(name) = form.keys().find(known) {
        let text = format!("the local cloud does not know {name} of {OPERATION}");
        return Err(Refusal::new(400, "UnknownParameter", text));
    }
    let (named, filtered) = (named(instances, form)?, filtered(form)?);
    let limit = limit(form, named.is_some())?;
    let after = form.get("NextToken");
    let mut found = instances.iter().filter(|(id, _)| {
        named.as_ref().is_none_or(|named| named.contains(id.as_str()))
            && filtered.iter().all(|values| values.contains(id.as_str()))
            && after.is_none_or(|after| *id > after)
    });
    let page: Vec<_> = found.by_ref().take(limit).collect();
    let next = match (page.last(), found.next()) {
        (Some((last, _)), Some(_)) => tag("nextToken", last),
        _ => String::new(),
    };
    let shown: String = page.into_iter().map(|(id, instance)| reservation(owner, id, instance)).collect();
    let (id, set) = (tag("requestId", &uuid::Uuid::new_v4().to_string()), element("reservationSet", &shown));
    let body = format!("<{OPERATION}Response xmlns=\"{NAMESPACE}\">{id}{set}{next}</{OPERATION}Response>");
    Ok(Reply { status: 200, body: body.into_bytes() })
}

/// Each instance was launched by itself.
fn reservation(owner: &str, id: &str, instance: &Instance) -> String {
    let pair = |(key, value): (&String, &String)| {
        element("item", &format!("{}{}", tag("key", key), tag("value", value)))
    };
    let tags: String = instance.tags.iter().map(pair).collect();
    let (id, kind, tags) =
        (tag("instanceId", id), tag("instanceType", &instance.instance_type), element("tagSet", &tags));
    let set = element("instancesSet", &element("item", &format!("{id}{kind}{tags}")));
    element("item", &format!("{}{set}", tag("ownerId", owner)))
}

/// The instances that `InstanceId.N` names, if any; one that is not there fails the call.
fn named<'a>(
    instances: &BTreeMap<String, Instance>,
    form: &'a Form,
) -> Result<Option<BTreeSet<&'a str>>, Refusal> {
    let ids = values(form, "InstanceId.");
    if let Some(missing) = ids.iter().find(|id| !instances.contains_key(**id)) {
        return Err(super::missing(missing));
    }
    Ok(Some(ids).filter(|ids| !ids.is_empty()))
}

/// The values of each filter; only ids are known.
fn filtered(form: &Form) -> Result<Vec<BTreeSet<&str>>, Refusal> {
    let names = form.iter().filter_map(|(key, name)| Some((key.strip_suffix(".Name")?, name)));
    names
        .map(|(filter, name)| {
            if name != "instance-id" {
                return Err(invalid(&format!("The filter '{name}' is invalid")));
            }
            let values = values(form, &format!("{filter}.Value."));
            if values.len() > VALUES {
                let text =
                    format!("The maximum number of filter values specified on a single call is {VALUES}");
                return Err(Refusal::new(400, "FilterLimitExceeded", text));
            }
            Ok(values)
        })
        .collect()
}

fn values<'a>(form: &'a Form, prefix: &str) -> BTreeSet<&'a str> {
    form.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(_, value)| value.as_str()).collect()
}

fn limit(form: &Form, is_named: bool) -> Result<usize, Refusal> {
    let Some(text) = form.get("MaxResults") else { return Ok(usize::MAX) };
    if is_named {
        let text = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(Refusal::new(400, "InvalidParameterCombination", text));
    }
    let limit = text.parse().ok().filter(|limit| (5..=1_000).contains(limit));
    limit.ok_or_else(|| invalid(&format!("Value ( {text} ) for parameter maxResults is invalid")))
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "InvalidParameterValue", message)
}
