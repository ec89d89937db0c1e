//! What was told, against what is so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::oracle::key;

/// What was told of incidents.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Deliveries to a sink that takes everything.
    pub(super) deliveries: usize,
    /// What a sink that knows ids has.
    pub(super) distinct: usize,
    /// Deliveries of what was delivered before.
    pub(super) duplicates: usize,
    /// The same news under another id, which no sink can tell from news.
    pub(super) under_two_ids: usize,
    /// Incidents of which the last that was told is not how they ended.
    pub(super) lost: Vec<String>,
}

/// What tells news of one incident apart: its beginning and its number.
type News = (Timestamp, u64);

/// Compares what was told with what the model says, and with which incident the table holds.
pub(super) fn judge_told(
    model: &BTreeMap<String, Value>,
    items: &[Value],
    events: &[Value],
) -> anyhow::Result<Told> {
    let mut told = Told { deliveries: events.len(), ..Told::default() };
    let mut ids = BTreeMap::<&str, usize>::new();
    let mut news = BTreeMap::<(&str, News), BTreeSet<&str>>::new();
    let mut newest = BTreeMap::<String, (News, &str)>::new();
    for event in events {
        let detail = &event["detail"];
        let text = |member: &str| detail[member].as_str().unwrap_or_default();
        let number = detail["sequence"].as_u64().unwrap_or_default();
        let at: News = (text("openedAt").parse()?, number);
        *ids.entry(text("eventId")).or_default() += 1;
        news.entry((text("incident"), at)).or_default().insert(text("eventId"));
        let subject = format!("place#{}#{} server#{}", text("accountId"), text("region"), text("subject"));
        let last = newest.entry(subject).or_insert((at, text("happened")));
        *last = (*last).max((at, text("happened")));
    }
    told.distinct = ids.len();
    told.duplicates = events.len() - ids.len();
    told.under_two_ids = news.values().map(|ids| ids.len() - 1).sum();
    let begun: BTreeMap<String, Value> = items
        .iter()
        .map(|item| (key(item), item["row"]["incidents"]["REPLICATION_STALLED"].clone()))
        .collect();
    for (subject, facts) in model {
        let last = newest.remove(subject);
        if let Some(wrong) = wrong(facts["open"] != json!([]), last, begun.get(subject)) {
            told.lost.push(format!("{subject}: {wrong}"));
        }
    }
    told.lost.extend(newest.keys().map(|subject| format!("{subject}: told of, and no event names it")));
    Ok(told)
}

/// What is wrong with the last that was told of a subject.
fn wrong(is_open: bool, last: Option<(News, &str)>, begun: Option<&Value>) -> Option<String> {
    let is_told_open = last.is_some_and(|(_, happened)| happened != "RESOLVED");
    match (is_open, last) {
        (true, None) => Some("open, and nothing was told".to_owned()),
        (true, Some((_, happened))) if !is_told_open => Some(format!("open, and last told {happened}")),
        (true, Some(((opened_at, _), _))) => {
            let begun = begun.and_then(|incident| incident["opened_at"].as_str()?.parse::<Timestamp>().ok());
            (begun != Some(opened_at)).then(|| format!("open since {begun:?}, and told of {opened_at}"))
        }
        (false, Some((_, happened))) if is_told_open => Some(format!("over, and last told {happened}")),
        (false, _) => None,
    }
}
