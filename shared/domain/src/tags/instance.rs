//! The tags of an EC2 instance, and which of its source servers have them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::TagsChanged;
use crate::ids::{InstanceId, SourceServerId};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use super::is_protected;
use crate::row::{Change, Row};

/// A pending change is tried again after this long, doubled with each attempt up to the longest.
const RETRY: Duration = Duration::from_mins(5);
const LONGEST_RETRY: Duration = Duration::from_hours(6);

/// An instance without a source server is looked for this often, over about a day; most instances have none.
const LOOKS: u32 = 9;
/// Its tags are forgotten after this long.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// An EC2 instance's tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceTagsRow {
    /// Which instance.
    pub instance: InstanceId,
    /// Where it runs: the *source* account and Region, often neither the DRS Region nor its account.
    pub place: Place,
    /// When the tags were last changed.
    pub changed_at: Timestamp,
    /// Version of the tag set; the highest wins.
    pub version: u64,
    /// The tags that its source servers should have.
    pub tags: BTreeMap<String, String>,
    /// What each source server was given, by its ARN.
    pub servers: BTreeMap<String, Synced>,
    /// When to try again, while anything is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// How often in a row something was left pending.
    #[serde(default)]
    pub attempts: u32,
    /// Why something is pending, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
}

/// How far a source server is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Synced {
    /// Version of the tag set that it has.
    pub version: u64,
    /// When it was written.
    pub at: Timestamp,
}

/// A source server of an instance, found by the capacity-tracker's sweeps and kept by instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceServerRow {
    /// Which instance.
    pub instance: InstanceId,
    /// Where its source server is.
    pub place: Place,
    /// The source server.
    pub server: SourceServerId,
    /// Its ARN, for `TagResource`.
    pub arn: String,
}

impl Row for InstanceTagsRow {
    const KIND: &'static str = "instance-tags";
    const WORKER: &'static str = WorkerName::Tags.as_str();

    fn key(&self) -> Key {
        keys::instance_tags(&self.instance)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.retry_at
    }

    fn expires_at(&self) -> Option<Timestamp> {
        if self.servers.is_empty() { self.changed_at.checked_add(KEPT).ok() } else { None }
    }
}

impl Row for InstanceServerRow {
    const KIND: &'static str = "instance-server";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::instance_server(&self.instance, &self.place, &self.server)
    }
}

impl InstanceTagsRow {
    /// Whether the source server has the newest tags.
    pub fn is_synced(&self, arn: &str) -> bool {
        self.servers.get(arn).is_some_and(|synced| synced.version >= self.version)
    }

    fn is_waiting(&self, reason: &str, now: Timestamp) -> bool {
        self.pending.as_deref() == Some(reason) && self.retry_at.is_some_and(|at| at > now)
    }
}

/// Decides what a tag change of `changed_at` means: the highest version wins, whatever order it comes in. The
/// timer in the same write tries again should this attempt come to nothing, however it ends.
pub fn changed(
    place: &Place,
    (event, changed_at): (&TagsChanged, Timestamp),
    stored: Option<&InstanceTagsRow>,
    now: Timestamp,
) -> Option<Change<InstanceTagsRow>> {
    if stored.is_some_and(|row| row.version >= event.version) {
        return None;
    }
    let servers = stored.map(|row| row.servers.clone()).unwrap_or_default();
    // What was given already waits for nothing.
    let is_given = servers.values().any(|synced| synced.version >= event.version);
    let row = InstanceTagsRow {
        instance: event.instance.clone(),
        place: place.clone(),
        changed_at,
        version: event.version,
        tags: copied(&event.tags),
        servers,
        retry_at: if is_given { None } else { now.checked_add(RETRY).ok() },
        attempts: 0,
        pending: None,
    };
    Some(Change { row, tell: Vec::new() })
}

/// Records an attempt in one write: which source servers were given the tags of `version`, and why others were not.
pub fn tried(
    row: &InstanceTagsRow,
    given: &[String],
    version: u64,
    refused: Option<&str>,
    now: Timestamp,
) -> Option<Change<InstanceTagsRow>> {
    let mut next = row.clone();
    for arn in given {
        let known = next.servers.get(arn).map_or(0, |s| s.version);
        // What is known already is written again: only then does compare and set tell of a newer version.
        if version >= known {
            next.servers.insert(arn.clone(), Synced { version, at: now });
        }
    }
    match refused {
        Some(reason) if !next.is_waiting(reason, now) => return postponed(&next, reason, now),
        // Having written an older version says nothing about the one that waits.
        None if version >= row.version => {
            next.retry_at = None;
            next.attempts = 0;
            next.pending = None;
        }
        _ => {}
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

/// Records why something is still to be done, and when to try again.
pub fn postponed(row: &InstanceTagsRow, reason: &str, now: Timestamp) -> Option<Change<InstanceTagsRow>> {
    let wait = RETRY.saturating_mul(1 << row.attempts.min(10)).min(LONGEST_RETRY);
    let next = InstanceTagsRow {
        retry_at: now.checked_add(wait).ok(),
        attempts: row.attempts.saturating_add(1),
        pending: Some(reason.to_owned()),
        ..row.clone()
    };
    Some(Change { row: next, tell: Vec::new() })
}

/// What may be copied: nothing of AWS's own, and nothing that DRS acts upon.
pub fn copied(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    tags.iter().filter(|(key, _)| !is_protected(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_tags_are_never_copied_in_whatever_case() {
        let keys =
            ["aws:cloudformation:stack-name", "AWSELASTICDisasterRecoveryManaged", "Map-Migrated", "AWSDRS"];
        assert!(keys.iter().all(|key| is_protected(key)));
        assert!(!["Name", "awsome", "drs", "owner"].iter().any(|key| is_protected(key)));
    }

    #[test]
    fn an_instance_without_a_source_server_is_looked_for_about_a_day_and_then_forgotten() {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let event = TagsChanged {
            instance: "i-0a1b2c3d4e5f60718".parse().unwrap(),
            version: 1,
            tags: BTreeMap::new(),
        };
        let began = Timestamp::from_second(0).unwrap();
        let mut row = changed(&place, (&event, began), None, began).unwrap().row;
        let mut looks = 0;
        while let Some(at) = row.retry_at {
            row = unprotected(&row, at).unwrap().row;
            looks += 1;
            assert!(looks < 100 && at.as_second() < 2 * 86_400, "gives up");
        }
        assert!(row.wake_at().is_none() && row.pending.is_some() && row.expires_at().is_some());
        let next = TagsChanged { version: 2, ..event };
        assert!(changed(&place, (&next, began), Some(&row), began).unwrap().row.retry_at.is_some());
    }
}
