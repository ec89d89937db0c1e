//! Who or what started a job, which also says what the job does.

/// `InitiatedBy` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitiatedBy {
    /// A drill, begun by a person, by a program or by a recovery plan of DRS.
    StartDrill,
    /// A recovery, begun likewise.
    StartRecovery,
    /// The launch that ends a failback.
    Failback,
    /// AWS Support launches a server, which leaves no recovery instance here.
    Diagnostic,
    /// Recovery instances are ended.
    TerminateRecoveryInstances,
    /// The account that a server was extended into needs a snapshot to launch from.
    TargetAccount,
    /// A source network is deployed.
    CreateNetworkRecovery,
    /// A source network that was deployed is brought up to date.
    UpdateNetworkRecovery,
    /// A source network gets a stack that somebody else deployed.
    AssociateNetworkRecovery,
}

impl InitiatedBy {
    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::StartDrill => "START_DRILL",
            Self::StartRecovery => "START_RECOVERY",
            Self::Failback => "FAILBACK",
            Self::Diagnostic => "DIAGNOSTIC",
            Self::TerminateRecoveryInstances => "TERMINATE_RECOVERY_INSTANCES",
            Self::TargetAccount => "TARGET_ACCOUNT",
            Self::CreateNetworkRecovery => "CREATE_NETWORK_RECOVERY",
            Self::UpdateNetworkRecovery => "UPDATE_NETWORK_RECOVERY",
            Self::AssociateNetworkRecovery => "ASSOCIATE_NETWORK_RECOVERY",
        }
    }

    /// `JobType` of such jobs. AWS does not say which one network recoveries have; only `LAUNCH` fits.
    pub fn job_type(self) -> &'static str {
        match self {
            Self::TerminateRecoveryInstances => "TERMINATE",
            Self::TargetAccount => "CREATE_CONVERTED_SNAPSHOT",
            _ => "LAUNCH",
        }
    }

    /// Whether it launches recovery instances, and so tells the result for each server.
    pub(super) fn recovers(self) -> bool {
        matches!(self, Self::StartDrill | Self::StartRecovery)
    }

    /// Whether its participants are source networks.
    pub(super) fn is_of_networks(self) -> bool {
        matches!(
            self,
            Self::CreateNetworkRecovery | Self::UpdateNetworkRecovery | Self::AssociateNetworkRecovery
        )
    }
}
