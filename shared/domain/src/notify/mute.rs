//! Mutes: what nobody is told of for a while. It stays in the list of incidents, and is told when the mute ends, if it lasts.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Labels, Matchers};
use crate::keys::{self, Key};
use crate::row::Row;

/// No mute lasts longer: 90 days.
const LONGEST: Duration = Duration::from_hours(90 * 24);

/// A mute is kept for so long after its end.
pub(super) const KEPT: Duration = Duration::from_hours(90 * 24);

/// A mute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteRow {
    /// Names it.
    pub id: String,
    /// What is muted.
    pub matchers: Matchers,
    /// From when on.
    pub from: Timestamp,
    /// Until when at most.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who wants it.
    pub author: String,
    /// When somebody ended it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
}

impl MuteRow {
    /// Whether it mutes an incident now.
    pub fn matches(&self, labels: &Labels<'_>, now: Timestamp) -> bool {
        self.is_on(now) && self.matchers.fit(labels)
    }

    /// Whether it mutes anything now.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.ends_at()
    }

    /// When it ends, or ended.
    pub fn ends_at(&self) -> Timestamp {
        self.ended_at.map_or(self.until, |ended| ended.min(self.until))
    }

    /// Ended by somebody; `None` when it is over already.
    pub fn ended(&self, by: &str, now: Timestamp) -> Option<Self> {
        let ended = || Self { ended_at: Some(now), ended_by: Some(by.to_owned()), ..self.clone() };
        (now < self.ends_at()).then(ended)
    }

    /// What is wrong with it, in words for whoever wrote it; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.matchers.problems();
        if self.matchers.is_empty() {
            problems.push("it would mute everything: say what with a matcher".to_owned());
        }
        problems.extend(wrong_span(self.from, self.until, LONGEST));
        problems
    }
}

/// What is wrong with a span of time that may last so long.
pub(super) fn wrong_span(from: Timestamp, until: Timestamp, longest: Duration) -> Option<String> {
    let days = longest.as_secs() / 86_400;
    match Duration::try_from(until.duration_since(from)) {
        Ok(length) if length.is_zero() => Some("it ends when it begins".to_owned()),
        Ok(length) if length <= longest => None,
        Ok(_) => Some(format!("it lasts longer than {days} days")),
        Err(_) => Some("it ends before it begins".to_owned()),
    }
}

impl Row for MuteRow {
    const KIND: &'static str = "mute";
    const WORKER: &'static str = "cli";

    fn key(&self) -> Key {
        keys::mute(&self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.ends_at().checked_add(KEPT).ok()
    }
}

#[cfg(test)]
mod tests;
