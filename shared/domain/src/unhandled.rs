//! Events that a worker received and does not act on: of an unknown type, from an unregistered account, or
//! from the future. They are recorded, so that a person sees what is missed, and deleted.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::envelope::Envelope;
use crate::ids::AccountId;
use crate::keys::{self, Key};
use crate::row::{Change, Row};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnhandledRow {
    /// Which worker received them.
    pub worker: String,
    /// Why they are not acted on.
    pub reason: Reason,
    /// The account they name.
    pub account: AccountId,
    /// Source and type, or, for an unregistered account, its Region.
    pub subject: String,
    /// How many, as far as redeliveries could be told apart.
    pub count: u64,
    /// The newest ids, newest last.
    pub ids: Vec<String>,
    /// The newest event's time.
    pub last_at: Timestamp,
}

impl Row for UnhandledRow {
    const KIND: &'static str = "unhandled";
    const WORKER: &'static str = "all";

    fn key(&self) -> Key {
        keys::unhandled(&self.worker, self.reason.as_str(), &self.account, &self.sort_subject())
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.last_at.checked_add(KEPT).ok()
    }
}

impl UnhandledRow {
    fn sort_subject(&self) -> String {
        format!("{}#{}", self.account, self.subject)
    }

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
        }
    }
}

/// Counts an event once, as far as the kept ids tell.
pub fn decide(
    fresh: UnhandledRow,
    event: &Envelope,
    stored: Option<&UnhandledRow>,
) -> Option<Change<UnhandledRow>> {
    let mut row = stored.cloned().unwrap_or(fresh);
    let id: String = event.id.chars().take(64).collect();
    if row.ids.contains(&id) {
        return None;
    }
    row.count += 1;
    row.last_at = row.last_at.max(event.time);
    row.ids.push(id);
    if row.ids.len() > IDS_KEPT {
        row.ids.remove(0);
    }
    Some(Change { row, tell: Vec::new() })
}
