//! A channel that takes nothing any more: an incident of the hub itself, which is told over the other channels.
//!
//! A row is there only for a channel that has refused something. It is written before the channel's answer is recorded
//! in the delivery: whoever dies between the two sends again, and finds the same.

mod telling;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::telling::{matters, told_over};
use super::delivery::Answer;
use super::{ChannelName, DeliveryRow};
use crate::incident::{self, Condition, IncidentKind, Incidents, Severity, Subject};
use crate::keys::{self, Key, Place};
use crate::own_event::OwnEvent;
use crate::routing::WorkerName;
use crate::row::{Change, Row, Troubled};
use crate::sweep::after;

/// A channel that has taken nothing for so long, and refused something, is an incident.
const PATIENCE: Duration = Duration::from_mins(5);

/// A group of which nothing was refused for so long is not tried any more, or will be refused again: its channel wanted to be
/// left alone for longer.
const TRIED_WITHIN: Duration = Duration::from_mins(30);

/// A channel that was mended is forgotten after 90 days.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// A channel that refused something, at some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelRow {
    /// Which.
    pub channel: ChannelName,
    /// The hub's own account and Region.
    pub place: Place,
    /// Since when it has taken nothing; `None` where it works again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Failing>,
    /// A bulletin that it keeps refusing while it takes others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// When it began to fail, or worked again.
    pub turned_at: Timestamp,
    /// Whether it is failing now, and was.
    #[serde(default, skip_serializing_if = "Incidents::is_empty")]
    pub incidents: Incidents,
    /// When it is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
}

/// How a channel fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// Its last refusal.
    pub error: String,
    /// Whether it said that it will never take what it refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_good: bool,
}

/// A bulletin that a channel keeps refusing; what is new in its group waits behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// Of which group: that has one bulletin at a time which is tried. Empty in what an earlier release stored.
    #[serde(default)]
    pub group: String,
    /// Which, as [`DeliveryRow::id`] says.
    pub delivery: String,
    /// When it was found to be.
    pub since: Timestamp,
    /// When it was last refused; the epoch in what an earlier release stored, so that the next look takes it for over.
    #[serde(default)]
    pub refused_at: Timestamp,
    /// Its last refusal.
    pub error: String,
}

impl Row for ChannelRow {
    const KIND: &'static str = "channel";
    const WORKER: &'static str = WorkerName::Notifications.as_str();

    fn key(&self) -> Key {
        keys::channel(&self.channel)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.look_at.into_iter().chain(incident::wake_at(&self.incidents)).min()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        if self.wake_at().is_some() { None } else { self.turned_at.checked_add(KEPT).ok() }
    }
}

impl Troubled for ChannelRow {
    fn incidents(&self) -> &Incidents {
        &self.incidents
    }
}

/// Where a hub's channels are told to be: its own account and Region, and what that account is called.
#[derive(Clone, Copy, Debug)]
pub struct Hub<'a> {
    /// Account and Region.
    pub place: &'a Place,
    /// Name of the account in the registry, or its id.
    pub account_name: &'a str,
}

/// What an answer says of its channel. On the normal road, where a channel works and takes what it gets, nothing is written.
pub fn answered(
    delivery: &DeliveryRow,
    answer: &Answer,
    stored: Option<&ChannelRow>,
    hub: Hub<'_>,
    now: Timestamp,
) -> Option<Change<ChannelRow>> {
    let known = stored.and_then(|row| row.failing.as_ref());
    let failing = match answer {
        Answer::Taken(_) => None,
        Answer::Refused(error, _) => {
            Some((error, delivery.is_last_attempt() || known.is_some_and(|known| known.for_good)))
        }
        Answer::RefusedForGood(error) => Some((error, true)),
    };
    let known_stuck = stored.and_then(|row| row.stuck.as_ref());
    let stuck = stuck(delivery, answer, known_stuck, now);
    if failing.is_none() && known.is_none() && stuck.as_ref() == known_stuck {
        return None;
    }
    let failing = failing.map(|(error, for_good)| Failing {
        since: known.map_or(now, |known| known.since),
        error: error.clone(),
        for_good,
    });
    let turned = failing.is_some() != known.is_some();
    let new = || ChannelRow {
        channel: delivery.channel.clone(),
        place: hub.place.clone(),
        failing: None,
        stuck: None,
        turned_at: now,
        incidents: Incidents::new(),
        look_at: None,
    };
    let mut next = stored.cloned().unwrap_or_else(new);
    next.turned_at = if turned { now } else { next.turned_at };
    (next.failing, next.stuck) = (failing, stuck);
    next.reconciled(stored, hub.account_name, now)
}

