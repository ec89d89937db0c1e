//! The kinds of incidents.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum IncidentKind {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl IncidentKind {
            /// All of them.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// As stored and published.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    /// A source server's replication has stalled: its recovery point ages.
    ReplicationStalled = "REPLICATION_STALLED",
    /// A source server's agent is disconnected from DRS, and nobody asked for that.
    ServerDisconnected = "SERVER_DISCONNECTED",
    /// A source server's newest consistent point is old.
    ReplicationLag = "REPLICATION_LAG",
    /// A source server has much data that is not replicated yet.
    ReplicationBacklog = "REPLICATION_BACKLOG",
    /// DRS has not seen the agent of a source server for some time.
    ServerNotSeen = "SERVER_NOT_SEEN",
    /// A source server's first replication makes no progress.
    InitialSyncStuck = "INITIAL_SYNC_STUCK",
    /// A source server misses the recovery point objective in its tag `drs-fleet:rpo`.
    RpoGap = "RPO_GAP",
    /// An extended source server has lost its staging server or the right to use it.
    ExtensionError = "EXTENSION_ERROR",
    /// A source server that replicated continuously reads its disks again from the beginning.
    FullResync = "FULL_RESYNC",
    /// An account nears or has reached its quota of replicating servers in a Region.
    CapacityReplicating = "CAPACITY_REPLICATING",
    /// An account nears or has reached its quota of source servers in a Region.
    CapacityTotal = "CAPACITY_TOTAL",
    /// Neither heartbeat nor event of an account comes from a Region any more.
    SpokeSilent = "SPOKE_SILENT",
    /// Sweeps of an account and Region do not end: it throttles us, or does not answer.
    SweepOverdue = "SWEEP_OVERDUE",
    /// An account sends events and is not in the registry.
    UnregisteredAccount = "UNREGISTERED_ACCOUNT",
    /// The spoke's role refuses us: nothing of this account is seen.
    AccountDenied = "ACCOUNT_DENIED",
    /// Nothing of a job moves any more.
    JobStuck = "JOB_STUCK",
    /// A job failed, with all of its servers or with some.
    JobFailed = "JOB_FAILED",
    /// An account nears or has reached a quota of jobs in a Region: the next one may be refused.
    JobsNearQuota = "JOBS_NEAR_QUOTA",
    /// Instances of a drill still run long after it: they cost money.
    DrillLeftRunning = "DRILL_LEFT_RUNNING",
    /// The replication of a recovery instance back to its source has failed.
    FailbackFailed = "FAILBACK_FAILED",
    /// After a failback, an extended source server does not replicate again.
    ReplicationNotResumed = "REPLICATION_NOT_RESUMED",
    /// Tags of a machine cannot be copied to its source server.
    TagsUnfit = "TAGS_UNFIT",
    /// A source server refuses the tags of its machine.
    TagsRefused = "TAGS_REFUSED",
    /// A tag by which DRS knows an instance was removed or changed.
    InstanceTagTampered = "INSTANCE_TAG_TAMPERED",
    /// A channel over which people are told takes nothing any more.
    ChannelFailing = "CHANNEL_FAILING",
}

impl fmt::Display for IncidentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
