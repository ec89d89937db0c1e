//! What an event says, once its envelope is read. Unknown types and states are [`Event::Unknown`]: recorded,
//! counted and not acted on, for AWS adds to them without notice.

mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::read::read;
use crate::ids::{InstanceId, JobId, RecoveryInstanceId, SourceServerId};
use crate::notify::SampleEvent;
use crate::own_event::{IncidentEvent, JobEvent};
use crate::tags::TagRequest;

/// The `source` of messages that a schedule of the hub puts on the queues.
pub const SCHEDULE_SOURCE: &str = "drs-fleet.schedule";
/// The `source` of a spoke's heartbeat.
pub const SPOKE_SOURCE: &str = "drs-fleet.spoke";
/// The `detail-type` with which the schedule asks for sweeps of all places.
pub const SWEEP_TICK: &str = "Sweep Tick";
/// The `detail-type` that asks for the sweep of the place that the envelope names.
pub const SWEEP_PLACE: &str = "Sweep Place";
/// The `detail-type` with which a person asks the tag-sync to bring the place that the envelope names in line.
pub const SYNC_TAGS: &str = "Sync Tags";

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `DRS Source Server Data Replication Stalled Change`.
    StalledChange {
        /// Which server.
        server: SourceServerId,
        /// `STALLED` or `NOT_STALLED`.
        stalled: bool,
    },
    /// `DRS Source Server Launch Result`.
    LaunchResult {
        /// Which server.
        server: SourceServerId,
        /// Of which job.
        job: JobId,
        /// `RECOVERY_LAUNCH_SUCCEEDED` or `RECOVERY_LAUNCH_FAILED`.
        launched: bool,
        /// Drill or real recovery; both have the same states.
        drill: bool,
    },
    /// `DRS Recovery Instance Failback State Change`.
    FailbackChange {
        /// Which recovery instance.
        instance: RecoveryInstanceId,
        /// `FAILBACK_IN_PROGRESS`, `FAILBACK_COMPLETED`, `FAILBACK_ERROR` or what AWS adds.
        state: String,
    },
    /// `DRS PIT Snapshot Taken`; not forwarded by default.
    SnapshotTaken {
        /// Which server.
        server: SourceServerId,
        /// The EBS snapshots, which AWS joins with commas.
        ebs_snapshots: Vec<String>,
    },
    /// One of the two source-network types, whose payload AWS does not document.
    SourceNetwork,
    /// A DRS API call recorded by CloudTrail.
    ApiCall(ApiCall),
    /// `Tag Change on Resource` of an EC2 instance: all tags after the change.
    TagsChanged(TagsChanged),
    /// A spoke says that its rules still forward.
    Heartbeat,
    /// The schedule asks for sweeps of all places.
    SweepTick,
    /// Sweep the place that the envelope names.
    SweepPlace {
        /// The schedule asks, and may ask too early; whoever else asks has a reason.
        scheduled: bool,
    },
    /// Bring the tags of the place that the envelope names in line: a person asks.
    SyncTags(TagRequest),
    /// One of our own, of an incident; the other own events are for subscribers.
    Own(Box<IncidentEvent>),
    /// One of our own: a job of a drill began or ended.
    DrillJob(Box<JobEvent>),
    /// One of our own: a person wants a sample sent through a channel.
    Sample(Box<SampleEvent>),
    /// Nothing that we know.
    Unknown,
}

/// A DRS API call recorded by CloudTrail.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    /// `eventName`, such as `StartRecovery`.
    pub name: String,
    /// Set when the call was refused; then nothing happened.
    pub error: Option<String>,
    /// Who called.
    pub caller: Caller,
    /// The job that the call started, or that it names.
    pub job: Option<JobId>,
    /// `isDrill`, of a call that starts a recovery.
    pub drill: Option<bool>,
    /// The tag `drs-fleet:plan` that it puts on the job.
    pub plan: Option<String>,
    /// The source servers that it names.
    pub servers: Vec<SourceServerId>,
}

/// Who called an API, as CloudTrail tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Caller {
    /// `userIdentity.arn`; for a service, its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The role behind the session: `userIdentity.sessionContext.sessionIssuer.arn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `sourceIPAddress`; for a service, its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

impl Caller {
    /// Whether CloudTrail says who it was.
    pub fn is_known(&self) -> bool {
        self.principal.is_some() || self.role.is_some()
    }

    /// The name of the session or the user, for people: `assumed-role/ops/alice` is alice.
    pub fn name(&self) -> Option<&str> {
        let principal = self.principal.as_deref()?;
        Some(
            principal
                .rsplit_once('/')
                .filter(|_| principal.starts_with("arn:"))
                .map_or(principal, |(_, name)| name),
        )
    }
}

/// The tags of an EC2 instance after a change.
#[derive(Clone, Debug, PartialEq)]
pub struct TagsChanged {
    /// Which instance.
    pub instance: InstanceId,
    /// Rises with each change of the instance's tags; the highest wins.
    pub version: u64,
    /// All of them.
    pub tags: BTreeMap<String, String>,
}
