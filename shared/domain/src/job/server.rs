//! What a job did with one of its servers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{JobRow, KEPT, advance, is_done};
use crate::ids::{JobId, RecoveryInstanceId, SourceServerId};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::seen::{JobLogSeen, JobServerSeen};
use crate::span::Length;
use crate::sweep::after;

/// As much of AWS's words as is kept, in characters.
const ERROR_LENGTH: usize = 200;

/// What a job did with one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobServerRow {
    /// Where the job runs.
    pub place: Place,
    /// Which job.
    pub job: JobId,
    /// Which server.
    pub server: SourceServerId,
    /// What people call the server, as the inventory had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its recovery time objective then: its tag `drs-fleet:rto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Length>,
    /// `PENDING`, `IN_PROGRESS`, `LAUNCHED`, `FAILED`, `TERMINATED`.
    pub launch_status: String,
    /// The launched instance; may be missing on a launched server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_instance: Option<RecoveryInstanceId>,
    /// When its launch result came, where an event told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_at: Option<Timestamp>,
    /// When it was first found launched or failed, in AWS's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_at: Option<Timestamp>,
    /// What the job's log says of it: `SNAPSHOT`, `CONVERSION`, `LAUNCH`, …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub phases: BTreeMap<String, Span>,
    /// Why it failed, by the job's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// When a phase began and ended, as far as the log says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// The last end, good or bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
}

/// Why a server failed. The later one counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failure {
    /// When, in AWS's time.
    pub at: Timestamp,
    /// The line of the log: `LAUNCH_FAILED`, `CONVERSION_FAIL`, `SERVER_SKIPPED`, …
    pub event: String,
    /// `rawError`, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Failure {
    /// A line of a job's log that tells of a failure.
    fn of(line: &JobLogSeen) -> Option<Self> {
        let error = line.error.as_deref().filter(|text| !text.trim().is_empty()).map(beginning);
        is_failure(&line.event).then(|| Self { at: line.at, event: line.event.clone(), error })
    }

    /// A line that tells of a failure of no single server.
    pub fn of_job(line: &JobLogSeen) -> Option<Self> {
        Self::of(line).filter(|_| line.server.is_none())
    }
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
    /// `DescribeJobs` listed it.
    Seen {
        /// As listed.
        seen: JobServerSeen,
        /// AWS's time of the answer, or of the end of the job if that is earlier.
        at: Timestamp,
    },
    /// The job's log has a line of it.
    Logged(JobLogSeen),
    /// Its instance was found by other means than the job.
    Instance(RecoveryInstanceId),
    /// What the inventory knows of it.
    Known {
        /// What people call it.
        name: String,
        /// Its tag `drs-fleet:rto`.
        objective: Option<Duration>,
    },
}

impl Row for JobServerRow {
    const KIND: &'static str = "job-server";
    const WORKER: &'static str = WorkerName::Jobs.as_str();

    fn key(&self) -> Key {
        keys::job_server(&self.place, &self.job, &self.server)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let first = self.phases.values().filter_map(|span| span.start).min();
        self.done_at().or(first).map(|at| after(at, KEPT))
    }
}

impl JobServerRow {
    /// When it was launched or failed: as an event told, else when it was found so.
    pub fn done_at(&self) -> Option<Timestamp> {
        self.result_at.or(self.found_at)
    }

    /// Whether it was launched, also when its instance was ended since.
    pub fn is_launched(&self) -> bool {
        matches!(self.launch_status.as_str(), "LAUNCHED" | "TERMINATED")
    }

    /// Whether its job is over with it.
    pub fn is_done(&self) -> bool {
        is_done(&self.launch_status)
    }

