//! What AWS calls the states of replication and the steps of its initiation.

/// The steps of initiation, in AWS's order.
pub(in crate::drs) const STEPS: [&str; 11] = [
    "WAIT",
    "CREATE_SECURITY_GROUP",
    "LAUNCH_REPLICATION_SERVER",
    "BOOT_REPLICATION_SERVER",
    "AUTHENTICATE_WITH_SERVICE",
    "DOWNLOAD_REPLICATION_SOFTWARE",
    "CREATE_STAGING_DISKS",
    "ATTACH_STAGING_DISKS",
    "PAIR_REPLICATION_SERVER_WITH_AGENT",
    "CONNECT_AGENT_TO_REPLICATION_SERVER",
    "START_DATA_TRANSFER",
];

/// `DataReplicationState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::drs) enum Phase {
    Initiating,
    InitialSync,
    CreatingSnapshot,
    Continuous,
    Backlog,
    Rescan,
    Stalled,
    Paused,
    Stopped,
    Disconnected,
}

impl Phase {
    /// As the API writes it.
    pub(in crate::drs) fn name(self) -> &'static str {
        match self {
            Self::Initiating => "INITIATING",
            Self::InitialSync => "INITIAL_SYNC",
            Self::CreatingSnapshot => "CREATING_SNAPSHOT",
            Self::Continuous => "CONTINUOUS",
            Self::Backlog => "BACKLOG",
            Self::Rescan => "RESCAN",
            Self::Stalled => "STALLED",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
            Self::Disconnected => "DISCONNECTED",
        }
    }
}
