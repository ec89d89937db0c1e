//! One place that turns errors into what to do about them.

use std::time::Duration;

/// What kind of failure it is, and so what becomes of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Network, time-out, 5xx, unreadable answer: the same call may go through later.
    Transient,
    /// Too fast: the same call goes through later, more slowly.
    Throttled,
    /// Not allowed, or credentials that expired: waiting helps only when a person acts.
    Denied,
    /// Another writer was first: read again and decide again.
    Conflict,
    /// The same call will never go through.
    Permanent,
}

/// Which neighbour failed; a worker pauses receiving only for its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbour {
    /// The queue.
    Queue,
    /// The table.
    Table,
    /// The event bus.
    Bus,
    /// A spoke: STS or DRS.
    Spoke,
    /// SNS, Slack.
    Channel,
    /// Secrets Manager.
    Secrets,
}

/// A call that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation} failed ({verdict:?}): {message}")]
pub struct IoError {
    /// Which neighbour.
    pub neighbour: Neighbour,
    /// Which call, such as `UpdateItem`.
    pub operation: &'static str,
    /// What to do about it.
    pub verdict: Verdict,
    /// The service's words, without secrets.
    pub message: String,
    /// How long the service asks us to wait.
    pub retry_after: Option<Duration>,
}

impl IoError {
    /// A failure without a wish of the service.
    pub fn new(
        neighbour: Neighbour,
        operation: &'static str,
        verdict: Verdict,
        message: impl Into<String>,
    ) -> Self {
        Self { neighbour, operation, verdict, message: message.into(), retry_after: None }
    }
}
