//! Queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::World;
use crate::call::{Call, Refusal, Reply};

/// Queues.
#[derive(Debug, Default)]
pub struct Sqs {}

impl Sqs {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn handle(&self, _world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        Err(Refusal::unknown(&call.service, &call.operation))
    }

    /// Puts a message on a queue for another service or for the queue's own redrive, after asking the queue's
    /// policy. `attributes` become string message attributes.
    ///
    /// # Errors
    /// `QueueDoesNotExist` and `AccessDenied`.
    pub fn deliver(
        &self,
        world: &World,
        principal: &crate::Principal,
        queue_arn: &str,
        body: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        unimplemented!("{world:?} {principal:?} {queue_arn} {body} {attributes:?}")
    }
}
