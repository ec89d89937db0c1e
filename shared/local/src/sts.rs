//! Security Token Service: `AssumeRole` and `GetCallerIdentity`.

use std::sync::Arc;

use crate::World;
use crate::call::{Call, Refusal, Reply};

/// Answers one call.
///
/// # Errors
/// What the service refuses.
pub fn handle(_world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
    Err(Refusal::unknown(&call.service, &call.operation))
}
