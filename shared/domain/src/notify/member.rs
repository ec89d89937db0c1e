//! An incident as one of its group: what it is now, and what people were last told of it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Hours;
use crate::incident::Severity;
use crate::keys::{self, Key};
use crate::own_event::{Happened, IncidentEvent};
use crate::planted::{Bug, is_planted};
use crate::routing::WorkerName;
use crate::row::{Change, Row};

/// What is over and told is forgotten after this long: a day.
const KEPT: Duration = Duration::from_hours(24);

/// An incident in a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberRow {
    /// The group.
    pub group: String,
    /// The newest that happened to the incident.
    pub event: IncidentEvent,
    /// What was last told of it; `None` while nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// It opened, or came back, at an hour at which nobody is told, and was not told since: it is told of then, also if it
    /// is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overslept: bool,
}

/// What a bulletin says of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The number of the bulletin.
    pub number: u32,
    /// How the incident stands in it.
    pub now: Standing,
    /// How it stood in the bulletin before; `None` where that said nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Standing>,
    /// What that is.
    pub news: News,
    /// Since when people know that it is open; `None` where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// How an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether it is open.
    pub open: bool,
    /// How bad it is.
    pub severity: Severity,
}

/// What is new of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// It opened.
    Opened,
    /// It became worse, or came back.
    Worse,
    /// It is over.
    Resolved,
    /// What it was to be told of has changed back before it was.
    Nothing,
}

impl Row for MemberRow {
    const KIND: &'static str = "group-member";
    const WORKER: &'static str = WorkerName::Notifications.as_str();
    /// Who joins a group has it looked at in the same breath.
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        keys::member(&self.group, &self.event.incident)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let is_done = !self.standing().open && self.news().is_none();
        if is_done { self.event.at.checked_add(KEPT).ok() } else { None }
    }
}

impl MemberRow {
    /// How the incident stands.
    pub fn standing(&self) -> Standing {
        Standing { open: self.event.happened != Happened::Resolved, severity: self.event.severity }
    }

    /// What of it was not told yet.
    pub fn news(&self) -> Option<News> {
        let (news, _) = self.compared_with(self.told.map(|told| told.now));
        news
    }

    /// Whether bulletin `number` has something to say of it that is not marked yet, or not as it is now.
    pub fn changes_in(&self, number: u32) -> bool {
        match self.told {
            Some(told) if told.number == number => told.now != self.standing(),
            _ => self.news().is_some(),
        }
    }

    /// Whether people know that it is open.
    pub fn is_told_open(&self) -> bool {
        self.told.is_some_and(|told| told.now.open)
    }

    /// Whether it is open, and bulletin `number` and those before said so of it as it was told last.
    pub fn is_shown_open(&self, number: u32) -> bool {
        self.standing().open && self.told.is_some_and(|told| told.now.open && told.number <= number)
    }

    /// Since when people know that it is open; `None` where they know of nothing open.
    pub fn told_open_since(&self) -> Option<Timestamp> {
        // A release that did not keep it told it soon after.
        self.told.filter(|told| told.now.open).map(|told| told.since.unwrap_or(self.event.opened_at))
    }

    /// Whether what is new of it waits until quiet hours are over. The end of what people were woken for does not.
    pub fn sleeps(&self, hours: &Hours, now: Timestamp) -> bool {
        let known = self.told.filter(|told| told.now.open).map(|told| told.now.severity);
        self.news().is_some() && hours.is_quiet(now, self.event.severity.max(known.unwrap_or(Severity::Low)))
    }

    /// What bulletin `number` says is new of it.
    pub fn news_in(&self, number: u32) -> Option<News> {
        self.told.filter(|told| told.number == number).map(|told| told.news)
    }

    /// Whether it came and went at hours at which nobody is told.
    pub fn came_and_went(&self) -> bool {
        self.overslept && !self.standing().open && !self.is_told_open()
    }

    fn compared_with(&self, before: Option<Standing>) -> (Option<News>, Standing) {
        let now = self.standing();
        let was_open = before.is_some_and(|before| before.open);
        let news = match (was_open, now.open) {
            (false, true) if before.is_some() && self.event.happened == Happened::Reopened => {
                Some(News::Worse)
            }
            (false, true) => Some(News::Opened),
            (true, true) => {
                before.is_some_and(|before| now.severity > before.severity).then_some(News::Worse)
            }
            (true, false) => (!is_planted(Bug::EndIsNoNews)).then_some(News::Resolved),
            (false, false) => self.overslept.then_some(News::Resolved),
        };
        (news, now)
    }
}

/// The incident joins its group, or something new happened to it; `asleep` while nobody is told of something this bad. The
/// end of what never joined is no news, and is kept all the same: whoever brings its beginning may come after that.
pub fn joined(
    group: &str,
    event: &IncidentEvent,
    stored: Option<&MemberRow>,
    asleep: bool,
) -> Option<Change<MemberRow>> {
    let is_newer = stored.is_none_or(|row| row.event.age() < event.age());
    let is_over = event.happened == Happened::Resolved;
    if !is_newer {
        return None;
    }
    let told = stored.and_then(|row| row.told);
    let overslept = (asleep && !is_over) || stored.is_some_and(|row| row.overslept);
    let row = MemberRow { group: group.to_owned(), event: event.clone(), told, overslept };
    Some(Change { row, tell: Vec::new() })
}

/// Bulletin `number`, put together at `now`, tells what is new of the incident. Whoever puts the same bulletin together once more, because its
/// writer died, tells what is new since the bulletin before.
pub fn told(row: &MemberRow, number: u32, now: Timestamp) -> Option<Change<MemberRow>> {
    if !row.changes_in(number) {
        return None;
    }
    let again = row.told.filter(|told| told.number == number);
    let before = again.map_or(row.told.map(|told| told.now), |told| told.before);
    let (news, standing) = row.compared_with(before);
    let known = row.told.and_then(|told| told.since).filter(|_| before.is_some_and(|before| before.open));
    let since = standing.open.then(|| known.unwrap_or(now));
    let told = Told { number, now: standing, before, news: news.unwrap_or(News::Nothing), since };
    let row = MemberRow { told: Some(told), overslept: false, ..row.clone() };
    Some(Change { row, tell: Vec::new() })
}

/// Nobody is told of what came and went: it was held back.
pub fn passed_over(row: &MemberRow) -> Option<Change<MemberRow>> {
    Change::between(Some(row), MemberRow { overslept: false, ..row.clone() }, Vec::new())
}

/// The incident is held back now, though whoever began bulletin `number` and died marked it: what the bulletin before said
/// of it is what people know.
pub fn untold(row: &MemberRow, number: u32) -> Option<Change<MemberRow>> {
    let told = row.told.filter(|told| told.number == number)?;
    let since = |standing: Standing| told.since.filter(|_| standing.open);
    let known = |now| Told {
        number: number.saturating_sub(1),
        now,
        before: None,
        news: News::Nothing,
        since: since(now),
    };
    Some(Change { row: MemberRow { told: told.before.map(known), ..row.clone() }, tell: Vec::new() })
}
