//! Event buses, rules and targets.

pub mod pattern;

use std::sync::Arc;

use crate::World;
use crate::call::{Call, Refusal, Reply};

/// Event buses, rules and targets.
#[derive(Debug, Default)]
pub struct Events {}

impl Events {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, _world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        Err(Refusal::unknown(&call.service, &call.operation))
    }

    /// Puts an event of an AWS service (`aws.drs`, `aws.tag`) on the default bus of its account and Region. The
    /// bus stamps `version`, `id`, `account`, `region` and, where the event has none, `time`.
    pub fn emit(&self, world: &Arc<World>, account: &str, region: &str, event: &ServiceEvent) {
        unimplemented!("{world:?} {account} {region} {event:?}")
    }

    /// Puts an event on a bus for a schedule or another service that acts as `principal`.
    ///
    /// # Errors
    /// `ResourceNotFoundException` and `AccessDenied`.
    pub fn put(
        &self,
        world: &Arc<World>,
        principal: &crate::Principal,
        bus_arn: &str,
        event: &ServiceEvent,
    ) -> Result<(), Refusal> {
        unimplemented!("{world:?} {principal:?} {bus_arn} {event:?}")
    }
}

/// An event before a bus has stamped it.
#[derive(Clone, Debug)]
pub struct ServiceEvent {
    /// `aws.drs`, `aws.tag`, ….
    pub source: String,
    /// Such as `DRS Source Server Launch Result`.
    pub detail_type: String,
    /// When it happened; the bus's own time when absent.
    pub time: Option<jiff::Timestamp>,
    /// ARNs.
    pub resources: Vec<String>,
    /// The payload, an object.
    pub detail: serde_json::Value,
}
