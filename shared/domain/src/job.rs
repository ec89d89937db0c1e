//! DRS jobs and what each did with its servers. Written by the job-monitor.
//!
//! A job's and a server's states only ever advance, so observations are joined by rank and need no stamps:
//! any order and any repetition ends in the furthest state. There is no failed job: failure is per server.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{JobId, RecoveryInstanceId, SourceServerId};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::seen::{JobSeen, JobServerSeen};

/// A job of any origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// Where it runs.
    pub place: Place,
    /// Its id.
    pub id: JobId,
    /// `PENDING`, `STARTED`, `COMPLETED`.
    pub status: String,
    /// `LAUNCH`, `TERMINATE`, `CREATE_CONVERTED_SNAPSHOT`; absent until a sweep told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `START_DRILL`, `START_RECOVERY`, …; absent until a sweep told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiated_by: Option<String>,
    /// Drill or real recovery, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<bool>,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Counted from the job's own list of servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
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

/// What a job did with one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobServerRow {
    /// Where the job runs.
    pub place: Place,
    /// Which job.
    pub job: JobId,
    /// Which server.
    pub server: SourceServerId,
    /// `PENDING`, `IN_PROGRESS`, `LAUNCHED`, `FAILED`, `TERMINATED`.
    pub launch_status: String,
    /// The launched instance; may be missing on a launched server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_instance: Option<RecoveryInstanceId>,
    /// When its launch result came, where an event told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_at: Option<Timestamp>,
}

/// What was observed of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// A launch result named it.
    Result {
        /// From `is-drill`.
        drill: bool,
    },
    /// An API call recorded by CloudTrail started it.
    Started {
        /// The call's time.
        at: Timestamp,
    },
    /// A sweep listed it.
    Seen(Box<JobSeen>),
}

/// What was observed of a job's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerObservation {
    /// The launch result event.
    Result {
        /// Succeeded or failed.
        launched: bool,
        /// The event's time.
        at: Timestamp,
    },
    /// A sweep listed it.
    Seen(JobServerSeen),
}

impl Row for JobRow {
    const KIND: &'static str = "job";
    const WORKER: &'static str = WorkerName::Jobs.as_str();

    fn key(&self) -> Key {
        keys::job(&self.place, &self.id)
    }
}

impl Row for JobServerRow {
    const KIND: &'static str = "job-server";
    const WORKER: &'static str = WorkerName::Jobs.as_str();

    fn key(&self) -> Key {
        keys::job_server(&self.place, &self.job, &self.server)
    }
}

/// Decides what an observation of a job means.
pub fn decide(
    (place, id): (&Place, &JobId),
    observation: &Observation,
    stored: Option<&JobRow>,
) -> Option<Change<JobRow>> {
    let mut row = stored.cloned().unwrap_or_else(|| JobRow {
        place: place.clone(),
        id: id.clone(),
        status: "PENDING".to_owned(),
        kind: None,
        initiated_by: None,
        drill: None,
        created: None,
        ended: None,
        counts: None,
    });
    match observation {
        Observation::Result { drill } => {
            if row.initiated_by.as_deref().and_then(drill_of).is_none() {
                row.drill = row.drill.max(Some(*drill));
            }
            advance(&mut row.status, "STARTED", status_rank);
        }
        // DescribeJobs tells the true time; until then the call's is the best there is.
        Observation::Started { at } => row.created = row.created.or(Some(*at)),
        Observation::Seen(seen) => see(&mut row, seen),
    }
    Change::between(stored, row, Vec::new())
}

fn see(row: &mut JobRow, seen: &JobSeen) {
    advance(&mut row.status, &seen.status, status_rank);
    row.kind = Some(seen.kind.clone());
    row.created = seen.created.or(row.created);
    row.ended = seen.ended.or(row.ended);
    row.counts = row.counts.max(Some(count(&seen.servers)));
    if let Some(by) = &seen.initiated_by {
        row.initiated_by = Some(by.clone());
        row.drill = drill_of(by).or(row.drill);
    }
}

fn drill_of(initiated_by: &str) -> Option<bool> {
    match initiated_by {
        "START_DRILL" => Some(true),
        "START_RECOVERY" => Some(false),
        _ => None,
    }
}

/// Decides what an observation of a job's server means.
pub fn decide_server(
    (place, job, server): (&Place, &JobId, &SourceServerId),
    observation: &ServerObservation,
    stored: Option<&JobServerRow>,
) -> Option<Change<JobServerRow>> {
    let mut row = stored.cloned().unwrap_or_else(|| JobServerRow {
        place: place.clone(),
        job: job.clone(),
        server: server.clone(),
        launch_status: "PENDING".to_owned(),
        recovery_instance: None,
        result_at: None,
    });
    match observation {
        ServerObservation::Result { launched, at } => {
            let status = if *launched { "LAUNCHED" } else { "FAILED" };
            advance(&mut row.launch_status, status, launch_rank);
            row.result_at = row.result_at.max(Some(*at));
        }
        ServerObservation::Seen(seen) => {
            if let Some(status) = &seen.launch_status {
                advance(&mut row.launch_status, status, launch_rank);
            }
            row.recovery_instance = row.recovery_instance.max(seen.recovery_instance.clone());
        }
    }
    Change::between(stored, row, Vec::new())
}

fn count(servers: &[JobServerSeen]) -> Counts {
    let mut counts = Counts::default();
    for server in servers {
        let status = server.launch_status.as_deref().unwrap_or_default();
        counts.servers += 1;
        counts.done += u32::from(matches!(status, "LAUNCHED" | "FAILED" | "TERMINATED"));
        counts.failed += u32::from(status == "FAILED");
    }
    counts
}

/// States that AWS adds rank with those under way; between equals the greater text wins, so that order does
/// not matter.
fn advance(known: &mut String, seen: &str, rank: fn(&str) -> u8) {
    if (rank(seen), seen) > (rank(known), known.as_str()) {
        seen.clone_into(known);
    }
}

fn status_rank(status: &str) -> u8 {
    match status {
        "PENDING" => 0,
        "COMPLETED" => 2,
        _ => 1,
    }
}

fn launch_rank(status: &str) -> u8 {
    match status {
        "PENDING" => 0,
        "LAUNCHED" => 2,
        "FAILED" => 3,
        "TERMINATED" => 4,
        _ => 1,
    }
}
