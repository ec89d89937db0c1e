//! That a spoke spoke to a worker that does not write the place's row. Its heartbeat goes to the capacity-tracker; where
//! that alone is lost, launch results and tag changes show that the spoke is not silent.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::minute_of;
use crate::keys::{self, Key, Place};
use crate::row::{Change, Row};

/// What was heard longer ago says nothing of today: a day.
const KEPT: Duration = Duration::from_hours(24);

/// When a worker last heard a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeardRow {
    /// Which place.
    pub place: Place,
    /// Which worker.
    pub worker: String,
    /// The newest event's time, to the minute.
    pub at: Timestamp,
}

impl Row for HeardRow {
    const KIND: &'static str = "heard";
    const WORKER: &'static str = "all";

    fn key(&self) -> Key {
        keys::heard(&self.place, &self.worker)
    }

    fn worker(&self) -> &str {
        &self.worker
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.at.checked_add(KEPT).ok()
    }
}

impl HeardRow {
    /// The place spoke to `worker` at this time; `None` where that minute is noted, or a later one.
    pub fn noted(place: &Place, worker: &str, at: Timestamp, stored: Option<&Self>) -> Option<Change<Self>> {
        let at = minute_of(at);
        let is_new = stored.is_none_or(|row| row.at < at);
        let row = || Self { place: place.clone(), worker: worker.to_owned(), at };
        is_new.then(|| Change { row: row(), tell: Vec::new() })
    }
}
