//! What was done to the tags of a source server, and what is still to be done. Written by the tag-sync.
//!
//! A change is written down before it is made ([`Doing`]): so of several workers one makes it, and whoever finds it unfinished
//! knows which tags are ours.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Left, Owned, Plan, Unfit};
use crate::ids::{InstanceId, SourceServerId};
use crate::incident::{self, Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row, Troubled};
use crate::sweep::after;

/// Who began a change and has not ended it after this long is taken for dead.
const CLAIM: Duration = Duration::from_mins(2);

/// A change that was refused is tried again after this long, doubled with each attempt up to the longest.
const RETRY: Duration = Duration::from_mins(5);
const LONGEST_RETRY: Duration = Duration::from_hours(6);

/// A change that is refused for so long is an incident.
const REFUSED: Duration = Duration::from_mins(15);

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
    /// What is wrong.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

/// A change that is being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doing {
    /// Since when: also names it in the history.
    pub since: Timestamp,
    /// What is to be written.
    pub plan: Plan,
    /// What the keys of the plan had before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<String, String>,
    /// What asked for it.
    pub cause: Cause,
    /// Whoever began it has given it up, and does not know how far it came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free: bool,
}

/// What asks for a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cause {
    /// A tag change of the instance, of this version.
    Event(u64),
    /// A sweep found that it differs.
    Sweep,
    /// A person asked for it.
    Command(String),
    /// It was tried again.
    Retry,
}

/// Whether the tags of a server reach its recovery instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CopyTags {
    /// They do.
    On,
    /// They do not: `copyTags` is off in the launch configuration.
    Off,
    /// They do not: it is launched into an instance that is there.
    IntoInstance,
    /// Its launch configuration cannot be read.
    Unknown,
}

/// Why nothing is copied to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Skipped {
    /// It is disconnected from DRS.
    Disconnected,
    /// DRS does not say which EC2 machine it protects.
    NoInstance,
    /// The rules switch its account off.
    SwitchedOff,
    /// Nobody has told the tags of its machine yet.
    TagsUnknown,
}

impl Skipped {
    /// In plain words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Disconnected => "it is disconnected from DRS",
            Self::NoInstance => "DRS does not say which EC2 machine it protects",
            Self::SwitchedOff => "the rules switch tags off in its account",
            Self::TagsUnknown => "the tags of its machine are not known yet",
        }
    }
}

/// A change that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Since when.
    pub since: Timestamp,
    /// When to try again.
    pub retry_at: Timestamp,
    /// How often in a row.
    pub attempts: u32,
    /// In AWS's words.
    pub reason: String,
}

impl Refused {
    fn again(known: Option<&Self>, reason: &str, now: Timestamp) -> Self {
        let attempts = known.map_or(0, |refused| refused.attempts);
        let wait = RETRY.saturating_mul(1 << attempts.min(10)).min(LONGEST_RETRY);
        Self {
            since: known.map_or(now, |refused| refused.since),
            retry_at: after(now, wait),
            attempts: attempts.saturating_add(1),
            reason: reason.to_owned(),
        }
    }
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
            incidents: Incidents::new(),
        });
        about.name.clone_into(&mut row.name);
        row.instance = about.instance.cloned();
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

    /// Whether a comparison that came to this plan has nothing to write down.
    pub fn agrees(&self, plan: &Plan) -> bool {
        let rests = self.doing.is_none() && self.refused.is_none() && self.skipped.is_none();
        let rests = rests && self.copy_tags.is_some();
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
        };
        let tell = reconcile(&mut self.incidents, &holding, &subject, now);
        Change::between(stored, self, tell.into_iter().map(Into::into).collect())
    }
}

/// Takes note of a comparison: claims the change that it asks for, or notes that there is none to make. `None` when there is
/// nothing to note, or when somebody else makes a change.
pub fn compared(
    about: &About<'_>,
    (plan, actual): (&Plan, &BTreeMap<String, String>),
    cause: &Cause,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    if stored.is_some_and(|row| row.is_busy(now) || row.agrees(plan)) {
        return None;
    }
    let mut row = ServerTagsRow::of(about, stored);
    row.owned = row.owned(actual);
    row.skipped = None;
    row.left.clone_from(&plan.left);
    row.unfit.clone_from(&plan.unfit);
    if plan.is_empty() {
        (row.doing, row.refused, row.synced_at) = (None, None, Some(now));
    } else {
        let keys = plan.set.keys().chain(&plan.remove);
        let before = keys.filter_map(|key| Some((key.clone(), actual.get(key)?.clone()))).collect();
        row.doing = Some(Doing { since: now, plan: plan.clone(), before, cause: cause.clone(), free: false });
    }
    row.judged(about, stored, now)
}

/// Notes whether the tags of a server reach its recovery instances.
pub fn copies(known: CopyTags, stored: Option<&ServerTagsRow>) -> Option<Change<ServerTagsRow>> {
    let row = ServerTagsRow { copy_tags: Some(known), ..stored?.clone() };
    Change::between(stored, row, Vec::new())
}

/// The change that was begun at `since` is made.
pub fn made(
    about: &About<'_>,
    since: Timestamp,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let mut row = stored.filter(|row| row.doing.as_ref().is_some_and(|doing| doing.since == since))?.clone();
    let doing = row.doing.take()?;
    let mut owned = row.owned.0.clone();
    owned.retain(|key, _| !doing.plan.remove.contains(key));
    row.owned = Owned(owned).with(&doing.plan.set);
    (row.refused, row.synced_at) = (None, Some(now));
    row.judged(about, stored, now)
}

/// The change that was begun at `since` was refused.
pub fn not_made(
    about: &About<'_>,
    (since, reason): (Timestamp, &str),
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let mut row = stored.filter(|row| row.doing.as_ref().is_some_and(|doing| doing.since == since))?.clone();
    row.doing = None;
    row.refused = Some(Refused::again(row.refused.as_ref(), reason, now));
    row.judged(about, stored, now)
}

/// The server cannot be looked at: what is still to be done is tried again later.
pub fn put_off(
    account_name: &str,
    reason: &str,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let known = stored?;
    let refused = Some(Refused::again(known.refused.as_ref(), reason, now));
    let about = About {
        place: &known.place,
        server: &known.server,
        name: &known.name,
        instance: known.instance.as_ref(),
        account_name,
    };
    ServerTagsRow { refused, ..known.clone() }.judged(&about, stored, now)
}

/// The change that was begun at `since` failed on its way: anybody may make it anew.
pub fn released(since: Timestamp, stored: Option<&ServerTagsRow>) -> Option<Change<ServerTagsRow>> {
    let mut row = stored.filter(|row| row.doing.as_ref().is_some_and(|doing| doing.since == since))?.clone();
    row.doing.iter_mut().for_each(|doing| doing.free = true);
    Change::between(stored, row, Vec::new())
}

/// Nothing is copied to the server.
pub fn skipped(
    about: &About<'_>,
    why: Skipped,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let mut row = ServerTagsRow::of(about, stored);
    row.skipped = Some(why);
    (row.refused, row.left, row.unfit) = (None, BTreeMap::new(), BTreeSet::new());
    if !row.is_busy(now) {
        row.doing = None;
    }
    row.judged(about, stored, now)
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
