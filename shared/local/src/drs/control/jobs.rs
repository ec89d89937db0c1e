//! What scenarios and tests do to jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Place;
use crate::World;
use crate::call::Refusal;
use crate::drs::fate::{Fate, LaunchFailure, LaunchPhase, by_chance};
use crate::drs::initiator::InitiatedBy;
use crate::drs::job::Job;
use crate::drs::refusal::not_found;
use crate::drs::site::Site;
use crate::drs::{Drs, emit};
use crate::events::ServiceEvent;
use crate::world::lock;

impl Drs {
    /// Starts a job without an API call that a trail would record, as AWS Support, another account or a recovery plan
    /// of DRS does, and returns its id. `ids` are source servers; for failbacks and terminations recovery instances,
    /// and for network recoveries source networks.
    ///
    /// # Errors
    /// What the API call of such jobs refuses.
    pub fn start_job(
        &self,
        world: &Arc<World>,
        place: Place<'_>,
        by: InitiatedBy,
        ids: &[String],
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Refusal> {
        let now = world.clock.now();
        let events = self.pass(&self.site(place.0, place.1), now);
        emit(world, place.0, place.1, &events);
        self.begin_job(place, ids, (by, tags.clone(), now)).map(|job| job.id)
    }

    /// A job stops at the step that it is at, until it is released.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn stick_job(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.change_job(id, |job| job.agenda.stick(now)))
    }

    /// A job that got stuck goes on; all that is left comes as much later as it was stuck.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn release_job(&self, world: &Arc<World>, place: Place<'_>, id: &str) -> Result<(), Refusal> {
        self.control(world, place, |site, now| site.change_job(id, |job| job.agenda.release(now)))
    }

    /// The next launch of each of these servers fails at its end, also in a job that runs already.
    pub fn fail_next_launches(&self, place: Place<'_>, ids: &[String]) {
        for id in ids {
            let failure = LaunchFailure { phase: LaunchPhase::Launch, raw_error: by_chance(id) };
            self.fail_next_launch(place, id, failure);
        }
    }

    /// The next launch of a server, or the next recovery of a network, fails like this, also in a job that runs
    /// already and has not passed that phase.
    pub fn fail_next_launch(&self, (account, region): Place<'_>, id: &str, failure: LaunchFailure) {
        lock(&self.site(account, region)).fates.insert(id.to_owned(), Fate::Fails(failure));
    }

    /// The next job of each of these servers leaves it out, also one that has not come to it yet.
    pub fn skip_in_next_job(&self, (account, region): Place<'_>, ids: &[String]) {
        let skipped = ids.iter().map(|id| (id.clone(), Fate::Skipped));
        lock(&self.site(account, region)).fates.extend(skipped);
    }
}

impl Site {
    /// A change of a job that no event tells.
    pub(in crate::drs) fn change_job(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Job),
    ) -> Result<Option<ServiceEvent>, Refusal> {
        let job = self.jobs.iter_mut().find(|job| job.id == id);
        change(job.ok_or_else(|| not_found("Job", id))?);
        Ok(None)
    }
}
