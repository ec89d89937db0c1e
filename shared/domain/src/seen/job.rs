//! Jobs, and the recovery instances that they launch.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{JobId, RecoveryInstanceId, SourceServerId};

/// A job as `DescribeJobs` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSeen {
    /// Its id.
    pub id: JobId,
    /// `LAUNCH`, `TERMINATE`, `CREATE_CONVERTED_SNAPSHOT` or what AWS adds.
    pub kind: String,
    /// `START_DRILL`, `START_RECOVERY`, `FAILBACK`, ….
    pub initiated_by: Option<String>,
    /// `PENDING`, `STARTED` or `COMPLETED`; there is no failed job.
    pub status: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What became of each server.
    pub servers: Vec<JobServerSeen>,
    /// The `launchStatus` of each source network that takes part (`participatingResources`), of a network recovery.
    pub networks: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl JobSeen {
    /// A job of which DRS shows nothing but id and status.
    pub fn new(id: JobId, status: &str) -> Self {
        Self {
            id,
            kind: String::new(),
            initiated_by: None,
            status: status.to_owned(),
            created: None,
            ended: None,
            servers: Vec::new(),
            networks: Vec::new(),
            tags: BTreeMap::new(),
        }
    }

    /// Whether it holds its servers and its place among the jobs at a time.
    pub fn is_active(&self) -> bool {
        self.status != crate::job::COMPLETED
    }
}

/// One of a job's `participatingServers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobServerSeen {
    /// Which server.
    pub server: SourceServerId,
    /// `PENDING`, `IN_PROGRESS`, `LAUNCHED`, `FAILED`, `TERMINATED`.
    pub launch_status: Option<String>,
    /// May be missing even on a launched server.
    pub recovery_instance: Option<RecoveryInstanceId>,
}

/// A line of a job's log (`DescribeJobLogItems`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobLogSeen {
    /// `logDateTime`.
    pub at: Timestamp,
    /// `JobLogEvent`, such as `SNAPSHOT_START`.
    pub event: String,
    /// The server that it is about; none where it is about the whole job.
    pub server: Option<SourceServerId>,
    /// `rawError`.
    pub error: Option<String>,
}

/// A recovery instance as `DescribeRecoveryInstances` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryInstanceSeen {
    /// Its id: that of the EC2 instance.
    pub id: RecoveryInstanceId,
    /// The server that was launched.
    pub server: Option<SourceServerId>,
    /// The job that launched it.
    pub job: Option<JobId>,
    /// Launched by a drill.
    pub drill: Option<bool>,
    /// `ec2InstanceState`.
    pub state: Option<String>,
    /// `failback.state`.
    pub failback: Option<String>,
    /// `dataReplicationInfo.dataReplicationError.error`: what is wrong with the replication back.
    pub failback_error: Option<String>,
    /// Its hardware.
    pub size: Size,
}

/// Hardware of a machine, as its agent reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Size {
    /// Processor cores; 0 where the agent does not say.
    #[serde(default)]
    pub cores: u64,
    /// Bytes of memory; 0 where the agent does not say.
    #[serde(default)]
    pub ram: u64,
}

/// A server's last drill or recovery (`lifeCycle.lastLaunch`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLaunch {
    /// When it was asked for.
    pub at: Timestamp,
    /// By a drill.
    pub drill: bool,
    /// Its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// `LaunchStatus`.
    pub status: String,
}
