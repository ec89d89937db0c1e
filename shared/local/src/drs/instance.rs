//! Recovery instances: what was launched, and whether the machine runs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dice::hash;
use super::failback::Failback;
use super::notice;
use super::spec::Machine;
use super::stamp::{after, date_time};
use crate::events::ServiceEvent;

/// `EC2InstanceState` of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    Pending,
    Running,
    Stopping,
    Stopped,
    ShuttingDown,
    Terminated,
    NotFound,
}

impl Power {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
            Self::ShuttingDown => "SHUTTING-DOWN",
            Self::Terminated => "TERMINATED",
            Self::NotFound => "NOT_FOUND",
        }
    }

    /// What comes next by itself, and after how many seconds. EC2 shows a terminated machine for about an hour.
    fn following(self) -> Option<(Self, i64)> {
        match self {
            Self::Pending => Some((Self::Running, 20)),
            Self::Stopping => Some((Self::Stopped, 40)),
            Self::ShuttingDown => Some((Self::Terminated, 60)),
            Self::Terminated => Some((Self::NotFound, 3_600)),
            Self::Running | Self::Stopped | Self::NotFound => None,
        }
    }
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
    pub(super) power: Power,
    pub(super) power_since: Timestamp,
    /// It left the service and may be deleted from it.
    pub(super) disconnected: bool,
    pub(super) failback: Failback,
}

impl Instance {
    /// Lets time pass.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some((next, lasts)) = self.power.following() {
            let at = after(self.power_since, lasts);
            if at > now {
                break;
            }
            self.turn(next, at);
        }
        self.failback.advance(now);
    }

    /// The machine goes into a state.
    pub(super) fn turn(&mut self, power: Power, at: Timestamp) {
        (self.power, self.power_since) = (power, at);
    }

    /// The event of the state that its failback is in, for those that have one.
    pub(super) fn tell_failback(&self, at: Timestamp) -> Option<ServiceEvent> {
        let state = self.failback.state;
        state.is_told().then(|| notice::failback(&self.arn, state.name(), at))
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
            "ec2InstanceState": self.power.name(),
            "arn": self.arn,
            "sourceServerID": self.server,
            "jobID": self.job,
            "isDrill": self.drill,
            "tags": self.tags,
            "failback": self.failback.show(self.agent_seen(now)),
            "dataReplicationInfo": self.replication(now),
            "recoveryInstanceProperties": properties,
            "pointInTimeSnapshotDateTime": date_time(self.launched),
            "originEnvironment": if from_aws { "AWS" } else { "ON_PREMISES" },
            "originAvailabilityZone": self.zone,
            "agentVersion": "6.42.12.2025.353.1309",
        })
    }

    fn replication(&self, now: Timestamp) -> Value {
        if self.disconnected {
            return json!({ "dataReplicationState": "DISCONNECTED" });
        }
        self.failback.show_replication(&self.id, now)
    }

    fn agent_seen(&self, now: Timestamp) -> Timestamp {
        if self.power == Power::Running { now } else { self.power_since }
    }
}
