//! What a path came to, without what a fault may change: revisions, counts of attempts, and when things were done.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::io::Notice;
use drs_fleet_aws::memory::{Buried, Item};
use drs_fleet_domain::counts::{CountsOfDay, CountsOfHour};
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::own_event::{Happened, IncidentEvent, OwnEvent};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::quota::QuotasRow;
use drs_fleet_domain::row::Row;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_domain::tags::{TagHistoryRow, TagRequestRow};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::left::due_of;
use super::scene::Scene;
use super::world::{BORN, arn, place};

#[derive(Debug)]
pub(super) struct Ending {
    /// Kind and row of each item.
    pub(super) rows: BTreeMap<String, Value>,
    /// Rows of history, which tell when sweeps were made as well.
    pub(super) history: BTreeMap<String, Value>,
    /// The tags that each source server was given.
    pub(super) tags: Vec<BTreeMap<String, String>>,
    /// Everything published, repetitions included.
    pub(super) published: Vec<OwnEvent>,
    /// Everything sent to people.
    pub(super) notices: Vec<Notice>,
    /// As the table has it.
    table: BTreeMap<Key, Item>,
    queued: usize,
    /// What is on the dead-letter queue.
    pub(super) dead_letters: Vec<Buried>,
    unfinished: Vec<String>,
}

impl Ending {
    pub(super) fn of(scene: &Scene) -> Self {
        let (world, table) = (&scene.world, scene.world.table());
        let unfinished = table.iter().filter(|(_, item)| !item.outbox.is_empty() || due_of(item).is_some());
        let is_history = |item: &Item| [CountsOfDay::KIND, CountsOfHour::KIND].contains(&item.kind);
        // Quotas that could not be read are read with the next sweep, which is none of the path's; a change of tags that
        // was made twice is in the history twice.
        let untold = [QuotasRow::KIND, TagHistoryRow::KIND];
        let (history, rows) = table
            .iter()
            .filter(|(_, item)| !untold.contains(&item.kind))
            .partition::<Vec<_>, _>(|(_, item)| is_history(item));
        let shown = |items: Vec<(&Key, &Item)>| {
            items
                .into_iter()
                .map(|(key, item)| (format!("{}/{}", key.pk, key.sk), timeless(undated(item))))
                .collect()
        };
        let (rows, history) = (shown(rows), shown(history));
        let unfinished = unfinished.map(|(key, _)| key.sk.clone()).collect();
        Self {
            rows,
            history,
            tags: (1..10).map(|n| world.tags(&place(), &arn(n))).collect(),
            published: world.published_events(),
            notices: world.notices(),
            queued: world.queued(),
            dead_letters: world.dead_letters(),
            unfinished,
            table,
        }
    }

    /// All rows of a kind, in the order of their keys.
    pub(super) fn all<R: Row>(&self) -> Vec<R> {
        let of_kind = self.table.values().filter(|item| item.kind == R::KIND);
        of_kind.map(|item| item.row().unwrap()).collect()
    }

    /// What was told of incidents, repetitions included.
    pub(super) fn incidents(&self) -> Vec<(IncidentKind, Happened)> {
        let told = self.published.iter().filter_map(OwnEvent::incident);
        told.map(|event| (event.kind, event.happened)).collect()
    }

    pub(super) fn assert_nothing_is_left(&self, case: &str) {
        self.assert_nothing_waits(case);
        assert!(self.dead_letters.is_empty(), "dead-lettered: {case}");
    }

    pub(super) fn assert_nothing_waits(&self, case: &str) {
        assert_eq!((self.queued, &self.unfinished[..]), (0, &[][..]), "queued, due: {case}");
    }

