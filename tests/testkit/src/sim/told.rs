//! What was told, held against what is so.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_domain::own_event::OwnEvent;
use serde_json::Value;

use super::check::{Checked, is_open};
use super::history::History;
use super::may;
use super::model::Model;

/// An own event, as the bus got it.
pub(super) struct Published {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) detail: Value,
}

/// All that was published, repetitions included.
pub(super) fn published(world: &MemoryIo) -> Vec<Published> {
    let read = |event: &OwnEvent| Published {
        id: event.event_id().to_owned(),
        kind: event.detail_type(),
        detail: event.detail().unwrap(),
    };
    world.published_events().iter().map(read).collect()
}

/// Everything open is told open; everything told open that is over is told closed; what must be open in the end, is.
pub(super) fn check(
    (history, model): (&History, &Model),
    rows: &[Value],
    published: &[Published],
    checked: &mut Checked,
) {
    let mut by_id = BTreeMap::<&str, &Value>::new();
    for Published { id, detail, .. } in published {
        if detail["incident"].is_string() {
            checked.kinds.extend(detail["kind"].as_str().map(str::to_owned));
        }
        match by_id.insert(id, detail) {
            Some(before) if before != detail => checked.problem(format!("{id} tells two things")),
            Some(_) => checked.repeated += 1,
            None => checked.told += 1,
        }
    }
    let told: BTreeSet<String> = last_words(by_id.into_values())
        .into_iter()
        .filter(|(_, word)| word["happened"] != "RESOLVED")
        .map(|(incident, _)| incident)
        .collect();
    let open: BTreeSet<String> = rows.iter().flat_map(open_in).collect();
    told.difference(&open).for_each(|incident| checked.problem(format!("{incident} is over and told open")));
    open.difference(&told)
        .for_each(|incident| checked.problem(format!("{incident} is open and not told so")));
    may::must(history, model)
        .difference(&open)
        .for_each(|incident| checked.problem(format!("{incident} is not open and must be")));
    // Each has taken messages since.
    let failing = open.iter().filter(|incident| incident.starts_with("CHANNEL_FAILING"));
    failing.for_each(|incident| checked.problem(format!("{incident} is open, and the channel takes all")));
}

/// The newest of each incident, as the notifier's rule is: by when it opened, then by number.
pub(super) fn last_words<'a>(told: impl Iterator<Item = &'a Value>) -> BTreeMap<String, &'a Value> {
    let mut last = BTreeMap::<String, &Value>::new();
    let order = |word: &Value| {
        let opened: Option<jiff::Timestamp> = word["openedAt"].as_str().and_then(|at| at.parse().ok());
        (opened, word["sequence"].as_u64())
    };
    for word in told.filter(|word| word["incident"].is_string()) {
        let known = last.entry(word["incident"].as_str().unwrap().to_owned()).or_insert(word);
        if order(word) > order(known) {
            *known = word;
        }
    }
    last
}

/// The incidents of a row that are open, by their name.
fn open_in(row: &Value) -> Vec<String> {
    let incidents = row["incidents"].as_object().into_iter().flatten();
    let open = incidents.filter(|(_, incident)| is_open(incident));
    let account = row["place"]["account"].as_str().or(row["account"].as_str()).unwrap_or_default();
    let region = row["place"]["region"].as_str();
    let subject = ["id", "server", "instance", "channel"]
        .into_iter()
        .find_map(|name| row[name].as_str())
        .unwrap_or(account);
    open.map(|(kind, _)| match region {
        Some(region) => format!("{kind}/{account}/{region}/{subject}"),
        None => format!("{kind}/{account}/{}/{subject}", row["subject"].as_str().unwrap_or_default()),
    })
    .collect()
}
