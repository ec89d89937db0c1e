//! What each kind of incident is called, whom it concerns, and what to do first.

use crate::incident::IncidentKind;

/// What an incident is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// A source server.
    Server,
    /// An account, in a Region.
    Account,
    /// A job.
    Job,
    /// A recovery instance.
    RecoveryInstance,
    /// A channel over which people are told.
    Channel,
}

/// Whom it concerns.
pub fn subject(kind: IncidentKind) -> SubjectKind {
    match kind {
        IncidentKind::ReplicationStalled
        | IncidentKind::ServerDisconnected
        | IncidentKind::ReplicationLag
        | IncidentKind::ReplicationBacklog
        | IncidentKind::ServerNotSeen
        | IncidentKind::InitialSyncStuck
        | IncidentKind::RpoGap
        | IncidentKind::ExtensionError
        | IncidentKind::FullResync
        | IncidentKind::TagsUnfit
        | IncidentKind::TagsRefused => SubjectKind::Server,
        IncidentKind::CapacityReplicating
        | IncidentKind::CapacityTotal
        | IncidentKind::SpokeSilent
        | IncidentKind::SweepOverdue
        | IncidentKind::UnregisteredAccount
        | IncidentKind::AccountDenied
        | IncidentKind::JobsNearQuota => SubjectKind::Account,
        IncidentKind::JobStuck | IncidentKind::JobFailed | IncidentKind::DrillLeftRunning => SubjectKind::Job,
        IncidentKind::FailbackFailed
        | IncidentKind::ReplicationNotResumed
        | IncidentKind::InstanceTagTampered => SubjectKind::RecoveryInstance,
        IncidentKind::ChannelFailing => SubjectKind::Channel,
    }
}

/// What is wrong, in plain words; a name follows it.
pub fn title(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::ReplicationStalled => "Replication stalled",
        IncidentKind::ServerDisconnected => "Source server disconnected",
        IncidentKind::ReplicationLag => "High replication lag",
        IncidentKind::ReplicationBacklog => "Large replication backlog",
        IncidentKind::ServerNotSeen => "Agent not seen",
        IncidentKind::InitialSyncStuck => "Initial sync stuck",
        IncidentKind::RpoGap => "Recovery point objective missed",
        IncidentKind::ExtensionError => "Extension error",
        IncidentKind::FullResync => "Full resync started",
        IncidentKind::CapacityReplicating => "Replicating servers near or at quota",
        IncidentKind::CapacityTotal => "Source servers near or at quota",
        IncidentKind::SpokeSilent => "Spoke silent",
        IncidentKind::SweepOverdue => "Account cannot be swept",
        IncidentKind::UnregisteredAccount => "Unregistered account sends events",
        IncidentKind::AccountDenied => "Account refuses access",
        IncidentKind::JobStuck => "Job stuck",
        IncidentKind::JobFailed => "Failures in job",
        IncidentKind::JobsNearQuota => "Jobs near or at quota",
        IncidentKind::DrillLeftRunning => "Drill left running",
        IncidentKind::FailbackFailed => "Failback failed",
        IncidentKind::ReplicationNotResumed => "Not replicating after failback",
        IncidentKind::TagsUnfit => "Tags cannot be copied",
        IncidentKind::TagsRefused => "Tags refused",
        IncidentKind::InstanceTagTampered => "DRS tag removed or changed",
        IncidentKind::ChannelFailing => "Channel takes no messages",
    }
}

const CHANNEL_FAILING: &str = "Check its secret or its topic; drs-fleet notify test says whether that helped. What was meant for it \
     is tried for half a day and then given up on: drs-fleet notifications retry sends that once more.";

