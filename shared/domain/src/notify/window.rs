//! Windows for drills, opened by hand or by a tag: what is expected in them is told in one line per wave, and pages nobody.

mod tag;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::tag::MOST_OF_TAGS;
use super::mute::{KEPT, wrong_span};
use super::{Label, Labels, Matchers};
use crate::keys::{self, Key};
use crate::routing::WorkerName;
use crate::row::{Change, Row};

/// No window is open longer: 7 days.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// A window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRow {
    /// Names it.
    pub id: String,
    /// What the drill is called.
    pub name: String,
    /// What is expected.
    pub matchers: Matchers,
    /// From when on.
    pub from: Timestamp,
    /// Until when at most.
    pub until: Timestamp,
    /// Who opened it.
    pub author: String,
    /// When somebody closed it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// What people were told of it. Written by the notifier.
    #[serde(default)]
    pub told: Told,
}

/// What people were told of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Nothing.
    #[default]
    Nothing,
    /// That it is open.
    Open,
    /// That it is closed.
    Closed,
}

impl WindowRow {
    /// What is expected unless somebody says otherwise: what comes of drills.
    pub fn expected() -> Matchers {
        Matchers::of([(Label::Drill, "drill".to_owned())])
    }

    /// Whether nothing real is expected.
    pub fn is_for_drills_alone(&self) -> bool {
        self.matchers.leave_out(&Label::Drill, "real")
    }

    /// Whether an incident is expected now.
    pub fn covers(&self, labels: &Labels<'_>, now: Timestamp) -> bool {
        self.is_open(now) && self.matchers.fit(labels)
    }

    /// Whether it is open.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.closes_at()
    }

    /// Whether it opened, or will; somebody may have closed it before.
    pub fn was_ever_open(&self) -> bool {
        self.from < self.closes_at()
    }

    /// When it closes, or closed.
    pub fn closes_at(&self) -> Timestamp {
        self.closed_at.map_or(self.until, |closed| closed.min(self.until))
    }

    /// Closed by somebody; `None` when it is closed already.
    pub fn closed(&self, by: &str, now: Timestamp) -> Option<Self> {
        let closed = || Self { closed_at: Some(now), closed_by: Some(by.to_owned()), ..self.clone() };
        (now < self.closes_at()).then(closed)
    }

    /// People were told what it is at `now`.
    pub fn told_at(&self, now: Timestamp) -> Option<Change<Self>> {
        let told = if now < self.closes_at() { Told::Open } else { Told::Closed };
        Change::between(Some(self), Self { told, ..self.clone() }, Vec::new())
    }

    /// What is wrong with it, in words for whoever wrote it; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.matchers.problems();
        if self.matchers.is_empty() {
            problems.push("everything would be expected: say what with a matcher".to_owned());
        }
        problems.extend(wrong_span(self.from, self.until, LONGEST));
        problems
    }
}

impl Row for WindowRow {
    const KIND: &'static str = "window";
    const WORKER: &'static str = WorkerName::Notifications.as_str();
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        keys::window(&self.id)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        match self.told {
            Told::Nothing => Some(self.from.min(self.closes_at())),
            Told::Open => Some(self.closes_at()),
            Told::Closed => None,
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        // Not by when it was closed: its tag would open it anew.
        self.until.checked_add(KEPT).ok()
    }
}

#[cfg(test)]
mod tests;
