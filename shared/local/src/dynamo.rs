//! Tables, by the embedded dynoxide.

use std::sync::Arc;

use crate::World;
use crate::call::{Call, Refusal, Reply};

/// Tables, by the embedded dynoxide.
#[derive(Debug, Default)]
pub struct Dynamo {}

impl Dynamo {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn handle(&self, _world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        Err(Refusal::unknown(&call.service, &call.operation))
    }
}
