//! The sweep of a place's jobs, and what all sweeps share: who may begin one. Written by the job-monitor.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key, Place};
use crate::row::{Change, Row};

/// A sweep that was begun this long ago and never ended is taken over.
const CLAIM: Duration = Duration::from_mins(2);

/// Whether a sweep that is under way, or one that ended, answers what was asked at `asked_at`.
pub(crate) fn is_answered(
    sweeping_since: Option<Timestamp>,
    swept_at: Option<Timestamp>,
    asked_at: Timestamp,
    now: Timestamp,
) -> bool {
    let lives = |since: Timestamp| since.checked_add(CLAIM).is_ok_and(|end| now < end);
    sweeping_since.is_some_and(lives) || swept_at.is_some_and(|swept| swept > asked_at)
}

/// The sweep of a place's jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSweepRow {
    /// Which place.
    pub place: Place,
    /// When the last complete sweep began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swept_at: Option<Timestamp>,
    /// A sweep is under way since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweeping_since: Option<Timestamp>,
}

impl Row for JobSweepRow {
    const KIND: &'static str = "job-sweep";
    const WORKER: &'static str = "job-monitor";

    fn key(&self) -> Key {
        keys::job_sweep(&self.place)
    }
}

impl JobSweepRow {
    /// Gives the claim of a sweep that failed back.
    pub fn released(stored: Option<&Self>) -> Option<Change<Self>> {
        let row = Self { sweeping_since: None, ..stored?.clone() };
        Change::between(stored, row, Vec::new())
    }

    /// Records that the sweep that began at `began` is complete.
    pub fn ended(stored: Option<&Self>, began: Timestamp) -> Option<Change<Self>> {
        let known = stored?;
        let row = Self { sweeping_since: None, swept_at: known.swept_at.max(Some(began)), ..known.clone() };
        Change::between(stored, row, Vec::new())
    }
}

/// Claims the sweep that was asked for at `asked_at`; `None` when another sweep serves it or is under way.
pub fn claim_sweep(
    place: &Place,
    stored: Option<&JobSweepRow>,
    asked_at: Timestamp,
    now: Timestamp,
) -> Option<Change<JobSweepRow>> {
    let swept_at = stored.and_then(|row| row.swept_at);
    let since = stored.and_then(|row| row.sweeping_since);
    if is_answered(since, swept_at, asked_at, now) {
        return None;
    }
    let row = JobSweepRow { place: place.clone(), swept_at, sweeping_since: Some(now) };
    Some(Change { row, tell: Vec::new() })
}
