//! A bulletin on its way to a channel, and afterwards the record of it.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Bulletin, ChannelName};
use crate::keys::{self, Key};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::stamp::fnv1a_64;
use crate::sweep::after;

/// A sender that has not recorded the channel's answer after this long is taken for dead. Slack may take more than a
/// minute: its calls wait for their turn.
const CLAIM: Duration = Duration::from_mins(3);

/// What a channel refused is tried again after this long, doubled with each attempt. So long at most does a channel that
/// works again hold up what came meanwhile.
const RETRY: Duration = Duration::from_secs(15);
const LONGEST_RETRY: Duration = Duration::from_mins(10);

/// A bulletin that waits for the one before it is looked at again after this long at least.
const TURN: Duration = Duration::from_secs(2);

/// A channel that refuses for this many attempts, about half a day, is given up on for this bulletin.
const ATTEMPTS: u32 = 77;

/// A bulletin that was refused so often, for eight minutes at least, keeps all of its group waiting that comes after it.
const STUCK: u32 = 6;

/// A reminder that could not be sent for so long is not, where something newer waits behind it.
const REMINDS: Duration = Duration::from_mins(1);

/// The record of a bulletin is kept for 90 days.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// So many digits tell the bulletins of a day apart.
const ID_DIGITS: usize = 10;

/// Where a delivery is stored, besides what its group and channel say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The day, in UTC, on which it was made.
    pub day: Date,
    /// The number of the bulletin.
    pub number: u32,
}

/// A bulletin for one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// The group, or the drill, that it tells of.
    pub group: String,
    /// The number of the bulletin.
    pub number: u32,
    /// Where it goes.
    pub channel: ChannelName,
    /// What it says.
    pub bulletin: Bulletin,
    /// The bulletin that went to the same channel before, which this one comes after, and whose thread it goes into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Place>,
    /// It does not go into that one's thread: all that was told there is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
    /// When it was put together.
    pub made_at: Timestamp,
    /// When it is tried, or tried again; while it is sent, when another may send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub try_at: Option<Timestamp>,
    /// How often sending was begun.
    #[serde(default)]
    pub attempts: u32,
    /// When the channel took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// The Slack thread that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Nobody tries any more: the channel refuses for good, or has refused for too long.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
    /// The channel's last refusal, until it is sent once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// A person wants it sent once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked_for: bool,
    /// The bulletin that went past this one when it was given up on: it may be sent once more after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_by: Option<Place>,
}

impl Row for DeliveryRow {
    const KIND: &'static str = "delivery";
    const WORKER: &'static str = WorkerName::Notifications.as_str();
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        keys::delivery(day_of(self.made_at), &self.channel, &self.group, self.number)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.try_at
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.made_at.checked_add(KEPT).ok()
    }
}

/// The day of a time, in UTC.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

impl DeliveryRow {
    /// A bulletin that is to be sent.
    pub fn new(
        (group, number): (&str, u32),
        channel: &ChannelName,
        bulletin: Bulletin,
        follows: Option<Place>,
    ) -> Self {
        // Not our time: whoever makes it once more makes the same.
        let made_at = bulletin.at();
        Self {
            group: group.to_owned(),
            number,
            channel: channel.clone(),
            bulletin,
            follows,
            apart: false,
            made_at,
            try_at: Some(made_at),
            attempts: 0,
            sent_at: None,
            thread: None,
            given_up: false,
            error: None,
            asked_for: false,
            passed_by: None,
        }
    }

    /// The same in a thread of its own, after that one.
    #[must_use]
    pub fn after_all_of(self, past: Option<Place>) -> Self {
        if self.follows.is_some() { self } else { Self { apart: past.is_some(), follows: past, ..self } }
    }

    /// The same, not sent before then.
    #[must_use]
    pub fn not_before(self, at: Option<Timestamp>) -> Self {
        Self { try_at: self.try_at.max(at), ..self }
    }

    /// Where it is stored.
    pub fn place(&self) -> Place {
        Place { day: day_of(self.made_at), number: self.number }
    }

    /// What people call it, short enough to type: its day, and a print of the rest of its key.
    pub fn id(&self) -> String {
        let print = format!("{:016x}", fnv1a_64(self.key().sk.as_bytes()));
        let short: String = print.chars().take(ID_DIGITS).collect();
        format!("{}/{short}", day_of(self.made_at))
    }

    /// The key of the one before it.
    pub fn before(&self) -> Option<Key> {
        let follows = self.follows.as_ref()?;
        Some(self.key_of(follows))
    }

    /// The key of the one that went past it.
    pub fn passer(&self) -> Option<Key> {
        self.passed_by.as_ref().map(|place| self.key_of(place))
    }

    fn key_of(&self, place: &Place) -> Key {
        keys::delivery(place.day, &self.channel, &self.group, place.number)
    }

