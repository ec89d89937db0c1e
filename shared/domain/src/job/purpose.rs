//! What a job is for, and what came of it.

use serde::{Deserialize, Serialize};

use crate::incident::Severity;

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Purpose {
    /// Servers are launched as a drill.
    Drill,
    /// Servers are launched for real.
    Recovery,
    /// Servers are launched where they came from.
    Failback,
    /// Recovery instances are ended.
    Terminate,
    /// A snapshot is converted: for another account, which recovers an extended server.
    ConvertedSnapshot,
    /// A source network is recovered.
    Network,
    /// DRS looks at itself.
    Diagnostic,
    /// What is not known, or not yet.
    Other,
}

impl Purpose {
    /// How bad it is where such a job fails. A real recovery is what all this is for.
    pub fn severity(self) -> Severity {
        match self {
            Self::Recovery | Self::Failback => Severity::Critical,
            Self::Drill => Severity::High,
            _ => Severity::Medium,
        }
    }

    pub(super) fn of(
        kind: Option<&str>,
        initiated_by: Option<&str>,
        call: Option<&str>,
        drill: Option<bool>,
    ) -> Self {
        match (initiated_by, kind) {
            (Some("START_DRILL"), _) => Self::Drill,
            (Some("START_RECOVERY"), _) => Self::Recovery,
            (Some("FAILBACK"), _) => Self::Failback,
            (Some("DIAGNOSTIC"), _) => Self::Diagnostic,
            (Some(by), _) if by.ends_with("_NETWORK_RECOVERY") => Self::Network,
            (Some("TERMINATE_RECOVERY_INSTANCES"), _) | (_, Some("TERMINATE")) => Self::Terminate,
            (Some("TARGET_ACCOUNT"), _) | (_, Some("CREATE_CONVERTED_SNAPSHOT")) => Self::ConvertedSnapshot,
            _ => match (call, drill) {
                (Some("StartFailbackLaunch"), _) => Self::Failback,
                (Some("TerminateRecoveryInstances"), _) => Self::Terminate,
                (Some("StartSourceNetworkRecovery"), _) => Self::Network,
                (_, Some(true)) => Self::Drill,
                (_, Some(false)) => Self::Recovery,
                _ => Self::Other,
            },
        }
    }

    /// Whether it launches servers, here or where they came from.
    pub fn launches(self) -> bool {
        self.recovers() || self == Self::Failback
    }

    /// Whether it is a drill or a recovery: what has a recovery time, and counts in the history of its servers.
    pub fn recovers(self) -> bool {
        matches!(self, Self::Drill | Self::Recovery)
    }

    /// In plain words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Drill => "drill",
            Self::Recovery => "recovery",
            Self::Failback => "failback",
            Self::Terminate => "termination",
            Self::ConvertedSnapshot => "snapshot conversion",
            Self::Network => "network recovery",
            Self::Diagnostic => "diagnostic",
            Self::Other => "job",
        }
    }
}

impl std::fmt::Display for Purpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Drill => "DRILL",
            Self::Recovery => "RECOVERY",
            Self::Failback => "FAILBACK",
            Self::Terminate => "TERMINATE",
            Self::ConvertedSnapshot => "CONVERTED_SNAPSHOT",
            Self::Network => "NETWORK",
            Self::Diagnostic => "DIAGNOSTIC",
            Self::Other => "OTHER",
        })
    }
}

/// What came of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// With all servers.
    Succeeded,
    /// With some.
    Partial,
    /// With none.
    Failed,
    /// It is gone from AWS, and its end was not seen.
    Unknown,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Partial => "PARTIAL",
            Self::Failed => "FAILED",
            Self::Unknown => "UNKNOWN",
        })
    }
}
