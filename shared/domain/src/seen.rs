//! What a sweep sees: AWS's answers, reduced to what decisions use. States stay texts where AWS may add more.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ids::{InstanceId, JobId, RecoveryInstanceId, SourceServerId};

/// One page of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// What it lists.
    pub items: Vec<T>,
    /// Asks for the next page; `None` on the last.
    pub next: Option<String>,
    /// AWS's own time: the answer's `Date` header, in whole seconds.
    pub date: Timestamp,
    /// False where DRS was never initialised in the Region: there are no servers, which is no failure.
    pub initialized: bool,
}

/// A source server as `DescribeSourceServers` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSeen {
    /// Its id.
    pub id: SourceServerId,
    /// Its ARN, for `TagResource`.
    pub arn: String,
    /// `identificationHints.hostname`.
    pub hostname: Option<String>,
    /// `identificationHints.awsInstanceID`; often absent even for EC2 machines.
    pub instance: Option<InstanceId>,
    /// `dataReplicationState`; absent when DRS shows no replication information.
    pub state: Option<String>,
    /// `dataReplicationError.error`.
    pub error: Option<String>,
    /// `lagDuration`, an ISO 8601 duration; absent = unknown.
    pub lag: Option<String>,
    /// `stagingArea.status`; absent = replicates in this account.
    pub extension: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

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
