//! Secrets and their versions.

use std::sync::Arc;

use crate::World;
use crate::call::{Call, Refusal, Reply};

/// Secrets and their versions.
#[derive(Debug, Default)]
pub struct Secrets {}

impl Secrets {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, _world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        Err(Refusal::unknown(&call.service, &call.operation))
    }
}
