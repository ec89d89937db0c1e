//! What scenarios and tests do to accounts, and how they look at them: no API of AWS does that. See `health.rs` for
//! the replication of single servers.

mod instances;
mod jobs;
mod truth;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Drs;
use super::mishap::{EventRule, Mishaps};
use super::quota::Applied;
use super::site::{Settings, Site};
use super::spec::ServerSpec;
use crate::call::Refusal;
use crate::world::lock;
pub use truth::{JobView, LaunchView, PhaseView};

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

    /// Lets events of an account and Region be lost or come twice from now on, by these rules and no others. The same
    /// seed strikes the same events.
    pub fn disturb(&self, (account, region): Place<'_>, rules: Vec<EventRule>, seed: u64) {
        lock(&self.site(account, region)).mishaps = Mishaps::new(rules, seed);
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
}
