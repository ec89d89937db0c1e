//! The tags of an EC2 instance: the newest that events and sweeps told.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MachineType, is_protected, tamper};
use crate::event::TagsChanged;
use crate::ids::InstanceId;
use crate::incident::{self, Incidents, Subject, reconcile};
use crate::keys::{self, Key, Place};
use crate::planted::{Bug, is_planted};
use crate::routing::WorkerName;
use crate::row::{Change, Row, Troubled};
use crate::sweep::after;

/// What is still to be done is tried again after this long, doubled with each attempt up to the longest.
const RETRY: Duration = Duration::from_mins(5);
const LONGEST_RETRY: Duration = Duration::from_hours(6);

/// An instance without a source server is looked for this often, over about a day; most instances have none. When its
/// server appears later, the sweep finds it.
const LOOKS: u32 = 9;

/// Tags of an instance without anything to do are forgotten after this long.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// What the tagging API lists may be as old as this: until then an event is believed.
const LISTS_LAG: Duration = Duration::from_mins(2);

/// An EC2 instance's tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceTagsRow {
    /// Which instance.
    pub instance: InstanceId,
    /// Where it runs: the *source* account and Region, often neither the DRS Region nor its account.
    pub place: Place,
    /// When the tags were last changed, as the newest event says.
    pub changed_at: Timestamp,
    /// Version of the tag set; the highest wins. 0 where only sweeps told of it.
    pub version: u64,
    /// All its tags but those of AWS's own.
    pub tags: BTreeMap<String, String>,
    /// The sweep that told the tags, in AWS's time; absent where an event did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<Timestamp>,
    /// Its instance type; absent until EC2 has told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_type: Option<MachineType>,
    /// The version that its source servers were brought in line with.
    #[serde(default)]
    pub handled: u64,
    /// When to try again, while anything is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// How often in a row something was left to be done.
    #[serde(default)]
    pub attempts: u32,
    /// Why something is to be done, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// Tags of DRS on the instance, as they were first seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub protected: BTreeMap<String, String>,
    /// Those of them that were changed or removed since, and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tampered: BTreeMap<String, Timestamp>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

impl Row for InstanceTagsRow {
    const KIND: &'static str = "instance-tags";
    const WORKER: &'static str = WorkerName::Tags.as_str();

    fn key(&self) -> Key {
        keys::instance_tags(&self.instance)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let over = tamper::over_at(&self.tampered);
        [self.retry_at, over, incident::wake_at(&self.incidents)].into_iter().flatten().min()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let newest = self.listed_at.map_or(self.changed_at, |listed| listed.max(self.changed_at));
        self.wake_at().is_none().then(|| after(newest, KEPT))
    }
}

impl Troubled for InstanceTagsRow {
    fn incidents(&self) -> &Incidents {
        &self.incidents
    }
}

impl InstanceTagsRow {
    fn unknown(instance: &InstanceId, place: &Place, at: Timestamp) -> Self {
        Self {
            instance: instance.clone(),
            place: place.clone(),
            changed_at: at,
            version: 0,
            tags: BTreeMap::new(),
            listed_at: None,
            machine_type: None,
            handled: 0,
            retry_at: None,
            attempts: 0,
            pending: None,
            protected: BTreeMap::new(),
            tampered: BTreeMap::new(),
            incidents: Incidents::new(),
        }
    }

    /// Whether its source servers are still to be brought in line.
    pub fn is_to_be_done(&self) -> bool {
        self.handled < self.version
    }
}

/// Decides what a tag change of `changed_at` means: the highest version wins, whatever order it comes in. The timer in the
/// same write tries again should this attempt come to nothing, however it ends.
pub fn changed(
    (place, account_name): (&Place, &str),
    (event, changed_at): (&TagsChanged, Timestamp),
    stored: Option<&InstanceTagsRow>,
    now: Timestamp,
) -> Option<Change<InstanceTagsRow>> {
    if stored.is_some_and(|row| row.version >= event.version) && !is_planted(Bug::OlderTagsWin) {
        return None;
    }
    let mut row =
        stored.cloned().unwrap_or_else(|| InstanceTagsRow::unknown(&event.instance, place, changed_at));
    // A sweep that came long after it has seen what it says, or what was changed since.
    let is_overtaken = row.listed_at.is_some_and(|listed| after(changed_at, LISTS_LAG) <= listed);
    if !is_overtaken {
        row.tags = copied(&event.tags);
        row.listed_at = None;
        tamper::watch(&mut row.protected, &mut row.tampered, &event.tags, changed_at);
    }
    row.version = event.version;
    row.changed_at = row.changed_at.max(changed_at);
    row.retry_at = Some(after(now, RETRY));
    row.attempts = 0;
    row.pending = None;
    Some(row.judged(account_name, now))
}

