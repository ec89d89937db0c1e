//! What all workers do with a message before they act on it: read it, and set aside what is not to be acted on.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::envelope::{Envelope, Rejected};
use drs_fleet_domain::event::{self, Event, SCHEDULE_SOURCE};
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::own_event;
use drs_fleet_domain::planted::{Bug, is_planted};
use drs_fleet_domain::row::Row;
use drs_fleet_domain::unhandled::{self, Noted, Reason, UnhandledRow};
use jiff::Timestamp;

use crate::io::{Io, Message};
use crate::metrics::Metrics;
use crate::registry::RegistryCache;
use crate::store::Store;
use crate::together::Together;
use crate::verdict::IoError;
use crate::worker::{About, Logged};

/// Clocks differ; what lies further ahead than this is recorded and not applied.
const FUTURE: Duration = Duration::from_mins(15);

/// A message that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// As the bus delivered it.
    pub envelope: Envelope,
    /// What it says.
    pub event: Event,
    /// When it was put on the queue.
    pub sent_at: Timestamp,
}

impl Received {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Rejected`] when it can never be handled.
    pub fn read(message: &Message) -> Result<Self, Rejected> {
        let envelope = Envelope::parse(&message.body)?;
        let event = event::read(&envelope)?;
        Ok(Self { envelope, event, sent_at: message.sent_at })
    }

    /// The account and Region that the event names.
    pub fn place(&self) -> Place {
        Place { account: self.envelope.account.clone(), region: self.envelope.region.clone() }
    }

    fn is_of_the_hub(&self) -> bool {
        matches!(self.envelope.source.as_str(), SCHEDULE_SOURCE | own_event::SOURCE)
    }

    fn is_from_the_future(&self) -> bool {
        self.sent_at.checked_add(FUTURE).is_ok_and(|limit| self.envelope.time > limit)
    }
}

impl Logged for Received {
    fn about(&self) -> About<'_> {
        let event = &self.envelope;
        About {
            account: Some(event.account.as_str()),
            region: Some(event.region.as_str()),
            event_id: Some(&event.id),
        }
    }
}

/// Sets aside what is not to be acted on. Clones share caches.
#[derive(Clone, Debug)]
pub struct Inbox {
    worker: &'static str,
    registry: RegistryCache,
    unhandled: Store<UnhandledRow>,
    /// What one account sends by the thousand is one row.
    noting: Together<Key, Noted>,
}

impl Inbox {
    /// For one worker.
    pub fn new(worker: &'static str, registry: RegistryCache, metrics: &Metrics) -> Self {
        Self { worker, registry, unhandled: Store::new(metrics.clone()), noting: Together::default() }
    }

    /// What is to be acted on; the rest is recorded with its reason. Schedules and own events reach the queues
    /// from the hub alone and need no registered account.
    ///
    /// # Errors
    /// Of the table.
    pub async fn admit<I: Io>(&self, io: &I, work: Vec<Received>) -> Result<Vec<Received>, IoError> {
        let mut admitted = Vec::with_capacity(work.len());
        let mut aside: BTreeMap<Key, (UnhandledRow, Vec<Noted>)> = BTreeMap::new();
        for received in work {
            match self.objection(io, &received).await? {
                None => admitted.push(received),
                Some(reason) => {
                    let row = self.row(reason, &received);
                    let noted = Noted::from(&received.envelope);
                    aside.entry(row.key()).or_insert_with(|| (row, Vec::new())).1.push(noted);
                }
            }
        }
        for (row, events) in aside.into_values() {
            self.note(io, &row, events).await?;
        }
        Ok(admitted)
    }

    /// Records an event that is not acted on.
    ///
    /// # Errors
    /// Of the table.
    pub async fn set_aside<I: Io>(&self, io: &I, reason: Reason, received: &Received) -> Result<(), IoError> {
        let row = self.row(reason, received);
        self.note(io, &row, vec![Noted::from(&received.envelope)]).await
    }

    /// Looks at an item whose due time has come, if it is one of what was set aside; answers whether it is.
    ///
    /// # Errors
    /// Of the table.
    pub async fn wake<I: Io>(&self, io: &I, key: &Key) -> Result<bool, IoError> {
        if !keys::is_unhandled(key) {
            return Ok(false);
        }
        let (registry, now) = (self.registry.current(io).await?, io.now());
        let is_registered = |place: &Place| registry.is_registered(&place.account, &place.region);
        self.unhandled.wake(io, key, |row| unhandled::look(row, is_registered, now)).await?;
        Ok(true)
    }

    fn row(&self, reason: Reason, received: &Received) -> UnhandledRow {
        let event = &received.envelope;
        tracing::info!(
            event = %event.id, account = %event.account, region = %event.region, reason = reason.as_str(),
            "event is recorded and not acted on"
        );
        UnhandledRow::of(self.worker, reason, event)
    }

    /// Writes events that belong into one row, together with what others bring for it meanwhile.
    async fn note<I: Io>(&self, io: &I, fresh: &UnhandledRow, events: Vec<Noted>) -> Result<(), IoError> {
        let key = fresh.key();
        self.noting
            .bring(key.clone(), events, async |all| {
                let now = io.now();
                let decide = |row: Option<&UnhandledRow>| unhandled::decide(fresh.clone(), &all, row, now);
                self.unhandled.change(io, &key, decide).await.map(drop)
            })
            .await
    }

    async fn objection<I: Io>(&self, io: &I, received: &Received) -> Result<Option<Reason>, IoError> {
        if received.is_from_the_future() && !is_planted(Bug::FutureApplied) {
            return Ok(Some(Reason::FromTheFuture));
        }
        let event = &received.envelope;
        let known = received.is_of_the_hub()
            || is_planted(Bug::StrangersActedOn)
            || self.registry.current(io).await?.is_registered(&event.account, &event.region);
        Ok(match (known, &received.event) {
            (false, _) => Some(Reason::Unregistered),
            (true, Event::Unknown) => Some(Reason::UnknownType),
            (true, _) => None,
        })
    }
}

#[cfg(test)]
mod tests;
