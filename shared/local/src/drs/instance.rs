//! Recovery instances and their way back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dice::hash;
use super::spec::Machine;
use super::stamp::{after, date_time};

/// Seconds from the start of failback replication until the launch is possible.
const SYNC: i64 = 45 * 60;

/// `FailbackState`, as far as it is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failback {
    NotStarted,
    InProgress,
    Ready,
    Completed,
    Error,
}

/// A launched machine, in a drill or for real.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    /// The EC2 instance id is the id of the recovery instance too.
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) server: String,
    pub(super) machine: Machine,
    pub(super) job: String,
    pub(super) drill: bool,
    pub(super) launched: Timestamp,
    pub(super) zone: String,
    pub(super) tags: BTreeMap<String, String>,
    /// It left the service and may be deleted from it.
    pub(super) disconnected: bool,
    pub(super) failback: Failback,
    pub(super) failback_since: Timestamp,
    pub(super) failback_job: Option<String>,
}

impl Instance {
    /// Failback replication is ready for the launch once it has caught up.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let ready = after(self.failback_since, SYNC);
        if self.failback == Failback::InProgress && self.failback_job.is_none() && ready <= now {
            (self.failback, self.failback_since) = (Failback::Ready, ready);
        }
    }

    /// `RecoveryInstance` as the API answers it.
    pub(super) fn show(&self, now: Timestamp) -> Value {
        let from_aws = self.machine.origin.is_some();
        let mut properties = self.machine.show(now);
        let disk = |(name, bytes): &(String, u64)| {
            let volume = format!("vol-0{:016x}", hash(&format!("{}{name}", self.id)));
            json!({ "internalDeviceName": name, "bytes": bytes, "ebsVolumeID": volume })
        };
        properties["disks"] = self.machine.disks.iter().map(disk).collect();
        json!({
            "recoveryInstanceID": self.id,
            "ec2InstanceID": self.id,
            "ec2InstanceState": "RUNNING",
            "arn": self.arn,
            "sourceServerID": self.server,
            "jobID": self.job,
            "isDrill": self.drill,
            "tags": self.tags,
            "failback": self.show_failback(),
            "dataReplicationInfo": { "dataReplicationState": self.replication_state() },
            "recoveryInstanceProperties": properties,
            "pointInTimeSnapshotDateTime": date_time(self.launched),
            "originEnvironment": if from_aws { "AWS" } else { "ON_PREMISES" },
            "originAvailabilityZone": self.zone,
            "agentVersion": "6.42.12.2025.353.1309",
        })
    }

    fn show_failback(&self) -> Value {
        let state = match self.failback {
            Failback::NotStarted => "FAILBACK_NOT_STARTED",
            Failback::InProgress => "FAILBACK_IN_PROGRESS",
            Failback::Ready => "FAILBACK_READY_FOR_LAUNCH",
            Failback::Completed => "FAILBACK_COMPLETED",
            Failback::Error => "FAILBACK_ERROR",
        };
        let mut shown = json!({ "state": state, "failbackToOriginalServer": true });
        if self.failback != Failback::NotStarted {
            shown["failbackInitiationTime"] = json!(date_time(self.failback_since));
        }
        if let Some(job) = &self.failback_job {
            shown["failbackJobID"] = json!(job);
        }
        shown
    }

    fn replication_state(&self) -> &'static str {
        match self.failback {
            _ if self.disconnected => "DISCONNECTED",
            Failback::NotStarted => "NOT_STARTED",
            Failback::InProgress => "INITIAL_SYNC",
            Failback::Ready => "CONTINUOUS",
            Failback::Completed => "STOPPED",
            Failback::Error => "STALLED",
        }
    }
}