    /// One fault may repeat one message on each channel, which do not wait for each other, and any event under its own id.
    pub(super) fn assert_same(&self, clean: &Self, case: &str) {
        self.assert_same_state(clean, case);
        assert_eq!(self.history, clean.history, "{case}");
        assert_eq!(told(&self.published), told(&clean.published), "told: {case}");
        let ids =
            |events: &[OwnEvent]| events.iter().map(|e| e.event_id().to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(ids(&self.published).len(), ids(&clean.published).len(), "each event has one id: {case}");
        let mut extra = self.notices.clone();
        for notice in &clean.notices {
            let sent = extra.iter().position(|n| n == notice);
            extra.remove(sent.unwrap_or_else(|| panic!("lost: {case}: {notice:?}")));
        }
        let channels: Vec<_> = extra.iter().map(std::mem::discriminant).collect();
        let each_once = channels.iter().all(|one| channels.iter().filter(|other| *other == one).count() == 1);
        assert!(each_once, "sent again: {case}: {extra:#?}");
        assert!(extra.iter().all(|n| clean.notices.contains(n)), "nobody should be told: {case}: {extra:#?}");
    }

    pub(super) fn assert_same_state(&self, clean: &Self, case: &str) {
        for (key, row) in &clean.rows {
            assert_eq!(self.rows.get(key), Some(row), "{key}: {case}");
        }
        assert_eq!(self.rows.len(), clean.rows.len(), "rows: {case}");
        assert_eq!(self.tags, clean.tags, "tags: {case}");
    }
}

/// What happened to which incident; its id tells when it opened as well, which a late sweep dates later.
fn told(events: &[OwnEvent]) -> BTreeSet<(String, u32, String)> {
    let one = |e: &IncidentEvent| (e.incident.clone(), e.sequence, format!("{:?}/{}", e.happened, e.reason));
    events.iter().filter_map(OwnEvent::incident).map(one).collect()
}

/// A row without what says only when: the minutes of counts, and that a server's present state was seen once more by
/// a later sweep than the one that told it, which is kept when it is gone.
fn undated(item: &Item) -> Value {
    let mut row: Value = item.row().unwrap();
    if item.kind == CountsOfHour::KIND {
        row["points"] =
            row["points"].as_object().into_iter().flat_map(|points| points.values()).cloned().collect();
    }
    if item.kind == TagRequestRow::KIND {
        // Who begins anew finds in line what was written before.
        let tally = &mut row["tally"];
        tally["in_line"] = json!(tally["in_line"].as_u64().unwrap() + tally["written"].as_u64().unwrap());
        tally["written"] = json!(0);
    }
    if item.kind == PlaceRow::KIND
        && let Some(trying) = row.get_mut("trying").and_then(Value::as_object_mut)
    {
        // Who loses the answer to its claim claims once more.
        trying.remove("times");
    }
    if item.kind == ServerRow::KIND {
        let state = row["replication"]["state"].as_str().unwrap().to_owned();
        let replication = row["replication"].as_object_mut().unwrap();
        let mut before = replication.remove("before").unwrap_or_else(|| json!({}));
        before.as_object_mut().unwrap().remove(&state);
        replication.insert("before".to_owned(), before);
    }
    row
}

/// A row in which the world's own times read as one: a worker that died does the same a little later.
fn timeless(row: Value) -> Value {
    match row {
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(time) if time.as_second() >= BORN => json!("later"),
            _ => Value::String(text),
        },
        Value::Number(n) if n.as_i64().is_some_and(|n| n >= BORN) => json!("later"),
        Value::Array(all) => all.into_iter().map(timeless).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| name != "attempts")
            .map(|(name, value)| {
                // An event's id ends in the time at which its incident opened.
                let is_id = name == "event_id" || name == "eventId";
                let value = if is_id {
                    value.as_str().map_or(json!(null), |id| json!(without_time(id)))
                } else {
                    value
                };
                (name, timeless(value))
            })
            .collect(),
        other => other,
    }
}

fn without_time(id: &str) -> &str {
    id.split('@').next().unwrap_or(id)
}

/// Who is told open in the end, and everyone who was ever told anything.
pub(super) fn told_open(events: &[OwnEvent]) -> BTreeMap<String, bool> {
    let mut newest: BTreeMap<String, &IncidentEvent> = BTreeMap::new();
    for event in events.iter().filter_map(OwnEvent::incident) {
        let last = newest.entry(event.incident.clone()).or_insert(event);
        if (event.opened_at, event.sequence) > (last.opened_at, last.sequence) {
            *last = event;
        }
    }
    newest.into_iter().map(|(incident, e)| (incident, e.happened != Happened::Resolved)).collect()
}
