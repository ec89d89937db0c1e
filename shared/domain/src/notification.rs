//! Incidents as people are told of them. Written by the notifier.
//!
//! The row of an incident is the notifier's whole memory of duplicates and order: it keeps the newest event by (opened-at,
//! sequence) and drops what is not newer. How it is told, and together with what, is in [`crate::notify`].

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key};
use crate::notify::Taken;
use crate::own_event::{Happened, IncidentEvent};
use crate::routing::WorkerName;
use crate::row::{Change, Row};

/// Resolved incidents are forgotten after this long: 90 days.
const KEPT: Duration = Duration::from_hours(2160);

/// An event may be delivered again for so long: 14 days, the longest that SQS keeps a message
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-basic-architecture.html>).
const REDELIVERED: Duration = Duration::from_hours(336);

/// An incident as people are told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentRow {
    /// The newest event.
    pub latest: IncidentEvent,
    /// The groups that it is in, each on its route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Taken>,
    /// The groups that it was in before it opened anew elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
    /// Who acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<Ack>,
}

/// Groups that an incident left when it ended. Whoever stored the end may have died before all of them heard of it, and
/// the incident may have opened anew, in other groups, before the end is delivered again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// The groups.
    pub groups: Vec<Taken>,
    /// The end.
    pub end: IncidentEvent,
}

/// Somebody knows of an incident and sees to it. It holds for this incident, and not for a later one of the same key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What they say to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Whoever acknowledged what is back so soon still sees to it: as a rule, groups are told of what changed within this time.
const SEEN_TO: Duration = Duration::from_mins(5);

impl Row for IncidentRow {
    const KIND: &'static str = "incident";
    const WORKER: &'static str = WorkerName::Notifications.as_str();

    fn key(&self) -> Key {
        key(&self.latest)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        if self.is_open() { None } else { self.latest.at.checked_add(KEPT).ok() }
    }
}

impl IncidentRow {
    /// Whether the condition still holds.
    pub fn is_open(&self) -> bool {
        self.latest.happened != Happened::Resolved
    }

    /// What its groups must know, each the newest that concerns it.
    pub fn joins(&self) -> impl Iterator<Item = (&Taken, &IncidentEvent)> {
        let left = self.left.iter().flat_map(|left| left.groups.iter().map(|taken| (taken, &left.end)));
        left.chain(self.groups.iter().map(|taken| (taken, &self.latest)))
    }
}

/// Where the incident of an event is stored.
pub fn key(event: &IncidentEvent) -> Key {
    keys::incident(&event.place(), event.kind, &event.subject)
}

/// Decides what events of one incident mean; `taken` says which groups the newest belongs to. While it is open, it stays
/// in the groups that it has been in: who was told of it is told how it goes on.
pub fn decide(
    events: &[IncidentEvent],
    stored: Option<&IncidentRow>,
    taken: impl Fn(&IncidentEvent) -> Vec<Taken>,
) -> Option<Change<IncidentRow>> {
    let newest = events.iter().max_by_key(|event| event.age())?;
    if stored.is_some_and(|row| row.latest.age() >= newest.age()) {
        return None;
    }
    let mut groups = stored.filter(|row| row.is_open()).map(|row| row.groups.clone()).unwrap_or_default();
    let joined = taken(newest).into_iter().filter(|new| groups.iter().all(|known| known.group != new.group));
    groups.extend(joined.collect::<Vec<_>>());
    let left = stored.map(|row| left(row, &groups, newest)).unwrap_or_default();
    let same = stored.filter(|row| row.latest.opened_at == newest.opened_at && !is_back(row, newest));
    let ack = same.and_then(|row| row.ack.clone());
    Some(Change { row: IncidentRow { latest: newest.clone(), groups, left, ack }, tell: Vec::new() })
}

/// Whether it is back after people were told that it is over, so that nobody sees to it any more.
fn is_back(stored: &IncidentRow, newest: &IncidentEvent) -> bool {
    let was_over = !stored.is_open() && newest.happened != Happened::Resolved;
    was_over && newest.at.duration_since(stored.latest.at).unsigned_abs() >= SEEN_TO
}

/// The groups that are not those of the newest event and may not have heard of an end.
fn left(stored: &IncidentRow, groups: &[Taken], newest: &IncidentEvent) -> Vec<Left> {
    let ended =
        (!stored.is_open()).then(|| Left { groups: stored.groups.clone(), end: stored.latest.clone() });
    let is_other = |taken: &Taken| groups.iter().all(|joined| joined.group != taken.group);
    let may_come_again = |left: &Left| newest.at.duration_since(left.end.at).unsigned_abs() <= REDELIVERED;
    let all = stored.left.iter().cloned().chain(ended).filter(may_come_again);
    let others = all.map(|left| Left { groups: left.groups.into_iter().filter(is_other).collect(), ..left });
    others.filter(|left| !left.groups.is_empty()).collect()
}

/// An open incident that an earlier release stored, which knew no groups, joins those that it belongs to.
pub fn adopted(
    row: &IncidentRow,
    taken: impl Fn(&IncidentEvent) -> Vec<Taken>,
) -> Option<Change<IncidentRow>> {
    let is_alone = row.is_open() && row.groups.is_empty();
    let groups = || taken(&row.latest);
    is_alone.then(|| Change { row: IncidentRow { groups: groups(), ..row.clone() }, tell: Vec::new() })
}

/// Records who acknowledged an incident; `None` when it is over, or when somebody has already.
pub fn acknowledge(row: &IncidentRow, ack: Ack) -> Option<Change<IncidentRow>> {
    let is_free = row.is_open() && row.ack.is_none();
    is_free.then(|| Change { row: IncidentRow { ack: Some(ack), ..row.clone() }, tell: Vec::new() })
}

/// The same where somebody else may have before, whom this one relieves; `None` when it is over, or when this one has already
/// and says nothing new.
pub fn take_over(row: &IncidentRow, ack: Ack) -> Option<Change<IncidentRow>> {
    let says_more = |known: &Ack| known.by != ack.by || (ack.note.is_some() && ack.note != known.note);
    let is_new = row.is_open() && row.ack.as_ref().is_none_or(says_more);
    is_new.then(|| Change { row: IncidentRow { ack: Some(ack), ..row.clone() }, tell: Vec::new() })
}

#[cfg(test)]
mod tests;