/// What it means and what to do first, in a sentence or two.
///
/// Sources. Ports: DRS user guide, "Network requirements". Settings, and what disconnecting and stopping do: DRS API
/// reference. Causes of extension errors, of resyncs by encryption and of agents that stop after a failback: user guide,
/// "Multi-account". Quotas: AWS General Reference.
pub fn advice(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::ReplicationStalled => {
            "Check that the server is up, that its AWS Replication Agent runs, and that it reaches the staging area \
             subnet on TCP 1500."
        }
        IncidentKind::ServerDisconnected => {
            "It does not replicate until the AWS Replication Agent is installed on it again. Find out who \
             disconnected it or removed the agent."
        }
        IncidentKind::ReplicationLag => {
            "Compare what the server writes with its bandwidth to the staging area subnet, and look for bandwidth \
             throttling in its replication settings."
        }
        IncidentKind::ReplicationBacklog => {
            "Check whether the server writes unusually much, then its bandwidth to the staging area subnet. For \
             servers that always do, consider a dedicated replication server in the replication settings."
        }
        IncidentKind::ServerNotSeen => {
            "Check that the server is up, that its AWS Replication Agent runs, and that it reaches the DRS endpoint \
             of this Region on TCP 443."
        }
        IncidentKind::InitialSyncStuck => {
            "Find the step that fails among the server's initiation steps. The server needs TCP 1500 to the staging \
             area subnet, which needs TCP 443 to DRS and Amazon S3."
        }
        IncidentKind::RpoGap => {
            "A recovery now would lose more data than the tag drs-fleet:rpo allows. Check whether replication of \
             this server is stalled, lags or has a backlog."
        }
        IncidentKind::ExtensionError => {
            "Check in the staging account that the source server still exists and that the role \
             DRSStagingAccountRole for this account is still there."
        }
        IncidentKind::FullResync => {
            "Until it ends, the newest recovery point ages. Find out whether the agent was reinstalled, the EBS \
             encryption key was changed, or replication was stopped, which deletes the earlier points."
        }
        IncidentKind::CapacityReplicating => {
            "Put new servers into another account: drs-fleet capacity place says which. Quota L-C1D14A2B is not \
             adjustable."
        }
        IncidentKind::CapacityTotal => {
            "Delete source servers that are disconnected for good, or ask for more in Service Quotas: L-E28BE5E0 is \
             adjustable."
        }
        IncidentKind::SpokeSilent => {
            "Check the drs-fleet stack there: its rules and its heartbeat schedule are enabled, their roles exist; then \
             the policy of the hub's bus. Until then what is wrong with its servers is told to nobody: drs-fleet incidents \
             list shows it."
        }
        IncidentKind::SweepOverdue => {
            "Look whether other tools call DRS often in this account, and whether the hub reaches the DRS endpoint of \
             the Region on TCP 443. Events still come in; what only sweeps tell is old."
        }
        IncidentKind::UnregisteredAccount => {
            "Its events are counted and not acted on. Register it with drs-fleet accounts add, or delete the \
             drs-fleet stack in it."
        }
        IncidentKind::AccountDenied => {
            "Nothing is seen of this account. Check its role drs-fleet-spoke and the external id: drs-fleet accounts \
             validate says what fails."
        }
        IncidentKind::JobStuck => {
            "drs-fleet jobs show tells which servers wait, and in which phase. Conversion servers need TCP 443 to DRS, \
             EC2 and Amazon S3, and room in the account's EC2 quotas."
        }
        IncidentKind::JobFailed => {
            "drs-fleet jobs show tells why each server failed. Mend that and launch these servers again: the incident \
             ends when later jobs have launched all of them."
        }
        IncidentKind::JobsNearQuota => {
            "DRS may refuse the next StartRecovery: wait until jobs have ended, or put more servers into one job (100 \
             at most). Quotas L-D88FAC3A and L-05AFA8C6 are not adjustable."
        }
        IncidentKind::DrillLeftRunning => {
            "The instances cost money: when nobody uses them any more, terminate them in the DRS console or with \
             TerminateRecoveryInstances. drs-fleet recovery-instances list shows which run."
        }
        IncidentKind::FailbackFailed => {
            "Check that the failback client runs, and that it reaches the recovery instance on TCP 1500 and the DRS \
             endpoint of this Region on TCP 443. Then start the failback again."
        }
        IncidentKind::TagsUnfit => {
            "AWS allows 50 tags on a resource, keys of 128 and values of 256 characters. Shorten them, or leave some out \
             in the rules: drs-fleet tags policy."
        }
        IncidentKind::TagsRefused => {
            "Check that the role drs-fleet-spoke may call TagResource and UntagResource: drs-fleet accounts validate \
             says what fails."
        }
        IncidentKind::InstanceTagTampered => {
            "DRS knows its instances by these tags and may lose or terminate what lacks them. Put them back as they \
             were, and find out who changed them."
        }
        IncidentKind::ChannelFailing => CHANNEL_FAILING,
        IncidentKind::ReplicationNotResumed => {
            "After a failback of an extended source server its agent stops, as AWS documents: install the AWS \
             Replication Agent on the original machine again, in the staging account."
        }
    }
}
