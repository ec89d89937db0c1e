//! Instances, their tags and the tagging API.

use std::sync::Arc;

use crate::World;
use crate::call::{Call, Refusal, Reply};

/// Instances, their tags and the tagging API.
#[derive(Debug, Default)]
pub struct Ec2 {}

impl Ec2 {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, _world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        Err(Refusal::unknown(&call.service, &call.operation))
    }
}