/// The bulletin that the channel keeps refusing after this answer; of several that which was found first.
fn stuck(delivery: &DeliveryRow, answer: &Answer, known: Option<&Stuck>, now: Timestamp) -> Option<Stuck> {
    let (same, other): (Vec<_>, Vec<_>) = known.into_iter().partition(|known| known.group == delivery.group);
    let other = other.into_iter().find(|other| other.is_tried(now)).cloned();
    let Answer::Refused(error, _) = answer else { return other };
    let since = same.first().map(|known| known.since).or(delivery.is_stuck().then_some(now));
    let since = since.filter(|_| !delivery.is_last_attempt());
    let (group, delivery) = (delivery.group.clone(), delivery.id());
    other.or_else(|| {
        since.map(|since| Stuck { group, delivery, since, refused_at: now, error: error.clone() })
    })
}

/// Its timer rings. One that the routes do not have any more does not fail any more, nor one that nobody tries.
pub fn looked(
    row: &ChannelRow,
    is_in_routes: bool,
    account_name: &str,
    now: Timestamp,
) -> Option<Change<ChannelRow>> {
    let mut next = row.clone();
    let failed = next.failing.is_some() || next.stuck.is_some();
    next.failing.take_if(|_| !is_in_routes);
    next.stuck.take_if(|stuck| !is_in_routes || !stuck.is_tried(now));
    if failed && next.failing.is_none() && next.stuck.is_none() {
        next.turned_at = now;
    }
    next.reconciled(Some(row), account_name, now)
}

impl ChannelRow {
    /// Whether people were told that it fails.
    pub fn is_told_failing(&self) -> bool {
        incident::open(&self.incidents).next().is_some()
    }

    fn reconciled(
        mut self,
        stored: Option<&Self>,
        account_name: &str,
        now: Timestamp,
    ) -> Option<Change<Self>> {
        let failing = self.failing.as_ref().and_then(|failing| failing.condition(now));
        let holding = failing.or_else(|| self.stuck.as_ref().map(Stuck::condition));
        let id = self.channel.as_str();
        let place = self.place.clone();
        let subject = Subject {
            place: &place,
            account_name,
            id,
            name: id,
            job: None,
            application: None,
            drill_tag: None,
        };
        let told = incident::reconcile(&mut self.incidents, holding.as_slice(), &subject, now);
        let opens_at = self.failing.as_ref().map(|failing| after(failing.since, PATIENCE));
        self.look_at = incident::look_again(&self.incidents, self.look_at, now).or(opens_at);
        Change::between(stored, self, told.into_iter().map(OwnEvent::from).collect())
    }
}

impl Failing {
    fn condition(&self, now: Timestamp) -> Option<Condition> {
        let is_long = after(self.since, PATIENCE) <= now;
        (self.for_good || is_long).then(|| Condition {
            kind: IncidentKind::ChannelFailing,
            since: self.since,
            severity: Severity::High,
            reason: format!("it takes no messages; the last was refused with: {}", self.error),
        })
    }
}

impl Stuck {
    fn is_tried(&self, now: Timestamp) -> bool {
        now < after(self.refused_at, TRIED_WITHIN)
    }

    fn condition(&self) -> Condition {
        let Self { delivery, error, .. } = self;
        Condition {
            kind: IncidentKind::ChannelFailing,
            since: self.since,
            severity: Severity::High,
            reason: format!(
                "it takes other messages, but not {delivery}, behind which all that is new in its group waits; the last \
                 refusal was: {error}"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
