//! DRS jobs of any origin, and what is wrong with them. Written by the job-monitor.
//!
//! What is observed of a job only ever advances: states by rank, times by the greater or the smaller, so that any order
//! and any repetition ends in one row. There is no failed job: failure is per server. That a job is over is told by
//! `DescribeJobs` alone.

mod conditions;
mod decide;
mod observation;
mod progress;
mod purpose;
mod row;
mod server;
mod told;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::decide::{Context, decide};
pub use self::observation::Observation;
pub use self::progress::{Progress, Slowest, Stay};
pub use self::purpose::{Outcome, Purpose};
pub use self::row::JobRow;
pub use self::server::{Failure, JobServerRow, ServerObservation, Span, decide_server};
use crate::event::Caller;
use crate::planted::{Bug, is_planted};
use crate::seen::JobServerSeen;

/// The state of a job that is over.
pub const COMPLETED: &str = "COMPLETED";

/// Jobs, and what they did with each server, are kept so long after their end: 400 days, more than a yearly audit.
pub const KEPT: Duration = Duration::from_hours(400 * 24);

/// The API call that started a job. Greater tells more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Call {
    /// When.
    pub at: Timestamp,
    /// Such as `StartRecovery`.
    pub name: String,
    /// Who.
    pub by: Caller,
}

/// What the history of a job was written from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    pub(super) call: Option<Call>,
    pub(super) started: Option<Timestamp>,
    pub(super) result_at: Option<Timestamp>,
    pub(super) counts: Option<Counts>,
    pub(super) purpose: Purpose,
}

/// How far a job's servers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Counts {
    /// Launched or failed or terminated; first, for more of these is further.
    pub done: u32,
    /// Of these, failed.
    pub failed: u32,
    /// All that take part.
    pub servers: u32,
}

/// A line of a job's log. Greater is newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Step {
    /// When, in AWS's time.
    pub at: Timestamp,
    /// Such as `CONVERSION_START`.
    pub event: String,
}

/// So many servers were launched when `DescribeJobs` was asked first that found so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launched {
    /// How many.
    pub servers: u32,
    /// In AWS's time.
    pub at: Timestamp,
}

/// Recovery instances of a job that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// When they were counted, in AWS's time.
    pub at: Timestamp,
    /// How many.
    pub instances: u32,
}

/// Servers whose launch failed, and that no later job launched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// When that was found, in our time.
    pub at: Timestamp,
    /// How many.
    pub servers: u32,
    /// The first of them by name, with reasons.
    pub named: String,
}

impl Counts {
    /// Of a job's list of servers.
    pub fn of(servers: &[JobServerSeen]) -> Self {
        Self::of_statuses(servers.iter().map(|server| server.launch_status.as_deref().unwrap_or_default()))
    }

    /// Of launch statuses.
    pub fn of_statuses<'a>(statuses: impl Iterator<Item = &'a str>) -> Self {
        let mut counts = Self::default();
        for status in statuses {
            counts.servers += 1;
            counts.done += u32::from(is_done(status));
            counts.failed += u32::from(status == "FAILED");
        }
        counts
    }
}

/// Whether a launch status is an end.
pub fn is_done(launch_status: &str) -> bool {
    matches!(launch_status, "LAUNCHED" | "FAILED" | "TERMINATED")
}

/// Those of states that AWS adds rank with those under way; between equals the greater text wins, so that order does
/// not matter.
fn advance(known: &mut String, seen: &str, rank: fn(&str) -> u8) {
    if (rank(seen), seen) > (rank(known), known.as_str()) || is_planted(Bug::JobGoesBack) {
        seen.clone_into(known);
    }
}

#[cfg(test)]
mod tests;