/// Decides what a sweep at `at` that listed the instance means, if it tells anything else than is known.
pub fn listed(
    (place, account_name): (&Place, &str),
    (instance, tags): (&InstanceId, &BTreeMap<String, String>),
    stored: Option<&InstanceTagsRow>,
    (at, now): (Timestamp, Timestamp),
) -> Option<Change<InstanceTagsRow>> {
    let told = copied(tags);
    let Some(known) = stored else {
        let mut row = InstanceTagsRow {
            tags: told,
            listed_at: Some(at),
            ..InstanceTagsRow::unknown(instance, place, at)
        };
        tamper::watch(&mut row.protected, &mut row.tampered, tags, at);
        return Some(row.judged(account_name, now));
    };
    let was_just_told = known.version > 0 && at < after(known.changed_at, LISTS_LAG);
    if was_just_told || known.listed_at.is_some_and(|listed| at <= listed) {
        return None;
    }
    let mut row = known.clone();
    tamper::watch(&mut row.protected, &mut row.tampered, tags, at);
    if row.tags != told {
        (row.tags, row.listed_at) = (told, Some(at));
    }
    let change = row.judged(account_name, now);
    Change::between(stored, change.row, change.tell)
}

/// Records that the source servers were brought in line with `version`.
pub fn handled(row: &InstanceTagsRow, version: u64) -> Option<Change<InstanceTagsRow>> {
    let mut next = row.clone();
    next.handled = next.handled.max(version);
    if !next.is_to_be_done() {
        (next.retry_at, next.attempts, next.pending) = (None, 0, None);
    }
    Change::between(Some(row), next, Vec::new())
}

/// Records that no source server of the instance is known; after about a day nobody looks for one any more.
pub fn unprotected(row: &InstanceTagsRow, now: Timestamp) -> Option<Change<InstanceTagsRow>> {
    let reason = "no source server of this instance is known";
    if row.attempts < LOOKS {
        return if row.is_waiting(reason, now) { None } else { postponed(row, reason, now) };
    }
    let next = InstanceTagsRow { retry_at: None, pending: Some(reason.to_owned()), ..row.clone() };
    Change::between(Some(row), next, Vec::new())
}

/// Records why something is still to be done, and when to try again; `None` where another has done it meanwhile.
pub fn postponed(row: &InstanceTagsRow, reason: &str, now: Timestamp) -> Option<Change<InstanceTagsRow>> {
    if !row.is_to_be_done() {
        return None;
    }
    let wait = RETRY.saturating_mul(1 << row.attempts.min(10)).min(LONGEST_RETRY);
    let next = InstanceTagsRow {
        retry_at: Some(after(now, wait)),
        attempts: row.attempts.saturating_add(1),
        pending: Some(reason.to_owned()),
        ..row.clone()
    };
    Some(Change { row: next, tell: Vec::new() })
}

/// Its time has come: what was tampered with long ago is over; what is to be done is tried, by whoever moves its timer.
pub fn woken(row: &InstanceTagsRow, account_name: &str, now: Timestamp) -> Option<Change<InstanceTagsRow>> {
    let mut next = row.clone();
    tamper::forget_old(&mut next.protected, &mut next.tampered, now);
    if row.retry_at.is_some_and(|at| at <= now) {
        let reason = row.pending.clone().unwrap_or_default();
        if let Some(later) = postponed(&next, &reason, now) {
            next = later.row;
        } else {
            (next.retry_at, next.attempts, next.pending) = (None, 0, None);
        }
    }
    let change = next.judged(account_name, now);
    Change::between(Some(row), change.row, change.tell)
}

impl InstanceTagsRow {
    fn is_waiting(&self, reason: &str, now: Timestamp) -> bool {
        self.pending.as_deref() == Some(reason) && self.retry_at.is_some_and(|at| at > now)
    }

    fn judged(mut self, account_name: &str, now: Timestamp) -> Change<Self> {
        let holding: Vec<_> = tamper::condition(&self.tampered).into_iter().collect();
        let (place, id) = (self.place.clone(), self.instance.to_string());
        let subject = Subject {
            place: &place,
            account_name,
            id: &id,
            name: &id,
            job: None,
            application: None,
            drill_tag: None,
        };
        let tell = reconcile(&mut self.incidents, &holding, &subject, now);
        Change { row: self, tell: tell.into_iter().map(Into::into).collect() }
    }
}

/// What may be copied: nothing of AWS's own, and nothing that DRS acts upon.
pub fn copied(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    tags.iter().filter(|(key, _)| !is_protected(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[cfg(test)]
mod tests;
