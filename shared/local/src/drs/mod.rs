//! Simulated Elastic Disaster Recovery.
//!
//! One `Site` for each account and Region holds source servers, jobs and recovery instances. State is a
//! function of time: it is brought up to date when somebody looks and by [`Drs::tick`]. Sites are pure (state
//! and time in, answer and events out); only this file, `control.rs` and
//! `health.rs` reach other services.

mod agenda;
mod api;
mod bucket;
mod cloudtrail;
mod control;
pub(crate) mod dice;
mod failback;
mod fate;
mod health;
mod initiator;
mod instance;
mod job;
mod launch;
mod mirror;
mod mishap;
mod network;
mod notice;
pub(crate) mod page;
pub(crate) mod quota;
mod refusal;
mod replication;
mod request;
mod server;
mod site;
mod spec;
mod stamp;
mod start;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use control::{JobView, LaunchView, PhaseView, ServerView};
pub use failback::FailbackState;
pub use fate::{LaunchFailure, LaunchPhase};
pub use initiator::InitiatedBy;
pub use mishap::{EventRule, Mishap};
pub use site::Settings;
pub use spec::{Machine, Origin, ServerSpec, Start};

use crate::World;
use crate::call::{Call, Refusal, Reply};
use crate::events::ServiceEvent;
use crate::world::lock;
use request::Request;
use site::Site;

/// Simulated seconds between two ticks.
const TICK: Duration = Duration::from_secs(5);

/// Sites by account and Region. Nobody holds two of them at once.
type Sites = BTreeMap<(String, String), Arc<Mutex<Site>>>;

/// Simulated Elastic Disaster Recovery in all accounts and Regions.
#[derive(Debug, Default)]
pub struct Drs {
    sites: Mutex<Sites>,
    trusts: Mutex<BTreeSet<(String, String)>>,
}

impl Drs {
    /// Answers one call.
    ///
    /// # Errors
    /// What the service refuses.
    pub fn handle(&self, world: &Arc<World>, call: &Call) -> Result<Reply, Refusal> {
        let request = Request::read(call, world.clock.now())?;
        let (answer, events) = self.answer(&request, || authorize(world, &request));
        emit(world, &request.account, &request.region, &events);
        let (status, body) = answer?;
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        Ok(Reply { status, body })
    }

    /// Lets time pass everywhere and emits what happened.
    pub fn tick(&self, world: &Arc<World>) {
        for site in self.sites() {
            let events = self.pass(&site, world.clock.now());
            let (account, region) = {
                let site = lock(&site);
                (site.account.clone(), site.region.clone())
            };
            emit(world, &account, &region, &events);
        }
    }

    /// Brings a site up to `now`, and returns what AWS would have told meanwhile. What its jobs do to machines that
    /// replicate in other accounts shows there when their own time comes.
    fn pass(&self, site: &Mutex<Site>, now: Timestamp) -> Vec<ServiceEvent> {
        self.mirror(site, now);
        let (events, silenced) = {
            let mut site = lock(site);
            (site.advance(now), std::mem::take(&mut site.silenced))
        };
        for (arn, at) in silenced {
            self.silence_staging(&arn, at);
        }
        events
    }

    /// Whether `staging` lets `target` extend its source servers.
    fn trusts(&self, staging: &str, target: &str) -> bool {
        lock(&self.trusts).contains(&(staging.to_owned(), target.to_owned()))
    }

    fn site(&self, account: &str, region: &str) -> Arc<Mutex<Site>> {
        let key = (account.to_owned(), region.to_owned());
        let mut sites = lock(&self.sites);
        Arc::clone(sites.entry(key).or_insert_with(|| Arc::new(Mutex::new(Site::new(account, region)))))
    }

    fn sites(&self) -> Vec<Arc<Mutex<Site>>> {
        lock(&self.sites).values().map(Arc::clone).collect()
    }
}

/// Ticks every few simulated seconds (at most 20 times a real second) until it is cancelled.
pub async fn run(world: Arc<World>, cancellation: CancellationToken) {
    let pause = world.clock.real_duration(TICK).max(Duration::from_millis(50));
    loop {
        tokio::select! {
            () = cancellation.cancelled() => return,
            () = tokio::time::sleep(pause) => world.drs.tick(&world),
        }
    }
}

fn authorize(world: &World, request: &Request) -> Result<(), Refusal> {
    let owner = request.account.as_str();
    let check = |(action, resource): &(String, String)| {
        let target = (owner, resource.as_str());
        world.iam.authorize(&world.clock, &request.principal, action, target, None, &[])
    };
    request.needs().iter().try_for_each(check).map_err(|mut refusal| {
        if refusal.code == "AccessDenied" {
            // DRS has a modelled error for it.
            "AccessDeniedException".clone_into(&mut refusal.code);
        }
        refusal
    })
}

fn emit(world: &Arc<World>, account: &str, region: &str, events: &[ServiceEvent]) {
    let sent = lock(&world.drs.site(account, region)).mishaps.befall(events);
    for event in sent {
        world.events.emit(world, account, region, event);
    }
}
