//! Topics and mailbox.

use std::sync::Arc;

use crate::World;
use crate::call::{Call, Refusal, Reply};

/// Topics and mailbox.
#[derive(Debug, Default)]
pub struct Sns {}

impl Sns {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, _world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        Err(Refusal::unknown(&call.service, &call.operation))
    }
}
