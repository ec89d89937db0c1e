//! What is told of a drill.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Bulletin;
use crate::ids::{AccountId, Region};
use crate::incident::{IncidentKind, Severity};
use crate::own_event::{FailedServer, Happened, IncidentEvent};

impl From<Drill> for Bulletin {
    fn from(drill: Drill) -> Self {
        Self::Drill(Box::new(drill))
    }
}

/// How a drill goes, instead of pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drill {
    /// Window and number of the bulletin.
    pub key: String,
    /// What people call the drill: its plan, or what the window was opened for.
    pub name: String,
    /// What happened.
    pub happened: DrillHappened,
    /// When.
    pub at: Timestamp,
    /// When its first job began, or its window was opened.
    pub since: Timestamp,
    /// Where its jobs have run so far; 100 at most.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sites: BTreeSet<Site>,
}

/// Where jobs of a drill run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// The account.
    pub account_id: AccountId,
    /// Its name in the registry.
    pub account_name: String,
    /// The Region.
    pub region: Region,
}

/// An incident that a drill's window held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBack {
    /// `KIND/ACCOUNT/REGION/SUBJECT`.
    pub incident: String,
    /// What is or was wrong.
    pub kind: IncidentKind,
    /// How bad it is or was.
    pub severity: Severity,
    /// What its account is called.
    pub account_name: String,
    /// What it is about is called.
    pub subject_name: String,
    /// Whether it is open when the drill ends.
    pub open: bool,
}

impl From<&IncidentEvent> for HeldBack {
    fn from(event: &IncidentEvent) -> Self {
        Self {
            incident: event.incident.clone(),
            kind: event.kind,
            severity: event.severity,
            account_name: event.account_name.clone(),
            subject_name: event.subject_name.clone(),
            open: event.happened != Happened::Resolved,
        }
    }
}

/// What happened in a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum DrillHappened {
    /// It began.
    Started {
        /// Who opened the window by hand; `None` where a drill job opened it.
        by: Option<String>,
        /// Until when at most failures of the drill page nobody.
        until: Timestamp,
    },
    /// A job of it ended: a wave.
    Wave {
        /// The number of the wave, from 1.
        number: u32,
        /// The job.
        job_id: String,
        /// Where it ran; `None` in what an older release stored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_id: Option<AccountId>,
        /// Where it ran.
        account_name: String,
        /// Where it ran.
        region: String,
        /// How many servers took part.
        servers: u32,
        /// How many were launched.
        succeeded: u32,
        /// How many failed.
        failed: u32,
        /// From its start to the last server, in seconds.
        recovery_seconds: Option<u64>,
        /// The first of the servers that failed.
        failed_servers: Vec<FailedServer>,
    },
    /// It is over.
    Ended {
        /// How many jobs.
        waves: u32,
        /// How many servers took part.
        servers: u32,
        /// How many were launched.
        succeeded: u32,
        /// How many failed.
        failed: u32,
        /// The longest recovery time of a wave, in seconds.
        longest_seconds: Option<u64>,
        /// How many of the jobs still run. Each is told of when it ends.
        #[serde(default)]
        running: u32,
        /// How many incidents of the drill paged nobody.
        held: u32,
        /// The first of these, the worst first; empty where no window held them back.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        held_incidents: Vec<HeldBack>,
        /// The first of the servers that failed.
        failed_servers: Vec<FailedServer>,
    },
}
