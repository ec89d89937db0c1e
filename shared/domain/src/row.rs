//! What the table holds: a row per subject, and around it what makes a write lose nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::incident::Incidents;
use crate::keys::Key;
use crate::own_event::OwnEvent;

/// One kind of item. Each kind has one writing worker.
pub trait Row:
    Serialize + DeserializeOwned + Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static
{
    /// Stored as `kind`, for people and exports that look at the table.
    const KIND: &'static str;
    /// The worker that writes it and serves its timers.
    const WORKER: &'static str;
    /// Whether a read shows what was stored just before it, which costs twice the units: what holds claims, or wishes that
    /// others serve.
    const SEEN_AT_ONCE: bool = false;

    /// Where it is stored.
    fn key(&self) -> Key;

    /// Whether such rows are new by the hundred, so that one waits a moment for others to share a call with. What an event
    /// tells waits for nobody.
    fn comes_in_crowds(&self) -> bool {
        false
    }

    /// [`Row::WORKER`], where it is not each worker that has rows of this kind: then the one that has this row.
    fn worker(&self) -> &str {
        Self::WORKER
    }

    /// When its worker must look at it again, whatever happens.
    fn wake_at(&self) -> Option<Timestamp> {
        None
    }

    /// When the table may forget it.
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }
}

/// A row whose subject may have incidents.
pub trait Troubled: Row {
    /// Of each kind the one that is open, or the last one.
    fn incidents(&self) -> &Incidents;
}

/// Own events that are stored and not yet known to be published: event id to event.
pub type Outbox = BTreeMap<String, OwnEvent>;

/// An outbox holds at most this many entries; the latest per incident is kept, so it stays far below.
pub const OUTBOX_LIMIT: usize = 32;

/// A row with its revision, the only condition of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<R> {
    /// The row.
    pub row: R,
    /// Rises by one with each write.
    pub rev: u64,
    /// What is still to be published.
    pub outbox: Outbox,
}

/// What a decision wants stored, and what must be told because of it, in the same write.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<R> {
    /// The new row.
    pub row: R,
    /// New own events.
    pub tell: Vec<OwnEvent>,
}

impl<R: PartialEq> Change<R> {
    /// The change from `before` to `after`; `None` when there is nothing to write.
    pub fn between(before: Option<&R>, after: R, tell: Vec<OwnEvent>) -> Option<Self> {
        let same = before.is_some_and(|row| *row == after) && tell.is_empty();
        (!same).then_some(Self { row: after, tell })
    }
}

/// The outbox after a change: what was there, less what the new events supersede, and the new events.
pub fn outbox_with(stored: &Outbox, tell: &[OwnEvent]) -> Outbox {
    let superseded = |old: &OwnEvent| tell.iter().any(|new| new.about() == old.about());
    let mut outbox: Outbox = stored
        .iter()
        .filter(|(_, old)| !superseded(old))
        .map(|(id, old)| (id.clone(), old.clone()))
        .collect();
    outbox.extend(tell.iter().map(|event| (event.event_id().to_owned(), event.clone())));
    outbox
}
