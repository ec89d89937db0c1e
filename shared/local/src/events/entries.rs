//! `PutEvents`: which entries a bus accepts.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::World;
use crate::call::{Call, Refusal};

use super::arn::{BusId, invalid};
use super::{Events, ServiceEvent, envelope};

/// Of all entries of a call together.
const MAX_TOTAL: usize = 1_048_576;
const MAX_DETAIL_TYPE: usize = 128;

/// Why one entry is not accepted.
type EntryError = (&'static str, String);

impl Events {
    pub(super) fn put_events(
        &self,
        world: &Arc<World>,
        call: &Call,
        input: &Value,
    ) -> Result<Value, Refusal> {
        let entries = input["Entries"].as_array().map_or(&[][..], Vec::as_slice);
        if entries.is_empty() || entries.len() > 10 {
            return Err(invalid("Entries must have between 1 and 10 members"));
        }
        if entries.iter().map(size).sum::<usize>() >= MAX_TOTAL {
            return Err(invalid("Total size of the entries in the request is over the limit."));
        }
        let buses = entries.iter().map(|entry| BusId::named(call, entry["EventBusName"].as_str()));
        let buses = buses.collect::<Result<Vec<_>, _>>()?;
        for bus in &buses {
            self.authorize_put(world, &call.principal, bus)?;
        }
        let results: Vec<_> =
            entries.iter().zip(&buses).map(|(entry, bus)| self.put_entry(world, call, entry, bus)).collect();
        let failed = results.iter().filter(|result| result.is_err()).count();
        let results: Vec<Value> = results.into_iter().map(result_json).collect();
        Ok(json!({ "FailedEntryCount": failed, "Entries": results }))
    }

    fn put_entry(&self, world: &World, call: &Call, entry: &Value, bus: &BusId) -> Result<Value, EntryError> {
        if !self.knows(bus) {
            return Err(("InvalidArgument", format!("Event bus {} does not exist.", bus.name)));
        }
        let event = read(entry)?;
        let stamped = envelope::stamp(&event, call.principal.account(), &call.region, world.clock.now());
        let id = stamped["id"].clone();
        self.accept(world, bus, stamped);
        Ok(id)
    }
}

fn result_json(result: Result<Value, EntryError>) -> Value {
    match result {
        Ok(id) => json!({ "EventId": id }),
        Err((code, message)) => json!({ "ErrorCode": code, "ErrorMessage": message }),
    }
}

/// Reads one entry of a call.
fn read(entry: &Value) -> Result<ServiceEvent, EntryError> {
    let source = required(entry, "Source")?;
    let detail_type = required(entry, "DetailType")?;
    let detail = required(entry, "Detail")?;
    if source.starts_with("aws.") {
        return Err(("NotAuthorizedForSourceException", "Not authorized for the source.".to_owned()));
    }
    if detail_type.chars().count() > MAX_DETAIL_TYPE {
        return Err(not_valid("DetailType", "it must have at most 128 characters"));
    }
    let detail: Option<Value> = serde_json::from_str(detail).ok().filter(Value::is_object);
    let detail = detail.ok_or_else(|| ("MalformedDetail", "Detail is malformed.".to_owned()))?;
    Ok(ServiceEvent {
        source: source.to_owned(),
        detail_type: detail_type.to_owned(),
        time: time(entry)?,
        resources: resources(entry)?,
        detail,
    })
}

fn required<'a>(entry: &'a Value, name: &str) -> Result<&'a str, EntryError> {
    let text = entry[name].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| not_valid(name, &format!("{name} is a required argument")))
}

fn not_valid(name: &str, reason: &str) -> EntryError {
    ("InvalidArgument", format!("Parameter {name} is not valid. Reason: {reason}."))
}

/// Seconds since 1970, as the JSON protocol writes timestamps.
fn time(entry: &Value) -> Result<Option<Timestamp>, EntryError> {
    if entry["Time"].is_null() {
        return Ok(None);
    }
    let seconds = entry["Time"].as_f64().map(std::time::Duration::try_from_secs_f64);
    let time = seconds.and_then(Result::ok).and_then(|since| Timestamp::UNIX_EPOCH.checked_add(since).ok());
    time.map(Some).ok_or_else(|| not_valid("Time", "it is not a timestamp"))
}

fn resources(entry: &Value) -> Result<Vec<String>, EntryError> {
    let list = entry["Resources"].as_array().map_or(&[][..], Vec::as_slice);
    let texts = list.iter().map(|arn| arn.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    texts.ok_or_else(|| not_valid("Resources", "it is not a list of strings"))
}

/// How AWS counts: 14 bytes for a time, and the bytes of the texts.
fn size(entry: &Value) -> usize {
    let texts = ["Source", "DetailType", "Detail"].map(|name| entry[name].as_str().map_or(0, str::len));
    let resources = entry["Resources"].as_array().into_iter().flatten();
    let resources = resources.map(|arn| arn.as_str().map_or(0, str::len)).sum::<usize>();
    let time = if entry["Time"].is_null() { 0 } else { 14 };
    texts.iter().sum::<usize>() + resources + time
}
