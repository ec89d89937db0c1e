//! Events that a worker received and does not act on: of an unknown type, from an unregistered account, or
//! from the future. They are recorded, so that a person sees what is missed, and deleted.
//!
//! An account that sends and is not registered is an incident as well, one whatever the number of Regions. Every worker
//! records such events; the capacity-tracker, which hears the heartbeats of all spokes, is the one that opens it.

mod stranger;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::envelope::Envelope;
use crate::ids::{AccountId, Region};
use crate::incident::{self, Incidents};
use crate::keys::{self, Key};
use crate::row::{Change, Row, Troubled};

pub use self::stranger::look;

/// How many ids are kept; they also tell a redelivery from a new event.
const IDS_KEPT: usize = 5;

/// What nobody sends any more is forgotten after this long: 90 days.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// Why an event is not acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// The type, or a state in it, is none that we know.
    UnknownType,
    /// A type that we know and that no decision uses.
    NotActedOn,
    /// The account is not in the registry, or the Region is not registered for it.
    Unregistered,
    /// It lies more than 15 minutes ahead of the time at which it was put on the queue.
    FromTheFuture,
}

impl Reason {
    /// As stored in keys and shown in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownType => "UNKNOWN_TYPE",
            Self::NotActedOn => "NOT_ACTED_ON",
            Self::Unregistered => "UNREGISTERED",
            Self::FromTheFuture => "FROM_THE_FUTURE",
        }
    }
}

/// Events of one sort, counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnhandledRow {
    /// Which worker received them.
    pub worker: String,
    /// Why they are not acted on.
    pub reason: Reason,
    /// The account they name.
    pub account: AccountId,
    /// Source and type, or, for an unregistered account, the Region that it was first heard from.
    pub subject: String,
    /// How many, as far as redeliveries could be told apart.
    pub count: u64,
    /// The newest ids, newest last.
    pub ids: Vec<String>,
    /// The newest event's time.
    pub last_at: Timestamp,
    /// Of an unregistered account: where its events came from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regions: BTreeMap<Region, Heard>,
    /// Of an unregistered account.
    #[serde(default, skip_serializing_if = "Incidents::is_empty")]
    pub incidents: Incidents,
    /// When an open incident is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
}

/// Events from one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// How many.
    pub count: u64,
    /// The newest event's time.
    pub last_at: Timestamp,
}

/// What is kept of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Its id.
    pub id: String,
    /// Where it came from.
    pub region: Region,
    /// When it happened.
    pub time: Timestamp,
}

/// Where a worker counts what an unregistered account sends.
pub fn key_of_stranger(worker: &str, account: &AccountId) -> Key {
    keys::unhandled(worker, Reason::Unregistered.as_str(), account, account.as_str())
}

impl From<&Envelope> for Noted {
    fn from(event: &Envelope) -> Self {
        Self { id: event.id.clone(), region: event.region.clone(), time: event.time }
    }
}

impl Row for UnhandledRow {
    const KIND: &'static str = "unhandled";
    const WORKER: &'static str = "all";

    fn key(&self) -> Key {
        let (worker, reason, account) = (&self.worker, self.reason, &self.account);
        match reason {
            Reason::Unregistered => key_of_stranger(worker, account),
            _ => keys::unhandled(worker, reason.as_str(), account, &format!("{account}#{}", self.subject)),
        }
    }

    fn worker(&self) -> &str {
        &self.worker
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.look_at.into_iter().chain(incident::wake_at(&self.incidents)).min()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.last_at.checked_add(KEPT).ok()
    }
}

impl Troubled for UnhandledRow {
    fn incidents(&self) -> &Incidents {
        &self.incidents
    }
}

impl UnhandledRow {
    /// The empty row for an event.
    pub fn of(worker: &str, reason: Reason, event: &Envelope) -> Self {
        let subject = match reason {
            Reason::Unregistered => event.region.to_string(),
            _ => format!("{}/{}", event.source, event.detail_type),
        };
        Self {
            worker: worker.to_owned(),
            reason,
            account: event.account.clone(),
            subject: subject.chars().take(160).collect(),
            count: 0,
            ids: Vec::new(),
            last_at: event.time,
            regions: BTreeMap::new(),
            incidents: Incidents::new(),
            look_at: None,
        }
    }

    fn count(&mut self, event: &Noted) {
        let id: String = event.id.chars().take(64).collect();
        if self.ids.contains(&id) {
            return;
        }
        self.count += 1;
        self.last_at = self.last_at.max(event.time);
        self.ids.push(id);
        if self.ids.len() > IDS_KEPT {
            self.ids.remove(0);
        }
        if self.reason == Reason::Unregistered {
            let none = Heard { count: 0, last_at: event.time };
            let heard = self.regions.entry(event.region.clone()).or_insert(none);
            heard.count += 1;
            heard.last_at = heard.last_at.max(event.time);
        }
    }
}

/// Counts each event once, as far as the kept ids tell.
pub fn decide(
    fresh: UnhandledRow,
    events: &[Noted],
    stored: Option<&UnhandledRow>,
    now: Timestamp,
) -> Option<Change<UnhandledRow>> {
    let mut row = stored.cloned().unwrap_or(fresh);
    let before = row.count;
    for event in events {
        row.count(event);
    }
    if row.count == before {
        return None;
    }
    let look_at = row.look_at;
    let tell = row.reconcile(now);
    // An account that sends all the time must not put off the look that finds it registered.
    row.look_at = look_at.or(row.look_at);
    Some(Change { row, tell })
}

#[cfg(test)]
mod tests;
