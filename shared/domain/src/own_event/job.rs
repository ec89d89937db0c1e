//! What is told of jobs and failbacks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, JobId, RecoveryInstanceId, Region, SourceServerId};
use crate::incident::{IncidentKind, Severity};
use crate::job::{Outcome, Purpose};
use crate::keys::Place;
use crate::own_event::{Happened, IncidentEvent};

/// What happened to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobHappened {
    /// It runs.
    Started,
    /// It is over.
    Completed,
    /// Nothing of it moves any more.
    Stuck,
}

impl JobHappened {
    /// The `detail-type` of the event.
    pub fn detail_type(self) -> &'static str {
        match self {
            Self::Started => "Job Started",
            Self::Completed => "Job Completed",
            Self::Stuck => "Job Stuck",
        }
    }
}

impl std::fmt::Display for JobHappened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Started => "JOB_STARTED",
            Self::Completed => "JOB_COMPLETED",
            Self::Stuck => "JOB_STUCK",
        })
    }
}

/// The `detail` of `Job Started`, `Job Completed` and `Job Stuck`: as far as is known when it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobEvent {
    /// The same for every delivery and every repetition.
    pub event_id: String,
    /// What happened.
    pub happened: JobHappened,
    /// Where it runs.
    pub account_id: AccountId,
    /// Its name in the registry.
    pub account_name: String,
    /// Where it runs.
    pub region: Region,
    /// Which job: what events of one job are grouped by.
    pub job_id: JobId,
    /// What it is for.
    pub purpose: Purpose,
    /// Drill or real recovery, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<bool>,
    /// Its tag `drs-fleet:plan`: what jobs of one plan are grouped by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_name: Option<String>,
    /// The tag `drs-fleet:drill` that all its servers have: the window that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill_tag: Option<String>,
    /// `LAUNCH`, `TERMINATE`, `CREATE_CONVERTED_SNAPSHOT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_type: Option<String>,
    /// `START_DRILL`, `START_RECOVERY`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiated_by: Option<String>,
    /// Who started it, where CloudTrail told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// `PENDING`, `STARTED`, `COMPLETED`.
    pub status: String,
    /// What came of it; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How many servers take part.
    pub servers: u32,
    /// How many were launched, or terminated by a job that is to do that.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When it ends if it takes as long as such jobs usually do; absent once that is past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_end: Option<Timestamp>,
    /// Recovery time in seconds: from the start to the last server that was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_seconds: Option<u64>,
    /// How many servers took longer than their tag `drs-fleet:rto` allows.
    pub late_servers: u32,
    /// The first of the servers that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_servers: Vec<FailedServer>,
    /// When it happened.
    pub at: Timestamp,
}

/// A server that a job could not launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedServer {
    /// Which.
    pub server_id: SourceServerId,
    /// What people call it.
    pub name: String,
    /// Why, in plain words.
    pub reason: String,
}

/// The `detail` of `Failback State Changed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailbackEvent {
    /// The same for every delivery and every repetition.
    pub event_id: String,
    /// Whose.
    pub account_id: AccountId,
    /// Its name in the registry.
    pub account_name: String,
    /// Where.
    pub region: Region,
    /// Which recovery instance.
    pub recovery_instance_id: RecoveryInstanceId,
    /// The server that it was launched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_id: Option<SourceServerId>,
    /// What people call the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The job that launched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The state before, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The state: `FAILBACK_IN_PROGRESS`, `FAILBACK_COMPLETED`, …
    pub state: String,
    /// When it was observed.
    pub at: Timestamp,
}

impl JobEvent {
    /// The incident that it would be if it failed: what routes and windows look at.
    pub fn as_incident(&self) -> IncidentEvent {
        IncidentEvent {
            event_id: self.event_id.clone(),
            incident: self.event_id.clone(),
            happened: Happened::Opened,
            kind: IncidentKind::JobFailed,
            severity: Severity::Low,
            account_id: self.account_id.clone(),
            account_name: self.account_name.clone(),
            region: self.region.clone(),
            subject: self.job_id.to_string(),
            subject_name: self.plan_name.clone().unwrap_or_else(|| self.job_id.to_string()),
            opened_at: self.at,
            at: self.at,
            sequence: 1,
            reason: String::new(),
            flaps: 0,
            job_id: Some(self.job_id.clone()),
            plan_name: self.plan_name.clone(),
            drill: self.drill,
            application: None,
            drill_tag: self.drill_tag.clone(),
        }
    }

    /// The incident that it is where a server of its drill failed.
    pub fn as_failure(&self) -> Option<IncidentEvent> {
        (self.failed > 0).then(|| IncidentEvent { severity: self.purpose.severity(), ..self.as_incident() })
    }

    /// Where it runs.
    pub fn place(&self) -> Place {
        Place { account: self.account_id.clone(), region: self.region.clone() }
    }
}

impl FailbackEvent {
    /// Account and Region.
    pub fn place(&self) -> Place {
        Place { account: self.account_id.clone(), region: self.region.clone() }
    }
}
