//! What scenarios and tests do to accounts, and how they look at them: no API of AWS does that. See `health.rs` for
//! the replication of single servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::instance::Failback;
use super::quota::Applied;
use super::site::{Settings, Site};
use super::spec::ServerSpec;
use super::{Drs, notice};
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
    /// ARN of the staging server, for an extended one.
    pub extended_from: Option<String>,
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
pub(super) type Place<'a> = (&'a str, &'a str);

impl Drs {
    /// Initialises the service, as the console does on the first visit.
    pub fn initialize(&self, (account, region): Place<'_>) {
        lock(&self.site(account, region)).initialized = true;
    }

    /// Makes an account and Region one where the service was never initialised, with nothing in it.
    pub fn forget(&self, (account, region): Place<'_>) {
        *lock(&self.site(account, region)) = Site::new(account, region);
    }

    /// Sets the applied value of a quota of an account and Region, by its `L-…`; `None` leaves it without one, so
    /// that AWS's default is in force. What there is already stays.
    ///
    /// # Errors
    /// `NoSuchResourceException`.
    pub fn set_quota(
        &self,
        (account, region): Place<'_>,
        code: &str,
        value: Option<u32>,
    ) -> Result<(), Refusal> {
        lock(&self.site(account, region)).quotas.set(code, value)
    }

    pub(crate) fn applied_quotas(&self, (account, region): Place<'_>) -> Applied {
        lock(&self.site(account, region)).quotas.clone()
    }

    /// Changes how an account and Region behaves.
    pub fn configure(&self, (account, region): Place<'_>, settings: Settings) {
        lock(&self.site(account, region)).settings = settings;
    }

    /// Lets `target` extend the source servers of `staging` (the `DRSStagingAccountRole`).
    pub fn trust(&self, staging: &str, target: &str) {
        lock(&self.trusts).insert((staging.to_owned(), target.to_owned()));
    }

    /// Revokes that role: nothing more is extended, and what is shows an extension error until it is there again.
    pub fn distrust(&self, staging: &str, target: &str) {
        lock(&self.trusts).remove(&(staging.to_owned(), target.to_owned()));
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

    /// Deletes a server in whatever state it is, with its recovery instance and without an API call.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn delete_server(&self, (account, region): Place<'_>, id: &str) -> Result<(), Refusal> {
        let site = self.site(account, region);
        let mut site = lock(&site);
        let instance = site.server(id)?.recovery_instance.clone();
        site.servers.remove(id);
        instance.and_then(|instance| site.instances.remove(&instance));
        Ok(())
    }

    /// The next launch of each of these servers fails, also in a job that runs already.
    pub fn fail_next_launches(&self, (account, region): Place<'_>, ids: &[String]) {
        lock(&self.site(account, region)).doomed.extend(ids.iter().cloned());
    }

    /// The extension of an extended server breaks for good, for the given reason.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn break_extension(&self, (account, region): Place<'_>, id: &str, why: &str) -> Result<(), Refusal> {
        let site = self.site(account, region);
        let mut site = lock(&site);
        if let Some(extension) = &mut site.server(id)?.extension {
            extension.broken = Some(why.to_owned());
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
        self.mirror(&site, now);
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
            extended_from: server.extension.as_ref().map(|extension| extension.arn.clone()),
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
}

impl Site {
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
