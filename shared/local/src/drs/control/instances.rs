//! What scenarios and tests do to recovery instances.

use std::sync::Arc;

use jiff::Timestamp;

use super::Place;
use crate::World;
use crate::call::Refusal;
use crate::drs::Drs;
use crate::drs::failback::{Failback, FailbackState};
use crate::drs::instance::Power;
use crate::drs::site::Site;
use crate::events::ServiceEvent;

/// All of these refuse with `ResourceNotFoundException` what is no recovery instance.
impl Drs {
    /// Somebody stops the machine of a recovery instance in EC2.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn stop_instance(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.turn(world, place, id, Power::Stopping)
    }

    /// Somebody starts it again.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn start_instance(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.turn(world, place, id, Power::Pending)
    }

    /// Somebody terminates it in EC2, of which DRS knows nothing: it stays in its list until it is deleted there.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn terminate_instance(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.turn(world, place, id, Power::ShuttingDown)
    }

    fn turn(&self, world: &Arc<World>, place: Place<'_>, id: &str, power: Power) -> Result<(), Refusal> {
        self.control(world, place, |site, now| {
            site.instance(id)?.turn(power, now);
            Ok(None)
        })
    }

    /// The failback of a recovery instance goes into a state, whatever it was in before. One that is in progress is
    /// ready for the launch 45 minutes later; a launch may follow when it is ready. AWS tells three of the states.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn set_failback(
        &self,
        world: &Arc<World>,
        place: Place<'_>,
        id: &str,
        state: FailbackState,
    ) -> Result<(), Refusal> {
        self.control(world, place, |site, now| {
            site.change_failback(id, |failback| failback.turn(state, now), now)
        })
    }

    /// The replication back fails with a `FailbackReplicationError`; it lags more and more from now on.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn fail_failback(
        &self,
        world: &Arc<World>,
        place: Place<'_>,
        id: &str,
        error: &str,
    ) -> Result<(), Refusal> {
        self.control(world, place, |site, now| {
            site.change_failback(id, |failback| failback.fail(error, now), now)
        })
    }
}

impl Site {
    /// A change of a failback, and the event that AWS would send of it.
    pub(in crate::drs) fn change_failback(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Failback),
        now: Timestamp,
    ) -> Result<Option<ServiceEvent>, Refusal> {
        let instance = self.instance(id)?;
        change(&mut instance.failback);
        Ok(instance.tell_failback(now))
    }
}