    /// What people call it.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.server.as_str())
    }

    /// From the start of the job until it was launched, for a drill or a recovery.
    pub fn recovery_time(&self, job: &JobRow) -> Option<Duration> {
        let done = self.done_at().filter(|_| self.is_launched() && job.purpose().recovers())?;
        Duration::try_from(done.duration_since(job.started_at()?)).ok()
    }

    /// Whether its recovery took longer than its tag allows; `None` where either is not known.
    pub fn is_late(&self, job: &JobRow) -> Option<bool> {
        let Length(objective) = self.objective?;
        Some(self.recovery_time(job)? > objective)
    }

    /// The phase that it is in, and since when: the last one that began and did not end.
    pub fn phase(&self) -> Option<(&str, Timestamp)> {
        let open = self.phases.iter().filter(|(_, span)| span.end < span.start);
        open.filter_map(|(name, span)| Some((name.as_str(), span.start?))).max_by_key(|(_, start)| *start)
    }
}

/// Decides what observations of a job's server mean.
pub fn decide_server(
    (place, job, server): (&Place, &JobId, &SourceServerId),
    observations: &[ServerObservation],
    stored: Option<&JobServerRow>,
) -> Option<Change<JobServerRow>> {
    let mut row = stored.cloned().unwrap_or_else(|| JobServerRow {
        place: place.clone(),
        job: job.clone(),
        server: server.clone(),
        name: None,
        objective: None,
        launch_status: "PENDING".to_owned(),
        recovery_instance: None,
        result_at: None,
        found_at: None,
        phases: BTreeMap::new(),
        failure: None,
    });
    for observation in observations {
        row.take(observation);
    }
    Change::between(stored, row, Vec::new())
}

impl JobServerRow {
    fn take(&mut self, observation: &ServerObservation) {
        match observation {
            ServerObservation::Result { launched, at } => {
                let status = if *launched { "LAUNCHED" } else { "FAILED" };
                advance(&mut self.launch_status, status, rank);
                self.result_at = self.result_at.max(Some(*at));
            }
            ServerObservation::Seen { seen, at } => self.see(seen, *at),
            ServerObservation::Logged(line) => self.log(line),
            ServerObservation::Instance(id) => {
                self.recovery_instance.get_or_insert_with(|| id.clone());
            }
            ServerObservation::Known { name, objective } => {
                if self.name.is_none() {
                    self.name = Some(name.clone());
                    self.objective = objective.map(Length);
                }
            }
        }
    }

    fn see(&mut self, seen: &JobServerSeen, at: Timestamp) {
        if let Some(status) = &seen.launch_status {
            advance(&mut self.launch_status, status, rank);
            if is_done(status) {
                self.found_at = Some(self.found_at.map_or(at, |known| known.min(at)));
            }
        }
        self.recovery_instance = self.recovery_instance.take().max(seen.recovery_instance.clone());
    }

    fn log(&mut self, line: &JobLogSeen) {
        if let Some((phase, is_start)) = phase(&line.event) {
            let span = self.phases.entry(phase.to_owned()).or_default();
            if is_start {
                span.start = Some(span.start.map_or(line.at, |known| known.min(line.at)));
            } else {
                span.end = span.end.max(Some(line.at));
            }
        }
        self.failure = self.failure.take().max(Failure::of(line));
    }
}

/// The phase of a line of a log, and whether it begins there: of what AWS adds, the endings say it.
fn phase(event: &str) -> Option<(&str, bool)> {
    let ends = ["_END", "_FAIL", "_FAILED"];
    if let Some(phase) = event.strip_suffix("_START") {
        return Some((phase, true));
    }
    let phase = ends.iter().find_map(|end| event.strip_suffix(end))?;
    // It has no beginning of its own: it is one of the ways in which a snapshot fails.
    (phase != "USING_PREVIOUS_SNAPSHOT").then_some((phase, false))
}

fn is_failure(event: &str) -> bool {
    event.ends_with("_FAIL") || event.ends_with("_FAILED") || event == "SERVER_SKIPPED"
}

fn beginning(text: &str) -> String {
    text.chars().take(ERROR_LENGTH).collect()
}

fn rank(launch_status: &str) -> u8 {
    match launch_status {
        "PENDING" => 0,
        "LAUNCHED" => 2,
        "FAILED" => 3,
        "TERMINATED" => 4,
        _ => 1,
    }
}
