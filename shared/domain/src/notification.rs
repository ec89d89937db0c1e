//! What people are told of incidents, once. Written by the notifier.
//!
//! The row of an incident is the notifier's whole memory: it keeps the newest event by (opened-at, sequence)
//! and drops what is not newer, so duplicates and disorder cost nothing. A message is *claimed* in the row
//! before it is sent and marked after; whoever finds a claim that ran out sends again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key};
use crate::own_event::{Happened, IncidentEvent};
use crate::routing::WorkerName;
use crate::row::{Change, Row};

/// A sender that has not marked its message after this long is taken for dead; doubled with each attempt.
const CLAIM: Duration = Duration::from_mins(1);
const LONGEST_CLAIM: Duration = Duration::from_hours(1);

/// A channel that refuses for this many attempts, about half a day, is given up on for this event.
const ATTEMPTS: u32 = 16;

/// Resolved incidents are forgotten after this long: 90 days.
const KEPT: Duration = Duration::from_hours(2160);

/// Where people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The SNS topic.
    Email,
    /// The Slack incoming webhook.
    Slack,
}

/// An incident as people were told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentRow {
    /// The newest event.
    pub latest: IncidentEvent,
    /// Where each channel stands.
    pub deliveries: BTreeMap<Channel, Delivery>,
    /// Who acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<Ack>,
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

/// One channel's message about the newest event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event it is about.
    pub event_id: String,
    /// Whether it was handed to the channel.
    pub sent_at: Option<Timestamp>,
    /// Sending is somebody's until then; afterwards anybody's.
    pub claimed_until: Timestamp,
    /// How often sending was begun.
    pub attempts: u32,
    /// Nobody tries any more: the channel refuses for good, or has refused for too long.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
    /// The channel's last refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Row for IncidentRow {
    const KIND: &'static str = "incident";
    const WORKER: &'static str = WorkerName::Notifications.as_str();

    fn key(&self) -> Key {
        key(&self.latest)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.deliveries.values().filter(|d| d.is_pending()).map(|d| d.claimed_until).min()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let over = self.latest.happened == Happened::Resolved;
        if over { self.latest.at.checked_add(KEPT).ok() } else { None }
    }
}

impl IncidentRow {
    /// Whether a channel was told of the newest event, as far as anybody can know.
    fn may_have_told(&self, channel: Channel) -> bool {
        self.deliveries.get(&channel).is_some_and(|delivery| !delivery.given_up)
    }

    /// Whether the condition still holds.
    pub fn is_open(&self) -> bool {
        self.latest.happened != Happened::Resolved
    }
}

/// Where the incident of an event is stored.
pub fn key(event: &IncidentEvent) -> Key {
    keys::incident(&event.place(), event.kind, &event.subject)
}

/// Decides what to tell of events of one incident; the caller sends what it claimed, see [`claimed`].
pub fn decide(
    events: &[IncidentEvent],
    stored: Option<&IncidentRow>,
    channels: &[Channel],
    now: Timestamp,
) -> Option<Change<IncidentRow>> {
    let newest = events.iter().max_by_key(|e| age(e))?;
    if stored.is_some_and(|row| age(&row.latest) >= age(newest)) {
        return None;
    }
    // The end may also be that of a later incident of the same key, whose beginning comes late or never.
    let told = |channel: &Channel| stored.is_some_and(|row| row.is_open() && row.may_have_told(*channel));
    // Nobody is told the end of what nobody was told.
    let tell = |channel: &&Channel| newest.happened != Happened::Resolved || told(channel);
    let deliveries =
        channels.iter().filter(tell).map(|channel| (*channel, Delivery::claim(newest, 0, now))).collect();
    let same = stored.filter(|row| row.latest.opened_at == newest.opened_at);
    let ack = same.and_then(|row| row.ack.clone());
    Some(Change { row: IncidentRow { latest: newest.clone(), deliveries, ack }, tell: Vec::new() })
}

/// Records who acknowledged an incident; `None` when it is over, or when somebody has already.
pub fn acknowledge(row: &IncidentRow, ack: Ack) -> Option<Change<IncidentRow>> {
    let is_free = row.is_open() && row.ack.is_none();
    is_free.then(|| Change { row: IncidentRow { ack: Some(ack), ..row.clone() }, tell: Vec::new() })
}

/// Claims what is unsent and nobody's, when its time has come.
pub fn reclaim(row: &IncidentRow, now: Timestamp) -> Option<Change<IncidentRow>> {
    let mut next = row.clone();
    for delivery in next.deliveries.values_mut() {
        if delivery.is_pending() && delivery.claimed_until <= now {
            let error = delivery.error.take();
            *delivery = Delivery { error, ..Delivery::claim(&row.latest, delivery.attempts, now) };
        }
    }
    Change::between(Some(row), next, Vec::new())
}

/// The channels that the claim made at `now` has to send to.
pub fn claimed(row: &IncidentRow, now: Timestamp) -> Vec<Channel> {
    let mine = |d: &Delivery| d.is_pending() && d.claimed_until == until(now, d.attempts);
    row.deliveries.iter().filter(|(_, d)| mine(d)).map(|(channel, _)| *channel).collect()
}

/// What a channel answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It took the message.
    Taken,
    /// It may take it later.
    Refused(String),
    /// It will never take it.
    RefusedForGood(String),
}

/// Records what a channel answered to the message about `event_id`.
pub fn answered(
    row: &IncidentRow,
    (channel, event_id): (Channel, &str),
    answer: Answer,
    now: Timestamp,
) -> Option<Change<IncidentRow>> {
    let mut next = row.clone();
    let delivery = next.deliveries.get_mut(&channel).filter(|d| d.event_id == event_id)?;
    match answer {
        Answer::Taken => {
            delivery.sent_at = Some(now);
            delivery.error = None;
        }
        Answer::Refused(error) => {
            delivery.error = Some(error);
            delivery.given_up = delivery.attempts >= ATTEMPTS;
        }
        Answer::RefusedForGood(error) => {
            delivery.error = Some(error);
            delivery.given_up = true;
        }
    }
    Change::between(Some(row), next, Vec::new())
}

impl Delivery {
    fn claim(event: &IncidentEvent, attempts: u32, now: Timestamp) -> Self {
        let attempts = attempts.saturating_add(1);
        let event_id = event.event_id.clone();
        let claimed_until = until(now, attempts);
        Self { event_id, sent_at: None, claimed_until, attempts, given_up: false, error: None }
    }

    fn is_pending(&self) -> bool {
        self.sent_at.is_none() && !self.given_up
    }
}

fn until(now: Timestamp, attempts: u32) -> Timestamp {
    let claim = CLAIM.saturating_mul(1 << attempts.saturating_sub(1).min(10)).min(LONGEST_CLAIM);
    now.checked_add(claim).unwrap_or(Timestamp::MAX)
}

fn age(event: &IncidentEvent) -> (Timestamp, u32) {
    (event.opened_at, event.sequence)
}

#[cfg(test)]
mod tests;
