//! What the benchmark and its endpoint say to each other, a line of JSON each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use drs_fleet_tests::stream::Shape;

/// What the endpoint is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command {
    /// Count anew and put messages on the queue; answers `null` once they are there.
    Fill { shape: Shape, count: usize },
    /// Answers [`Counted`].
    Count,
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
}

impl Counted {
    /// Calls of these operations.
    pub fn calls_of(&self, operations: &[&str]) -> u64 {
        operations.iter().filter_map(|operation| self.calls.get(*operation)).sum()
    }
}
