//! Source servers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LastLaunch;
use crate::ids::{AccountId, InstanceId, SourceServerId};
use crate::keys::Place;

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
    /// How far its replication is.
    pub progress: Progress,
    /// `stagingArea`: where it replicates.
    pub staging: Staging,
    /// `lifeCycle.lastSeenByServiceDateTime`.
    pub last_seen: Option<Timestamp>,
    /// What changes seldom.
    pub facts: ServerFacts,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl ServerSeen {
    /// A server of which DRS shows nothing but id and ARN.
    pub fn new(id: SourceServerId, arn: String) -> Self {
        Self {
            id,
            arn,
            hostname: None,
            instance: None,
            state: None,
            error: None,
            progress: Progress::default(),
            staging: Staging::default(),
            last_seen: None,
            facts: ServerFacts::default(),
            tags: BTreeMap::new(),
        }
    }
}

/// How far the replication of a server is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// `lagDuration`: age of the newest consistent point; absent or unreadable = unknown.
    pub lag: Option<Duration>,
    /// Bytes that wait to be replicated, over all disks (`backloggedStorageBytes`).
    pub backlog: Option<u64>,
    /// Bytes that are replicated (`replicatedStorageBytes`).
    pub replicated: Option<u64>,
    /// Bytes that a rescan has read (`rescannedStorageBytes`).
    pub rescanned: Option<u64>,
    /// Bytes of all disks (`totalStorageBytes`).
    pub total: Option<u64>,
    /// The first initiation step that has not succeeded, and its status; absent when all have.
    pub step: Option<Step>,
}

/// One step of `dataReplicationInitiation`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Step {
    /// Such as `CREATE_STAGING_DISKS`.
    pub name: String,
    /// `NOT_STARTED`, `IN_PROGRESS`, `FAILED`.
    pub status: String,
}

/// `stagingArea` of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Staging {
    /// `NOT_EXTENDED`, `EXTENDED`, `EXTENSION_ERROR`; absent = replicates in this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The account in which it replicates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The server there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_arn: Option<String>,
    /// What is wrong with the extension, in AWS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What changes seldom in a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// Version of the replication agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// `FAILOVER`, or `FAILBACK` for one that replicates back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// Its operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Processor cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u64>,
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram: Option<u64>,
    /// Its disks, by name, in bytes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disks: BTreeMap<String, u64>,
    /// IP addresses of its network interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<String>,
    /// The EC2 instance type that DRS recommends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended_type: Option<String>,
    /// `originAccountID`, of an EC2 machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_account: Option<String>,
    /// `originAvailabilityZone`, or `originRegion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_zone: Option<String>,
    /// When it was added to DRS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_at: Option<Timestamp>,
    /// Its last drill or recovery: `NOT_STARTED`, `PENDING`, `SUCCEEDED`, `FAILED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_launch_result: Option<String>,
    /// Its last drill or recovery, with the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_launch: Option<LastLaunch>,
    /// The instance that was launched from it and still exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_instance: Option<String>,
}

impl ServerFacts {
    /// Where the EC2 machine runs that the server protects, where DRS tells both.
    pub fn origin(&self) -> Option<Place> {
        let zone = self.origin_zone.as_deref()?;
        // A zone is called after its Region: a letter follows its number.
        let region = zone.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let account = self.origin_account.as_deref()?.parse().ok()?;
        Some(Place { account, region: region.parse().ok()? })
    }
}

/// A server of a staging account that can be extended into the account that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensibleSeen {
    /// The server in the staging account.
    pub arn: String,
    /// Its host name.
    pub hostname: Option<String>,
    /// Its tags there.
    pub tags: BTreeMap<String, String>,
}

/// What decides whether the tags of a source server reach its recovery instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaunchConfigurationSeen {
    /// `copyTags`.
    pub copy_tags: bool,
    /// `launchIntoInstanceProperties` names an instance: then DRS copies no tags.
    pub launches_into_instance: bool,
}