    /// Whether the attempt that its channel refused just now was one of so many that this is no moment's trouble.
    pub fn is_stuck(&self) -> bool {
        self.attempts >= STUCK
    }

    /// Whether it is a reminder that has been refused, or had to wait, so that something newer may wait behind it. What a
    /// person has sent once more is sent.
    pub fn reminds_late(&self, now: Timestamp) -> bool {
        self.bulletin.is_reminder() && !self.asked_for && after(self.made_at, REMINDS) < now
    }

    /// It is not sent, for what waits behind it says more.
    pub fn overtaken(&self) -> Option<Change<Self>> {
        let error = Some("a newer message of its group says more".to_owned());
        let next = Self { try_at: None, given_up: true, error, ..self.clone() };
        Change::between(Some(self), next, Vec::new())
    }

    /// Whether nobody tries any more after this attempt.
    pub fn is_last_attempt(&self) -> bool {
        self.attempts >= ATTEMPTS
    }

    /// It was given up on, and the bulletin at `by` is about to go past it.
    pub fn is_passed(&self, by: &Place) -> Option<Change<Self>> {
        let next = Self { passed_by: Some(by.clone()), ..self.clone() };
        if self.given_up { Change::between(Some(self), next, Vec::new()) } else { None }
    }

    /// Whether people have read it, or may be about to.
    pub fn is_out(&self) -> bool {
        self.sent_at.is_some() || (self.attempts > 0 && !self.is_answered())
    }

    /// Whether the channel has answered, be it only that it may take it later.
    pub fn is_answered(&self) -> bool {
        self.sent_at.is_some() || self.given_up || self.error.is_some()
    }

    /// It is sent once more, by whoever wakes for it, though it was given up on or its time has not come. The next answer
    /// of the channel is told from the old one by there being none meanwhile. One that is being sent is left alone.
    pub fn again(&self, now: Timestamp) -> Option<Change<Self>> {
        let waits = self.try_at.is_some_and(|at| now < at) && !self.is_out();
        let next = Self {
            try_at: Some(now),
            attempts: 0,
            given_up: false,
            error: None,
            asked_for: true,
            ..self.clone()
        };
        (self.given_up || waits).then(|| Change { row: next, tell: Vec::new() })
    }
}

/// Whether a delivery's turn has come, seen from the one `before` it.
pub fn is_its_turn(before: Option<&DeliveryRow>) -> bool {
    before.is_none_or(|before| before.sent_at.is_some() || before.given_up)
}

/// Claims a delivery whose time has come. While the one `before` it is under way, it waits; then it goes into that one's
/// thread.
pub fn claim(row: &DeliveryRow, before: Option<&DeliveryRow>, now: Timestamp) -> Option<Change<DeliveryRow>> {
    row.try_at.filter(|at| *at <= now)?;
    let next = if is_its_turn(before) {
        let known = before.filter(|_| !row.apart).and_then(|before| before.thread.clone());
        let thread = row.thread.clone().or(known);
        let attempts = row.attempts + 1;
        DeliveryRow { try_at: Some(after(now, CLAIM)), attempts, thread, error: None, ..row.clone() }
    } else {
        let tried_at = before.and_then(|before| before.try_at);
        DeliveryRow { try_at: Some(after(now, TURN).max(tried_at.unwrap_or(now))), ..row.clone() }
    };
    Change::between(Some(row), next, Vec::new())
}

/// What a channel answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It took the bulletin, in this thread.
    Taken(Option<String>),
    /// It may take it later, at the earliest after this long where it says so.
    Refused(String, Option<Duration>),
    /// It will never take it.
    RefusedForGood(String),
}

/// Records what a channel answered to the attempt of this number.
pub fn answered(
    row: &DeliveryRow,
    attempt: u32,
    answer: &Answer,
    now: Timestamp,
) -> Option<Change<DeliveryRow>> {
    if row.attempts != attempt || is_its_turn(Some(row)) {
        return None;
    }
    let mut next = row.clone();
    match answer {
        Answer::Taken(thread) => {
            (next.sent_at, next.try_at, next.error) = (Some(now), None, None);
            next.thread = thread.clone().or(next.thread);
        }
        Answer::Refused(error, wish) if !row.is_last_attempt() => {
            let pause = RETRY.saturating_mul(1 << row.attempts.saturating_sub(1).min(10)).min(LONGEST_RETRY);
            next.try_at = Some(after(now, pause.max(wish.unwrap_or_default())));
            next.error = Some(error.clone());
        }
        Answer::Refused(error, _) | Answer::RefusedForGood(error) => {
            (next.given_up, next.try_at) = (true, None);
            next.error = Some(error.clone());
        }
    }
    Change::between(Some(row), next, Vec::new())
}
