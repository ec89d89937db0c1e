//! A recovery instance: the machine that a drill or a recovery launched, and its way back. Written by the job-monitor.
//!
//! Its failback is a facet that takes what is newer than it knows, whether an event or a sweep told it.

pub mod cost;
mod decide;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::decide::{Context, decide};
use crate::ids::{JobId, RecoveryInstanceId, SourceServerId};
use crate::incident::{self, Incidents};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Row, Troubled};
use crate::seen::{RecoveryInstanceSeen, Size};
use crate::stamp::Stamp;
use crate::sweep::after;

/// An instance that is gone is kept so long: 90 days.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// Right after a failback, its source server may still be shown as it was before: whether it replicates again is clear
/// only so long after it.
const RESUMES_WITHIN: Duration = Duration::from_hours(1);

/// The state of a failback that failed.
pub const FAILED: &str = "FAILBACK_ERROR";
/// The state of a failback that succeeded.
pub const COMPLETED: &str = "FAILBACK_COMPLETED";

/// A recovery instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecoveryRow {
    /// Where it is.
    pub place: Place,
    /// Its id.
    pub id: RecoveryInstanceId,
    /// The server that was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<SourceServerId>,
    /// What people call the server, as the inventory had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The job that launched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// The job's tag `drs-fleet:plan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Launched by a drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<bool>,
    /// When its job launched it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launched_at: Option<Timestamp>,
    /// The first sweep that listed it, in AWS's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// What the last sweep that saw a change told of its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Its way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failback: Option<Failback>,
    /// Whether its source server replicates again after the failback, as far as that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumption: Option<Resumption>,
    /// Set when a complete sweep no longer found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
    /// When the job-monitor looks at it again, while anything is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

/// The machine. Greater is newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Machine {
    /// The sweep that told it, in AWS's time.
    pub seen_at: Timestamp,
    /// `ec2InstanceState`, such as `RUNNING`.
    pub state: String,
    /// Its hardware.
    #[serde(default)]
    pub size: Size,
}

/// The way back of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failback {
    /// `FAILBACK_NOT_STARTED`, `FAILBACK_IN_PROGRESS`, `FAILBACK_ERROR`, …
    pub state: String,
    /// When this state was first observed.
    pub since: Timestamp,
    /// When it was last observed to have changed, and by what.
    pub stamp: Stamp,
    /// `FailbackReplicationError`, where DRS tells one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether the source server of a failed-back instance replicates again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// When that was looked at, in our time.
    pub at: Timestamp,
    /// Its replication state.
    pub state: String,
    /// Whether that is one in which it replicates, or nobody waits for it any more.
    pub replicates: bool,
}

/// What was observed of a recovery instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The Failback State Change event.
    Failback {
        /// `FAILBACK_IN_PROGRESS`, `FAILBACK_COMPLETED`, `FAILBACK_ERROR` or what AWS adds.
        state: String,
        /// The event's time.
        at: Timestamp,
    },
    /// A sweep listed it.
    Seen {
        /// As listed.
        seen: Box<RecoveryInstanceSeen>,
        /// AWS's time of the sweep.
        at: Timestamp,
    },
    /// A complete sweep did not list it.
    Gone {
        /// AWS's time of the sweep.
        at: Timestamp,
    },
    /// What else the table knows of it.
    Known {
        /// What people call its server.
        name: Option<String>,
        /// The plan of its job.
        plan: Option<String>,
        /// When its job launched it.
        launched_at: Option<Timestamp>,
    },
    /// Its source server was looked at after the failback.
    Resumption(Resumption),
}

impl Row for RecoveryRow {
    const KIND: &'static str = "recovery-instance";
    const WORKER: &'static str = WorkerName::Jobs.as_str();

    fn key(&self) -> Key {
        keys::recovery(&self.place, &self.id)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        [self.look_at, incident::wake_at(&self.incidents)].into_iter().flatten().min()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        // What is open on it is told to be over before it is forgotten.
        let is_over = incident::open(&self.incidents).next().is_none();
        self.gone_since.filter(|_| is_over).map(|gone| after(gone, KEPT))
    }
}

impl Troubled for RecoveryRow {
    fn incidents(&self) -> &Incidents {
        &self.incidents
    }
}

impl RecoveryRow {
    fn unknown((place, id): (&Place, &RecoveryInstanceId)) -> Self {
        Self {
            place: place.clone(),
            id: id.clone(),
            server: None,
            name: None,
            job: None,
            plan: None,
            drill: None,
            launched_at: None,
            first_seen: None,
            machine: None,
            failback: None,
            resumption: None,
            gone_since: None,
            look_at: None,
            incidents: Incidents::new(),
        }
    }

    /// What people call it: by the server that it was launched from.
    pub fn label(&self) -> &str {
        self.name.as_deref().or(self.server.as_ref().map(SourceServerId::as_str)).unwrap_or(self.id.as_str())
    }

    /// Since when it exists, as far as is known.
    pub fn since(&self) -> Option<Timestamp> {
        self.launched_at.or(self.first_seen)
    }

    /// Whether its machine costs money for running: every state but those of a stopped or ended one.
    pub fn runs(&self) -> bool {
        self.gone_since.is_none() && self.machine.as_ref().is_some_and(|machine| runs(&machine.state))
    }

    /// Whether it must still be looked at whether its source server replicates again.
    pub fn awaits_resumption(&self) -> bool {
        let completed = self.failback.as_ref().filter(|failback| failback.state == COMPLETED);
        completed.is_some_and(|failback| {
            let clear = after(failback.since, RESUMES_WITHIN);
            !self.resumption.as_ref().is_some_and(|known| known.replicates && clear <= known.at)
        })
    }

    /// Its class of cost.
    pub fn cost_class(&self) -> CostClass {
        self.machine.as_ref().map_or(CostClass::Unknown, |machine| CostClass::of(machine.size))
    }
}

/// Whether an instance in this state (`ec2InstanceState`) costs money for running.
pub fn runs(state: &str) -> bool {
    !matches!(state, "STOPPED" | "STOPPING" | "SHUTTING-DOWN" | "TERMINATED" | "NOT_FOUND")
}

/// What a machine roughly costs: DRS tells cores and memory of an instance, and not its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CostClass {
    /// Up to 2 cores and 8 GiB.
    Small,
    /// Up to 8 cores and 32 GiB.
    Medium,
    /// Up to 32 cores and 128 GiB.
    Large,
    /// More.
    Huge,
    /// The agent does not say.
    Unknown,
}

impl CostClass {
    /// The class of some hardware.
    pub fn of(size: Size) -> Self {
        let gib = size.ram.div_ceil(1 << 30);
        match (size.cores, gib) {
            (0, 0) => Self::Unknown,
            (..=2, ..=8) => Self::Small,
            (..=8, ..=32) => Self::Medium,
            (..=32, ..=128) => Self::Large,
            _ => Self::Huge,
        }
    }
}

impl std::fmt::Display for CostClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Small => "SMALL",
            Self::Medium => "MEDIUM",
            Self::Large => "LARGE",
            Self::Huge => "HUGE",
            Self::Unknown => "UNKNOWN",
        })
    }
}

#[cfg(test)]
mod tests;
