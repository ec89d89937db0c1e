//! The judge. It reads the input log, the final table, the dead letters and what was told, each as it lies there, and
//! shares no code with the workers: the rules are written down here once more, from their documents.
//!
//! - Of the stall events of a server the newest counts; within one second `STALLED` is newer than `NOT_STALLED`.
//! - A server whose newest event is `STALLED` has an open incident, any other has none.
//! - The newest snapshot counts to ten minutes; a place was heard at its newest heartbeat, or in the minute of its newest
//!   other event.
//! - What is open in the end was told open, and what was told open and is over was told to be over. Of what was told of
//!   one incident, what has the later beginning and then the higher number is newer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::input::Put;
use super::told::{Heard, Told, judge_told, subject};

/// What is left in the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) items: Vec<Value>,
    pub(super) dead_letters: Vec<DeadLetter>,
    /// Own events, one for each delivery.
    pub(super) on_bus: Vec<Heard>,
    /// Messages to people, one for each delivery; `None` where nobody was told.
    pub(super) by_people: Option<Vec<Heard>>,
}

/// A message on the dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeadLetter {
    pub(super) body: String,
    /// Why it is there; a queue that gave up by itself does not say.
    pub(super) reason: Option<String>,
}

/// What is wrong, and what was counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// Subjects whose newest event the table does not show, with what it shows instead.
    pub(super) lost: Vec<String>,
    /// Items that follow from no event.
    pub(super) unexpected: Vec<String>,
    pub(super) poison: usize,
    pub(super) dead_letters: usize,
    /// Poison that is not dead-lettered.
    pub(super) not_buried: Vec<String>,
    /// Dead letters that are no poison, or that do not say why they are there.
    pub(super) buried_wrongly: Vec<String>,
    pub(super) subjects: usize,
    pub(super) open: usize,
    pub(super) on_bus: Told,
    pub(super) by_people: Option<Told>,
}

/// Compares what is left with what was put in.
pub(super) fn judge(log: &[Put], seen: &Seen) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let model = model(log)?;
    let (table, others) = facts(&seen.items);
    verdict.subjects = model.len();
    verdict.open = model.values().filter(|facts| facts["open"] != json!([])).count();
    for (subject, wanted) in &model {
        let found = table.get(subject).map(Value::to_string);
        if found.as_deref() != Some(&wanted.to_string()) {
            let found = found.unwrap_or_else(|| "nothing".to_owned());
            verdict
                .lost
                .push(format!("{subject}\n    wanted {wanted}\n    found  {found}{}", history(log, subject)));
        }
    }
    verdict.unexpected = others;
    verdict.unexpected.extend(table.keys().filter(|subject| !model.contains_key(*subject)).cloned());
    bury(&mut verdict, log, &seen.dead_letters);
    verdict.on_bus = judge_told(&model, &seen.items, &seen.on_bus);
    verdict.by_people = seen.by_people.as_ref().map(|heard| judge_told(&model, &seen.items, heard));
    Ok(verdict)
}

/// What each subject must look like.
fn model(log: &[Put]) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut servers = BTreeMap::<String, (Option<(i64, bool)>, Option<i64>)>::new();
    let mut places = BTreeMap::<String, (Option<i64>, Option<i64>)>::new();
    for put in log.iter().filter(|put| !put.poison) {
        let event: Value = serde_json::from_str(&put.body)?;
        let at = event["time"].as_str().unwrap_or_default().parse::<Timestamp>()?.as_second();
        let place = places.entry(place_of(&event)).or_default();
        if event["source"] == "drs-fleet.spoke" {
            place.0 = place.0.max(Some(at));
            continue;
        }
        place.1 = place.1.max(Some(at - at.rem_euclid(60)));
        let server = servers.entry(server_of(&event)).or_default();
        match event["detail"]["state"].as_str() {
            Some(state) => server.0 = server.0.max(Some((at, state == "STALLED"))),
            None => server.1 = server.1.max(Some(at - at.rem_euclid(600))),
        }
    }
    let servers = servers.into_iter().map(|(key, (stall, snapshot))| (key, server_facts(stall, snapshot)));
    let places = places
        .into_iter()
        .map(|(key, (beat, spoke))| (key, json!({ "open": [], "heard": time(beat.max(spoke)) })));
    Ok(servers.chain(places).collect())
}

fn server_facts(stall: Option<(i64, bool)>, snapshot: Option<i64>) -> Value {
    let is_stalled = stall.is_some_and(|(_, stalled)| stalled);
    let state = stall.map_or("UNKNOWN", |(_, stalled)| if stalled { "STALLED" } else { "NOT_STALLED" });
    let open: &[&str] = if is_stalled { &["REPLICATION_STALLED"] } else { &[] };
    // An event is of origin 1; the last number tells contents of one second apart.
    let stamp = stall.map(|(at, stalled)| json!([at, 1, u8::from(stalled), print(&format!("{state}/"))]));
    json!({ "open": open, "state": state, "stamp": stamp, "snapshot": time(snapshot) })
}

