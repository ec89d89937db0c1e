//! What the benchmark and its endpoint say to each other, a line of JSON each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::events::Shape;

/// What the endpoint is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command {
    /// From now on be so; answers `null`.
    Behave(Behavior),
    /// Count anew and put messages on the queue; answers `null` once they are there.
    Fill { shape: Shape, count: usize },
    /// Count anew and put messages on the queue, one every so many milliseconds; answers `null` at once.
    Trickle { count: usize, every_ms: u64 },
    /// Answers [`Counted`].
    Count,
}

/// How the endpoint answers.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Behavior {
    /// How long each call takes, beyond what the endpoint itself needs.
    pub call_ms: u64,
    /// So many of a hundred writes are throttled.
    pub throttled_percent: usize,
}

/// What the endpoint has seen since it was last filled.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Counted {
    /// By operation.
    pub calls: BTreeMap<String, u64>,
    /// Messages.
    pub deleted: usize,
    /// Nanoseconds since 1970.
    pub first_receive_ns: Option<i128>,
    /// Open at the same time, at most.
    pub connections: usize,
    /// As `DynamoDB` bills them.
    pub write_units: f64,
    pub read_units: f64,
    /// Of trickled events: milliseconds from the queue until the table had answered the write.
    pub written_ms: Vec<f64>,
}

impl Counted {
    /// Calls of these operations.
    pub fn calls_of(&self, operations: &[&str]) -> u64 {
        operations.iter().filter_map(|operation| self.calls.get(*operation)).sum()
    }
}
