//! The way back of a recovery instance: its replication to where the source server came from, and the launch there.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::stamp::{after, date_time, duration, seconds};

/// Seconds from the start of failback replication until the launch is possible.
const SYNC: i64 = 45 * 60;

/// `FailbackState` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailbackState {
    /// Nobody has begun it.
    NotStarted,
    /// Data is replicated back for the first time.
    InProgress,
    /// It was replicated, and lags behind.
    NotReadyForLaunch,
    /// The launch may follow.
    ReadyForLaunch,
    /// The machine was launched.
    Completed,
    /// It failed.
    Error,
    /// The service cannot tell.
    LaunchStateNotAvailable,
}

impl FailbackState {
    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotStarted => "FAILBACK_NOT_STARTED",
            Self::InProgress => "FAILBACK_IN_PROGRESS",
            Self::NotReadyForLaunch => "FAILBACK_NOT_READY_FOR_LAUNCH",
            Self::ReadyForLaunch => "FAILBACK_READY_FOR_LAUNCH",
            Self::Completed => "FAILBACK_COMPLETED",
            Self::Error => "FAILBACK_ERROR",
            Self::LaunchStateNotAvailable => "FAILBACK_LAUNCH_STATE_NOT_AVAILABLE",
        }
    }

    /// Whether AWS sends an event of it.
    pub(super) fn is_told(self) -> bool {
        matches!(self, Self::InProgress | Self::Completed | Self::Error)
    }

    fn replication(self) -> &'static str {
        match self {
            Self::NotStarted => "NOT_STARTED",
            Self::InProgress => "INITIAL_SYNC",
            Self::NotReadyForLaunch => "BACKLOG",
            Self::ReadyForLaunch => "CONTINUOUS",
            Self::Completed => "STOPPED",
            Self::Error => "STALLED",
            Self::LaunchStateNotAvailable => "REPLICATION_STATE_NOT_AVAILABLE",
        }
    }
}

/// How the failback of one recovery instance stands.
#[derive(Clone, Debug)]
pub(super) struct Failback {
    pub(super) state: FailbackState,
    since: Timestamp,
    /// When it was begun.
    begun: Option<Timestamp>,
    /// The job that launches the machine.
    pub(super) job: Option<String>,
    /// `FailbackReplicationError`.
    error: Option<String>,
}

impl Failback {
    /// None so far.
    pub(super) fn none(now: Timestamp) -> Self {
        Self { state: FailbackState::NotStarted, since: now, begun: None, job: None, error: None }
    }

    /// Goes into a state, without the error of the one before.
    pub(super) fn turn(&mut self, state: FailbackState, now: Timestamp) {
        (self.state, self.since, self.error) = (state, now, None);
        match state {
            FailbackState::NotStarted => *self = Self::none(now),
            // Begun once more after a failure, it has no launch yet.
            FailbackState::InProgress => (self.begun, self.job) = (Some(now), None),
            _ => self.begun = self.begun.or(Some(now)),
        }
    }

    /// Its replication fails, with a `FailbackReplicationError`.
    pub(super) fn fail(&mut self, error: &str, now: Timestamp) {
        self.turn(FailbackState::Error, now);
        self.error = Some(error.to_owned());
    }

    /// It is ready for the launch once it has caught up.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let ready = after(self.since, SYNC);
        if self.state == FailbackState::InProgress && ready <= now {
            self.turn(FailbackState::ReadyForLaunch, ready);
        }
    }

    /// `RecoveryInstanceFailback` as the API answers it.
    pub(super) fn show(&self, agent_seen: Timestamp) -> Value {
        let mut shown = json!({
            "state": self.state.name(),
            "failbackToOriginalServer": true,
            "agentLastSeenByServiceDateTime": date_time(agent_seen),
        });
        if let Some(begun) = self.begun {
            shown["failbackInitiationTime"] = json!(date_time(begun));
        }
        if let Some(job) = &self.job {
            shown["failbackJobID"] = json!(job);
            shown["failbackLaunchType"] = json!("RECOVERY");
        }
        shown
    }

    /// `RecoveryInstanceDataReplicationInfo` of the recovery instance `id`.
    pub(super) fn show_replication(&self, id: &str, now: Timestamp) -> Value {
        let mut shown = json!({ "dataReplicationState": self.state.replication() });
        let lag = match self.state {
            FailbackState::ReadyForLaunch => Some(0),
            FailbackState::NotReadyForLaunch | FailbackState::Error => Some(seconds(self.since, now)),
            _ => None,
        };
        if let Some(lag) = lag {
            shown["lagDuration"] = json!(duration(lag));
        }
        if self.state == FailbackState::InProgress {
            shown["etaDateTime"] = json!(date_time(after(self.since, SYNC)));
        }
        if let Some(error) = &self.error {
            let raw_error = format!("replication back from {id} stopped: {error}");
            shown["dataReplicationError"] = json!({ "error": error, "rawError": raw_error });
        }
        shown
    }
}
