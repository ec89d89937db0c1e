//! Event buses, rules and targets (the API that AWS calls "Custom Event Bus - Classic").
//!
//! Delivery is at once and in process: there is no retry, because what fails here (a missing permission
//! or a missing target) is what `EventBridge` does not retry either. Not here: archives, replays, scheduled
//! rules (see `scheduler`), input transformers, targets other than queues and buses.

mod api;
mod arn;
mod delivery;
mod entries;
mod envelope;
pub mod pattern;
mod rules;
mod targets;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};

use crate::World;
use crate::call::{Call, Principal, Refusal, Reply};
use crate::world::lock;

use arn::BusId;
use envelope::Travelling;
use rules::State;

/// Event buses, rules and targets.
#[derive(Debug, Default)]
pub struct Events {
    state: Mutex<State>,
    counts: Mutex<EventCounts>,
}

/// What has happened on all buses since the cloud started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Events put on a bus by their sender; a hop to another bus does not count again.
    pub received: u64,
    /// Pairs of an event and a target that a rule sent it to.
    pub matched: u64,
    /// Copies handed to a queue or to another bus.
    pub delivered: u64,
    /// Copies that could not be delivered and went to the target's dead-letter queue.
    pub failed: u64,
    /// Copies lost: by the fault plan, or undeliverable without a dead-letter queue.
    pub dropped: u64,
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

impl Events {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        api::handle(self, world, call).map(|answer| Reply::json(&answer))
    }

    /// Puts an event of an AWS service (`aws.drs`, `aws.tag`) on the default bus of its account and Region. The
    /// bus stamps `version`, `id`, `account`, `region` and, where the event has none, `time`.
    pub fn emit(&self, world: &Arc<World>, account: &str, region: &str, event: &ServiceEvent) {
        let bus = BusId::new(account, region, "default");
        self.accept(world, &bus, envelope::stamp(event, account, region, world.clock.now()));
    }

    /// Puts an event on a bus for a schedule or another service that acts as `principal`.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `AccessDeniedException`, and `NotAuthorizedForSourceException` for a
    /// source that belongs to AWS.
    pub fn put(
        &self,
        world: &Arc<World>,
        principal: &Principal,
        bus_arn: &str,
        event: &ServiceEvent,
    ) -> Result<(), Refusal> {
        let bus = BusId::parse(bus_arn)?;
        if !self.knows(&bus) {
            return Err(rules::no_such_bus(&bus));
        }
        self.authorize_put(world, principal, &bus)?;
        if event.source.starts_with("aws.") {
            let message = format!("not authorized for the source {}", event.source);
            return Err(Refusal::new(400, "NotAuthorizedForSourceException", message));
        }
        let stamped = envelope::stamp(event, principal.account(), &bus.region, world.clock.now());
        self.accept(world, &bus, stamped);
        Ok(())
    }

    /// What has happened so far.
    pub fn counts(&self) -> EventCounts {
        *lock(&self.counts)
    }

    fn count(&self, change: impl FnOnce(&mut EventCounts)) {
        change(&mut lock(&self.counts));
    }

    fn knows(&self, bus: &BusId) -> bool {
        lock(&self.state).get(bus).is_some()
    }

    fn accept(&self, world: &World, bus: &BusId, event: serde_json::Value) {
        self.count(|counts| counts.received += 1);
        self.route(world, bus, &Travelling { event, hopped: false });
    }

    fn authorize_put(&self, world: &World, principal: &Principal, bus: &BusId) -> Result<(), Refusal> {
        let policy = lock(&self.state).get(bus).and_then(|bus| bus.policy.clone());
        let resource = bus.arn();
        let place = (bus.account.as_str(), resource.as_str());
        let decision =
            world.iam.authorize(&world.clock, principal, "events:PutEvents", place, policy.as_ref(), &[]);
        decision.map_err(api::as_exception)
    }
}
