//! What was told, against what is so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::oracle::key;
use super::people::Post;

/// One incident in one message.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// The same for each repetition of the message.
    id: String,
    /// Key of the subject's item.
    subject: String,
    /// What tells it apart from other news of the subject.
    news: String,
    /// Greater is newer.
    order: (Timestamp, u64),
    opened_at: Timestamp,
    over: bool,
}

/// What was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Messages that reached a sink that takes everything.
    pub(super) deliveries: usize,
    /// Messages that a sink has that knows ids.
    pub(super) distinct: usize,
    /// The same news under another id, which no sink can tell from news.
    pub(super) under_two_ids: usize,
    /// Subjects of which the last that was told is not how they ended.
    pub(super) lost: Vec<String>,
}

impl Told {
    /// Messages that came before.
    pub(super) fn duplicates(&self) -> usize {
        self.deliveries - self.distinct
    }
}

impl Heard {
    /// An own event. Of one incident, the later beginning and then the higher number is newer.
    pub(super) fn on_bus(event: &Value) -> anyhow::Result<Self> {
        let detail = &event["detail"];
        let number = detail["sequence"].as_u64().unwrap_or_default();
        let opened_at = text(detail, "openedAt").parse()?;
        Ok(Self {
            id: text(detail, "eventId").to_owned(),
            subject: subject(detail),
            news: format!("{opened_at}#{number}"),
            order: (opened_at, number),
            opened_at,
            over: detail["happened"] == "RESOLVED",
        })
    }

    /// The incidents of message `n` to people, who take the last one they read for the newest.
    pub(super) fn by_people(n: u64, post: &Post) -> anyhow::Result<Vec<Self>> {
        let incidents = post.body["incidents"].as_array().map_or(&[][..], Vec::as_slice);
        let heard = |incident: &Value| {
            let opened_at = text(incident, "since").parse()?;
            let (status, at) = (text(incident, "status"), text(incident, "at"));
            Ok(Self {
                id: post.key.clone(),
                subject: subject(incident),
                news: format!("{opened_at} {status} {at}"),
                order: (Timestamp::MIN, n),
                opened_at,
                over: status == "RESOLVED",
            })
        };
        incidents.iter().map(heard).collect()
    }
}

/// Of each subject that was told of, whether the last that was told is that it is over.
pub(super) fn told_over(all: &[Heard]) -> BTreeMap<&str, bool> {
    let mut newest = BTreeMap::<&str, &Heard>::new();
    for heard in all {
        let last = newest.entry(&heard.subject).or_insert(heard);
        if heard.order > last.order {
            *last = heard;
        }
    }
    newest.into_iter().map(|(subject, heard)| (subject, heard.over)).collect()
}

fn text<'a>(of: &'a Value, member: &str) -> &'a str {
    of[member].as_str().unwrap_or_default()
}

pub(super) fn subject(of: &Value) -> String {
    format!("place#{}#{} server#{}", text(of, "accountId"), text(of, "region"), text(of, "subject"))
}

/// Compares what was told with what the model says, and with which incident the table holds. A message that comes again
/// counts as a delivery and is otherwise as if it had not come.
pub(super) fn judge_told(model: &BTreeMap<String, Value>, items: &[Value], all: &[Heard]) -> Told {
    let mut ids = BTreeSet::<&str>::new();
    let mut news = BTreeMap::<(&str, &str), usize>::new();
    let mut newest = BTreeMap::<&str, &Heard>::new();
    for heard in all {
        if !ids.insert(&heard.id) {
            continue;
        }
        *news.entry((&heard.subject, &heard.news)).or_default() += 1;
        let last = newest.entry(&heard.subject).or_insert(heard);
        if heard.order > last.order {
            *last = heard;
        }
    }
    let begun: BTreeMap<String, &Value> =
        items.iter().map(|item| (key(item), &item["row"]["incidents"]["REPLICATION_STALLED"])).collect();
    let mut lost = Vec::new();
    for (subject, facts) in model {
        let last = newest.remove(subject.as_str());
        if let Some(wrong) = wrong(facts["open"] != json!([]), last, begun.get(subject)) {
            lost.push(format!("{subject}: {wrong}"));
        }
    }
    lost.extend(newest.keys().map(|subject| format!("{subject}: told of, and no event names it")));
    Told {
        deliveries: all.len(),
        distinct: ids.len(),
        under_two_ids: news.values().map(|ids| ids - 1).sum(),
        lost,
    }
}

/// What is wrong with the last that was told of a subject.
fn wrong(is_open: bool, last: Option<&Heard>, begun: Option<&&Value>) -> Option<String> {
    match (is_open, last) {
        (true, None) => Some("open, and nothing was told".to_owned()),
        (true, Some(last)) if last.over => Some("open, and last told to be over".to_owned()),
        (true, Some(last)) => {
            let begun = begun.and_then(|incident| text(incident, "opened_at").parse::<Timestamp>().ok());
            let differs = begun != Some(last.opened_at);
            differs.then(|| format!("open since {begun:?}, and told to be since {}", last.opened_at))
        }
        (false, Some(last)) if !last.over => Some("over, and last told to be open".to_owned()),
        (false, _) => None,
    }
}
