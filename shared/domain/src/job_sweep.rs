//! The sweep of a place's jobs. Written by the job-monitor.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::sweep::Sweeping;

/// The sweep of a place's jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSweepRow {
    /// Which place.
    pub place: Place,
    /// When the last complete sweep began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swept_at: Option<Timestamp>,
    /// The sweep that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweeping: Option<Sweeping>,
}

impl Row for JobSweepRow {
    const KIND: &'static str = "job-sweep";
    const WORKER: &'static str = WorkerName::Jobs.as_str();

    fn key(&self) -> Key {
        keys::job_sweep(&self.place)
    }
}

impl JobSweepRow {
    /// Gives the claim of a sweep that was refused back.
    pub fn released(stored: Option<&Self>) -> Option<Change<Self>> {
        let row = Self { sweeping: None, ..stored?.clone() };
        Change::between(stored, row, Vec::new())
    }

    /// Records that the sweep that began at `began` is complete.
    pub fn ended(stored: Option<&Self>, began: Timestamp) -> Option<Change<Self>> {
        let known = stored?;
        let row = Self { sweeping: None, swept_at: known.swept_at.max(Some(began)), ..known.clone() };
        Change::between(stored, row, Vec::new())
    }
}

/// Claims the sweep that was asked for at `asked_at`, see [`Sweeping::claim`].
pub fn claim_sweep(
    place: &Place,
    stored: Option<&JobSweepRow>,
    asked_at: Timestamp,
    now: Timestamp,
) -> Option<Change<JobSweepRow>> {
    let swept_at = stored.and_then(|row| row.swept_at);
    let under_way = stored.and_then(|row| row.sweeping.as_ref());
    let sweeping = Some(Sweeping::claim(under_way, swept_at, &[asked_at], now)?);
    Some(Change { row: JobSweepRow { place: place.clone(), swept_at, sweeping }, tell: Vec::new() })
}
