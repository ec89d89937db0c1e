//! What each kind of incident is called, whom it concerns, and what usually helps.

use crate::incident::IncidentKind;

/// What an incident is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// A source server.
    Server,
    /// An account, in a Region.
    Account,
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
        | IncidentKind::FullResync => SubjectKind::Server,
        IncidentKind::CapacityReplicating
        | IncidentKind::CapacityTotal
        | IncidentKind::SpokeSilent
        | IncidentKind::UnregisteredAccount
        | IncidentKind::AccountDenied => SubjectKind::Account,
    }
}

/// What is wrong, in plain words.
pub fn title(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::ReplicationStalled => "Replication stalled",
        IncidentKind::ServerDisconnected => "Server disconnected",
        IncidentKind::ReplicationLag => "Replication lags",
        IncidentKind::ReplicationBacklog => "Replication backlog",
        IncidentKind::ServerNotSeen => "Agent not seen",
        IncidentKind::InitialSyncStuck => "Initial sync stuck",
        IncidentKind::RpoGap => "Recovery point too old",
        IncidentKind::ExtensionError => "Extension broken",
        IncidentKind::FullResync => "Full resync started",
        IncidentKind::CapacityReplicating => "Replicating servers near the quota",
        IncidentKind::CapacityTotal => "Source servers near the quota",
        IncidentKind::SpokeSilent => "Spoke silent",
        IncidentKind::UnregisteredAccount => "Unregistered account sends events",
        IncidentKind::AccountDenied => "Account refuses access",
    }
}

/// What usually helps.
pub fn advice(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::ReplicationStalled => {
            "Check that the server is up, that its agent runs, and that it reaches the staging subnet on TCP 1500."
        }
        IncidentKind::ServerDisconnected => {
            "Check that the server still exists and that its agent is installed; reinstall the agent to reconnect it."
        }
        IncidentKind::ReplicationLag | IncidentKind::RpoGap => {
            "Check the bandwidth from the server to the staging subnet, its write rate, and the replication server's type."
        }
        IncidentKind::ReplicationBacklog => {
            "Check the bandwidth from the server to the staging subnet; a dedicated replication server helps busy disks."
        }
        IncidentKind::ServerNotSeen => {
            "Check that the server is up, that its agent runs, and that it reaches the DRS endpoint on TCP 443."
        }
        IncidentKind::InitialSyncStuck => {
            "Check the initiation step that failed, and that the server reaches the staging subnet on TCP 1500."
        }
        IncidentKind::ExtensionError => {
            "Check that the staging server still exists and that its account still trusts this one."
        }
        IncidentKind::FullResync => {
            "Nothing is lost, but until it ends the newest recovery point is the last one before it. \
             Check whether the agent was reinstalled, a disk was changed or the encryption key was."
        }
        IncidentKind::CapacityReplicating => {
            "Put new servers into another account: drs-fleet capacity place. This quota cannot be raised."
        }
        IncidentKind::CapacityTotal => {
            "Delete disconnected source servers, or ask for a higher quota L-E28BE5E0 in Service Quotas."
        }
        IncidentKind::SpokeSilent => {
            "Check the rules drs-fleet-* on the account's default bus, their role, and the policy of the hub's bus."
        }
        IncidentKind::UnregisteredAccount => {
            "Register it (drs-fleet accounts add), or delete the drs-fleet rules in it."
        }
        IncidentKind::AccountDenied => {
            "Check the role drs-fleet-spoke in the account and its external id: drs-fleet accounts validate."
        }
    }
}
