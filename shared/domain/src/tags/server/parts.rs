//! What the row of a source server's tags is made of.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::REFUSED;
use crate::sweep::after;
use crate::tags::Plan;

/// A change that was refused is tried again after this long, doubled with each attempt up to the longest.
const RETRY: Duration = Duration::from_mins(5);
const LONGEST_RETRY: Duration = Duration::from_hours(6);

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
    pub(super) fn again(known: Option<&Self>, reason: &str, now: Timestamp) -> Self {
        let attempts = known.map_or(0, |refused| refused.attempts);
        let wait = RETRY.saturating_mul(1 << attempts.min(10)).min(LONGEST_RETRY);
        let since = known.map_or(now, |refused| refused.since);
        // Changes of tags try as well, and make the pauses longer: that it lasts is told in time all the same.
        let told_at = Some(after(since, REFUSED)).filter(|at| *at > now);
        let retry_at = after(now, wait);
        Self {
            since,
            retry_at: told_at.map_or(retry_at, |at| at.min(retry_at)),
            attempts: attempts.saturating_add(1),
            reason: reason.to_owned(),
        }
    }
}
