//! What scenarios and tests do to the replication of one server, which no API of AWS does.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::control::Place;
use super::refusal::conflict;
use super::replication::{Phase, Replication};
use super::server::Server;
use super::site::Site;
use super::{Drs, emit, notice};
use crate::World;
use crate::call::Refusal;
use crate::events::ServiceEvent;
use crate::world::lock;

/// All of these refuse with `ResourceNotFoundException` an unknown server, and with `ConflictException` an extended
/// one, whose staging server is the one to change, or one that is in no state for it.
impl Drs {
    /// Stalls the replication of a server with a `DataReplicationErrorString`; lag grows from now on.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `ConflictException`.
    pub fn stall(&self, world: &Arc<World>, place: Place<'_>, id: &str, error: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.stall(id, error, now))
    }

    /// Ends all trouble of a server but a disconnection: a stall, a pause, a lag or a backlog that was set, an
    /// initial sync that was held, a silent agent.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `ConflictException`.
    pub fn recover(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.recover(id, now))
    }

    /// Pauses replication: lag grows, and no event tells.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `ConflictException`.
    pub fn pause(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.put(id, Phase::Paused, now))
    }

    /// The machine leaves DRS without an API call, as when its agent is uninstalled: no event tells.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `ConflictException`.
    pub fn disconnect(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.put(id, Phase::Disconnected, now))
    }

    /// A machine that was disconnected is back, and its disks are compared anew.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `ConflictException`, and `ServiceQuotaExceededException` when 300 replicate.
    pub fn reconnect(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| {
            site.admit_replicating(id)?;
            site.change(id, "is not disconnected", |it| it.reconnect(now))
        })
    }

    /// A server lags by so many seconds until it recovers, in state `BACKLOG`; that of a stalled or paused one
    /// grows from there. Its backlog is what the lag means, unless it is set too.
    ///
    /// # Errors
    /// `ResourceNotFoundException`; `ConflictException` where there is nothing to lag behind.
    pub fn set_lag(&self, world: &Arc<World>, place: Place<'_>, id: &str, lag: i64) -> Result<(), Refusal> {
        let why = "has no consistent snapshot to lag behind";
        self.control(world, place, |site, now| site.change(id, why, |it| it.set_lag(lag, now)))
    }

    /// A server has a backlog of so many bytes, as many as its disks have at most, until it recovers.
    ///
    /// # Errors
    /// `ResourceNotFoundException`; `ConflictException` where nothing replicates.
    pub fn set_backlog(
        &self,
        world: &Arc<World>,
        place: Place<'_>,
        id: &str,
        bytes: u64,
    ) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.change(id, IDLE, |it| it.set_backlog(bytes, now)))
    }

    /// The agent of a server is not heard any more. Replication goes on, or stalls with `AGENT_NOT_SEEN` after some
    /// simulated time.
    ///
    /// # Errors
    /// `ResourceNotFoundException`; `ConflictException` where nothing replicates.
    pub fn silence(
        &self,
        world: &Arc<World>,
        place: Place<'_>,
        id: &str,
        stalls_after: Option<Duration>,
    ) -> Result<(), Refusal> {
        let wait = stalls_after.map(|wait| i64::try_from(wait.as_secs()).unwrap_or(i64::MAX));
        self.control(world, place, |site, now| site.change(id, IDLE, |it| it.silence(wait, now)))
    }

    /// The initial sync of a server goes no further until it recovers; one that was past it begins anew.
    ///
    /// # Errors
    /// `ResourceNotFoundException`; `ConflictException` where nothing replicates.
    pub fn hold_initial_sync(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.change(id, IDLE, |it| it.hold_initial_sync(now)))
    }

    /// A full resync begins: all disks of a server that has replicated are read again, for 10 to 40 minutes.
    ///
    /// # Errors
    /// `ResourceNotFoundException`; `ConflictException` for a server that never was in sync.
    pub fn resync(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        let why = "was never in sync";
        self.control(world, place, |site, now| site.change(id, why, |it| it.rescan(now)))
    }

    /// Somebody reinstalls the agent of a server that was silent, as after a failback of a server that was extended
    /// from it: all its disks are read again.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `ConflictException`.
    pub fn reinstall_agent(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.reinstall(id, now))
    }

    pub(super) fn control(
        &self,
        world: &Arc<World>,
        (account, region): Place<'_>,
        change: impl FnOnce(&mut Site, Timestamp) -> Result<Option<ServiceEvent>, Refusal>,
    ) -> Result<(), Refusal> {
        let now = world.clock.now();
        let site = self.site(account, region);
        let mut events = self.pass(&site, now);
        let outcome = change(&mut lock(&site), now);
        let outcome = outcome.map(|event| events.extend(event));
        emit(world, account, region, &events);
        outcome
    }
}

const IDLE: &str = "does not replicate";

/// What [`Drs::control`] does to a site: the change, and the event that AWS would send of it.
impl Site {
    pub(super) fn stall(
        &mut self,
        id: &str,
        error: &str,
        now: Timestamp,
    ) -> Result<Option<ServiceEvent>, Refusal> {
        let server = self.own(id)?;
        let stalled = server.replication.stall(error, now);
        Ok(stalled.then(|| notice::stalled(&server.arn, true, now)))
    }

    pub(super) fn recover(&mut self, id: &str, now: Timestamp) -> Result<Option<ServiceEvent>, Refusal> {
        let server = self.own(id)?;
        let was_stalled = server.replication.phase == Phase::Stalled;
        let recovered = server.replication.recover(now);
        Ok((was_stalled && recovered).then(|| notice::stalled(&server.arn, false, now)))
    }

    pub(super) fn reinstall(&mut self, id: &str, now: Timestamp) -> Result<Option<ServiceEvent>, Refusal> {
        let recovered = self.recover(id, now)?;
        // One that was never in sync goes on with its initial sync.
        self.own(id)?.replication.rescan(now);
        Ok(recovered)
    }

    fn put(&mut self, id: &str, phase: Phase, now: Timestamp) -> Result<Option<ServiceEvent>, Refusal> {
        self.own(id)?.replication.enter(phase, now);
        Ok(None)
    }

    /// A change that no event tells; where it changes nothing, `why` says why not.
    pub(super) fn change(
        &mut self,
        id: &str,
        why: &str,
        change: impl FnOnce(&mut Replication) -> bool,
    ) -> Result<Option<ServiceEvent>, Refusal> {
        let changed = change(&mut self.own(id)?.replication);
        if changed {
            Ok(None)
        } else {
            Err(conflict("SourceServer", id, &format!("source server {id} {why}")))
        }
    }

    /// A server that replicates here.
    fn own(&mut self, id: &str) -> Result<&mut Server, Refusal> {
        let server = self.server(id)?;
        match &server.extension {
            None => Ok(server),
            Some(extension) => {
                let text = format!("source server {id} is extended; change {} instead", extension.arn);
                Err(conflict("SourceServer", id, &text))
            }
        }
    }
}
