//! What was done to the tags of a source server, and what is still to be done. Written by the tag-sync.
//!
//! A change is written down before it is made ([`Doing`]): so of several workers one makes it, and whoever finds it unfinished
//! knows which tags are ours.

mod decide;
mod parts;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::decide::{compared, copies, gone, made, not_made, put_off, released, rung, skipped, unwatched};
pub use self::parts::{Cause, CopyTags, Doing, Refused, Skipped};
use super::{Left, Owned, Plan, Unfit};
use crate::ids::{InstanceId, SourceServerId};
use crate::incident::{self, Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row, Troubled};
use crate::sweep::after;

/// Who began a change and has not ended it after this long is taken for dead.
const CLAIM: Duration = Duration::from_mins(2);

/// A change that is refused for so long is an incident.
const REFUSED: Duration = Duration::from_mins(15);

/// What is known of a server that DRS does not have any more is kept for 30 days.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// So many keys an incident names.
const NAMED: usize = 8;

/// The tags of a source server, as far as they are ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerTagsRow {
    /// Where it is.
    pub place: Place,
    /// Which server.
    pub server: SourceServerId,
    /// What people call it.
    pub name: String,
    /// The EC2 machine that it protects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// What was copied to it.
    #[serde(default)]
    pub owned: Owned,
    /// The change that is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doing: Option<Doing>,
    /// When it was last brought in line, or found to be when something else was to be noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_at: Option<Timestamp>,
    /// Keys that differ and are left alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, Left>,
    /// What cannot be written.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unfit: BTreeSet<Unfit>,
    /// Why nothing is copied to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skipped>,
    /// Whether its launch configuration copies its tags to recovery instances, when that was last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_tags: Option<CopyTags>,
    /// The refusal that a change met, while it is still to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Since when DRS does not have the server any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

/// Which server.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Where it is.
    pub place: &'a Place,
    /// Its id.
    pub server: &'a SourceServerId,
    /// What people call it.
    pub name: &'a str,
    /// The EC2 machine that it protects.
    pub instance: Option<&'a InstanceId>,
    /// Name of the account in the registry.
    pub account_name: &'a str,
}

impl Row for ServerTagsRow {
    const KIND: &'static str = "server-tags";
    const WORKER: &'static str = WorkerName::Tags.as_str();

    fn key(&self) -> Key {
        keys::server_tags(&self.place, &self.server)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let unfinished = self.doing.as_ref().filter(|_| self.refused.is_none());
        let unfinished = unfinished.map(|doing| after(doing.since, CLAIM));
        let refused = self.refused.as_ref().map(|refused| refused.retry_at);
        [unfinished, refused, incident::wake_at(&self.incidents)].into_iter().flatten().min()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.gone_since.map(|gone| after(gone, KEPT))
    }
}

impl Troubled for ServerTagsRow {
    fn incidents(&self) -> &Incidents {
        &self.incidents
    }
}

impl ServerTagsRow {
    fn of(about: &About<'_>, stored: Option<&Self>) -> Self {
        let known = stored.cloned();
        let mut row = known.unwrap_or_else(|| Self {
            place: about.place.clone(),
            server: about.server.clone(),
            name: String::new(),
            instance: None,
            owned: Owned::default(),
            doing: None,
            synced_at: None,
            left: BTreeMap::new(),
            unfit: BTreeSet::new(),
            skipped: None,
            copy_tags: None,
            refused: None,
            gone_since: None,
            incidents: Incidents::new(),
        });
        row.gone_since = None;
        about.name.clone_into(&mut row.name);
        row.instance = about.instance.cloned().or(row.instance);
        row
    }

    /// What is ours on a server that has `actual`: also what an unfinished change wrote.
    pub fn owned(&self, actual: &BTreeMap<String, String>) -> Owned {
        let Some(doing) = &self.doing else { return self.owned.clone() };
        let written = doing.plan.set.iter().filter(|(key, value)| actual.get(*key) == Some(*value));
        let set = written.map(|(key, value)| (key.clone(), value.clone())).collect();
        self.owned.after(&Plan { set, ..Plan::default() }, actual)
    }

    /// Whether somebody else makes a change.
    pub fn is_busy(&self, now: Timestamp) -> bool {
        self.doing.as_ref().is_some_and(|doing| !doing.free && now < after(doing.since, CLAIM))
    }

    /// Whether something is said of it that nobody comes back to, unless a comparison does.
    pub fn is_left_behind(&self) -> bool {
        !self.unfit.is_empty() && self.wake_at().is_none()
    }

    fn about<'a>(&'a self, account_name: &'a str) -> About<'a> {
        About {
            place: &self.place,
            server: &self.server,
            name: &self.name,
            instance: self.instance.as_ref(),
            account_name,
        }
    }

    /// Whether a comparison that came to this plan has nothing to write down.
    pub fn agrees(&self, plan: &Plan) -> bool {
        let rests = self.doing.is_none() && self.refused.is_none() && self.skipped.is_none();
        let rests = rests && self.copy_tags.is_some() && self.gone_since.is_none();
        rests
            && plan.is_empty()
            && self.left == plan.left
            && self.unfit == plan.unfit
            && self.synced_at.is_some()
    }

    fn judged(mut self, about: &About<'_>, stored: Option<&Self>, now: Timestamp) -> Option<Change<Self>> {
        let holding: Vec<_> = [unfit(&self, now), refused(&self, now)].into_iter().flatten().collect();
        let subject = Subject {
            place: about.place,
            account_name: about.account_name,
            id: about.server.as_str(),
            name: about.name,
            job: None,
            application: None,
            drill_tag: None,
        };
        let tell = reconcile(&mut self.incidents, &holding, &subject, now);
        Change::between(stored, self, tell.into_iter().map(Into::into).collect())
    }
}

fn unfit(row: &ServerTagsRow, now: Timestamp) -> Option<Condition> {
    let named = row.unfit.iter().take(NAMED).map(|unfit| format!("{} ({})", unfit.key, unfit.why.words()));
    let mut named: Vec<_> = named.collect();
    if row.unfit.len() > NAMED {
        named.push(format!("and {} more", row.unfit.len() - NAMED));
    }
    (!named.is_empty()).then(|| Condition {
        kind: IncidentKind::TagsUnfit,
        since: now,
        severity: Severity::Low,
        reason: format!("not copied: {}", named.join(", ")),
    })
}

fn refused(row: &ServerTagsRow, now: Timestamp) -> Option<Condition> {
    let refused = row.refused.as_ref()?;
    let since = after(refused.since, REFUSED);
    (since <= now).then(|| Condition {
        kind: IncidentKind::TagsRefused,
        since,
        severity: Severity::Medium,
        reason: refused.reason.clone(),
    })
}

#[cfg(test)]
mod tests;
