//! Simulated Elastic Disaster Recovery.

use std::sync::Arc;

use crate::World;
use crate::call::{Call, Refusal, Reply};

/// Simulated Elastic Disaster Recovery.
#[derive(Debug, Default)]
pub struct Drs {}

impl Drs {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, _world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        Err(Refusal::unknown(&call.service, &call.operation))
    }
}