/// FNV-1a, as the stamps have it.
fn print(text: &str) -> u32 {
    text.bytes().fold(2_166_136_261, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619))
}

fn time(second: Option<i64>) -> Value {
    let at = second.and_then(|second| Timestamp::from_second(second).ok());
    at.map_or(Value::Null, |at| at.to_string().into())
}

/// Key of a server's item.
fn server_of(event: &Value) -> String {
    let arn = event["resources"][0].as_str().unwrap_or_default();
    let id = arn.rsplit('/').next().unwrap_or_default();
    format!("{} server#{id}", partition(event))
}

/// Key of a place's item.
fn place_of(event: &Value) -> String {
    format!("{} place", partition(event))
}

fn partition(event: &Value) -> String {
    let text = |member: &str| event[member].as_str().unwrap_or_default();
    format!("place#{}#{}", text("account"), text("region"))
}

/// What the table says of each subject, and the items that follow from no event.
fn facts(items: &[Value]) -> (BTreeMap<String, Value>, Vec<String>) {
    let (mut facts, mut others, mut told_of) = (BTreeMap::new(), Vec::new(), Vec::new());
    for item in items {
        let (key, row) = (key(item), &item["row"]);
        let open: BTreeSet<&String> = row["incidents"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, incident)| incident["closed_at"].is_null())
            .map(|(kind, _)| kind)
            .collect();
        match item["kind"].as_str() {
            Some("server") => {
                let replication = &row["replication"];
                // Of a server that only snapshots told of, the stamp says that nothing is known.
                let stamp = Some(&replication["stamp"]).filter(|_| replication["state"] != "UNKNOWN");
                let told = json!({
                    "open": open, "state": replication["state"], "stamp": stamp, "snapshot": row["snapshot_at"],
                });
                facts.insert(key, told);
            }
            Some("place") => _ = facts.insert(key, json!({ "open": open, "heard": row["heard_at"] })),
            // What the operator wrote, and what the notifier needs to tell people; these are judged by what was told …
            Some("account" | "routes" | "group" | "delivery") => {}
            // … and must be of servers that there are.
            Some("incident") => told_of.push((key, subject(&row["latest"]))),
            Some("group-member") => told_of.push((key, subject(&row["event"]))),
            _ => others.push(format!("{key} ({})", item["kind"])),
        }
    }
    let strange = told_of.into_iter().filter(|(_, subject)| !facts.contains_key(subject));
    others.extend(strange.map(|(key, subject)| format!("{key} (of {subject})")));
    (facts, others)
}

pub(super) fn key(item: &Value) -> String {
    format!("{} {}", item["pk"].as_str().unwrap_or_default(), item["sk"].as_str().unwrap_or_default())
}

/// The dead letters must be the poison, each as it was, and say why.
fn bury(verdict: &mut Verdict, log: &[Put], dead_letters: &[DeadLetter]) {
    let poison: BTreeSet<&str> = log.iter().filter(|put| put.poison).map(|put| put.body.as_str()).collect();
    let buried: BTreeSet<&str> = dead_letters.iter().map(|letter| letter.body.as_str()).collect();
    verdict.poison = poison.len();
    verdict.dead_letters = dead_letters.len();
    verdict.not_buried = poison.difference(&buried).map(|body| short(body)).collect();
    let wrongly = |letter: &&DeadLetter| letter.reason.is_none() || !poison.contains(letter.body.as_str());
    let wrong = dead_letters.iter().filter(wrongly);
    verdict.buried_wrongly =
        wrong.map(|letter| format!("{:?}: {}", letter.reason, short(&letter.body))).collect();
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

/// The events of one subject in the order in which they were put, for a person who looks for the fault.
fn history(log: &[Put], subject: &str) -> String {
    let Some((partition, id)) = subject.split_once(" server#") else { return String::new() };
    let account = partition.split('#').nth(1).unwrap_or_default();
    let of_subject = |put: &&Put| !put.poison && put.body.contains(id) && put.body.contains(account);
    let line = |put: &Put| {
        let event: Value = serde_json::from_str(&put.body).unwrap_or_default();
        format!("\n      {} {} {}", event["time"], event["detail"]["state"], event["id"])
    };
    log.iter().filter(of_subject).map(line).collect()
}

#[cfg(test)]
#[path = "oracle_tests.rs"]
mod tests;
