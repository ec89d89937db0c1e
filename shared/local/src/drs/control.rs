//! What scenarios and tests do to the simulated servers, which no API of AWS does.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::instance::Failback;
use super::replication::Phase;
use super::site::{Settings, Site};
use super::spec::ServerSpec;
use super::{Drs, emit, notice};
use crate::World;
use crate::call::Refusal;
use crate::events::ServiceEvent;
use crate::world::lock;

/// A source server as it is right now.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerView {
    /// `s-…`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Short host name.
    pub hostname: String,
    /// The EC2 instance that it runs on, if it does.
    pub instance: Option<String>,
    /// `DataReplicationState`.
    pub state: String,
    /// `DataReplicationErrorString` of a stall.
    pub error: Option<String>,
    /// Seconds of lag, where there is one.
    pub lag: Option<i64>,
    /// Whether it takes one of the 300 places of its account and Region.
    pub counts: bool,
    /// Its recovery instance.
    pub recovery_instance: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A job as it is right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// `drsjob-…`.
    pub id: String,
    /// `JobStatus`.
    pub status: String,
    /// Servers and their `LaunchStatus`.
    pub servers: Vec<(String, String)>,
}

/// Where something is done: account and Region.
type Place<'a> = (&'a str, &'a str);

impl Drs {
    /// Initialises the service, as the console does on the first visit.
    pub fn initialize(&self, (account, region): Place<'_>) {
        lock(&self.site(account, region)).initialized = true;
    }

    /// Changes how an account and Region behaves.
    pub fn configure(&self, (account, region): Place<'_>, settings: Settings) {
        lock(&self.site(account, region)).settings = settings;
    }

    /// Lets `target` extend the source servers of `staging` (the `DRSStagingAccountRole`).
    pub fn trust(&self, staging: &str, target: &str) {
        lock(&self.trusts).insert((staging.to_owned(), target.to_owned()));
    }

    /// Adds a source server at `now` and returns its id, as installing the agent does.
    ///
    /// # Errors
    /// `ServiceQuotaExceededException`: 300 are replicating, or 4,000 exist.
    pub fn add_server(
        &self,
        (account, region): Place<'_>,
        spec: ServerSpec,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        lock(&self.site(account, region)).add(spec, now)
    }

    /// Stalls the replication of a server with a `DataReplicationErrorString`; lag grows from now on.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn stall(&self, world: &Arc<World>, place: Place<'_>, id: &str, error: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.stall(id, error, now))
    }

    /// Ends a stall or a pause.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn recover(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.recover(id, now))
    }

    /// Pauses replication: lag grows, and no event tells.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn pause(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.put(id, Phase::Paused, now))
    }

    /// The machine leaves DRS without an API call, as when its agent is uninstalled: no event tells.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn disconnect(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.put(id, Phase::Disconnected, now))
    }

    /// The next launch of each of these servers fails, also in a job that runs already.
    pub fn fail_next_launches(&self, (account, region): Place<'_>, ids: &[String]) {
        lock(&self.site(account, region)).doomed.extend(ids.iter().cloned());
    }

    /// The extension of an extended server breaks, for the given reason.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn break_extension(&self, (account, region): Place<'_>, id: &str, why: &str) -> Result<(), Refusal> {
        let site = self.site(account, region);
        let mut site = lock(&site);
        if let Some(extension) = &mut site.server(id)?.extension {
            extension.error = Some(why.to_owned());
        }
        Ok(())
    }

    /// The failback client reports: replication back begins, and 45 minutes later the launch may follow.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn begin_failback(
        &self,
        world: &Arc<World>,
        place: Place<'_>,
        instance: &str,
    ) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.set_failback(instance, Failback::InProgress, now))
    }

    /// The replication back fails.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn fail_failback(&self, world: &Arc<World>, place: Place<'_>, instance: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.set_failback(instance, Failback::Error, now))
    }

    /// The servers of an account and Region as of the last look or tick, lag as of `now`.
    pub fn servers(&self, (account, region): Place<'_>, now: Timestamp) -> Vec<ServerView> {
        let site = self.site(account, region);
        let site = lock(&site);
        let view = |server: &super::server::Server| ServerView {
            id: server.id.clone(),
            arn: server.arn.clone(),
            hostname: server.machine.hostname.clone(),
            instance: server.machine.origin.as_ref().map(|origin| origin.instance.clone()),
            state: server.replication.phase.name().to_owned(),
            error: server.replication.error.clone(),
            lag: server.replication.lag(now),
            counts: server.counts(),
            recovery_instance: server.recovery_instance.clone(),
            tags: server.tags.clone(),
        };
        site.servers.values().map(view).collect()
    }

    /// The jobs of an account and Region as of the last look or tick, oldest first.
    pub fn jobs(&self, (account, region): Place<'_>) -> Vec<JobView> {
        let site = self.site(account, region);
        let site = lock(&site);
        let view = |job: &super::job::Job| JobView {
            id: job.id.clone(),
            status: job.status.to_owned(),
            servers: job.participants.iter().map(|p| (p.server.clone(), p.status.to_owned())).collect(),
        };
        site.jobs.iter().map(view).collect()
    }

    fn control(
        &self,
        world: &Arc<World>,
        (account, region): Place<'_>,
        change: impl FnOnce(&mut Site, Timestamp) -> Result<Option<ServiceEvent>, Refusal>,
    ) -> Result<(), Refusal> {
        let now = world.clock.now();
        let site = self.site(account, region);
        let mut site = lock(&site);
        let mut events = site.advance(now);
        let outcome = change(&mut site, now);
        drop(site);
        let outcome = outcome.map(|event| events.extend(event));
        emit(world, account, region, &events);
        outcome
    }
}

/// What [`Drs::control`] does to a site: the change, and the event that AWS would send of it.
impl Site {
    pub(super) fn stall(
        &mut self,
        id: &str,
        error: &str,
        now: Timestamp,
    ) -> Result<Option<ServiceEvent>, Refusal> {
        let server = self.server(id)?;
        let stalled = server.replication.stall(error, now);
        Ok(stalled.then(|| notice::stalled(&server.arn, true, now)))
    }

    pub(super) fn recover(&mut self, id: &str, now: Timestamp) -> Result<Option<ServiceEvent>, Refusal> {
        let server = self.server(id)?;
        let was_stalled = server.replication.phase == Phase::Stalled;
        let recovered = server.replication.recover(now);
        Ok((was_stalled && recovered).then(|| notice::stalled(&server.arn, false, now)))
    }

    fn put(&mut self, id: &str, phase: Phase, now: Timestamp) -> Result<Option<ServiceEvent>, Refusal> {
        self.server(id)?.replication.enter(phase, now);
        Ok(None)
    }

    pub(super) fn set_failback(
        &mut self,
        id: &str,
        failback: Failback,
        now: Timestamp,
    ) -> Result<Option<ServiceEvent>, Refusal> {
        let instance = self.instance(id)?;
        (instance.failback, instance.failback_since, instance.failback_job) = (failback, now, None);
        let state = if failback == Failback::Error { "FAILBACK_ERROR" } else { "FAILBACK_IN_PROGRESS" };
        Ok(Some(notice::failback(&instance.arn, state, now)))
    }
}
