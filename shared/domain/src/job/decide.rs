//! What observations of a job mean.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    COMPLETED, Call, Counts, JobRow, JobServerRow, Launched, Observation, Running, advance, conditions, told,
};
use crate::ids::JobId;
use crate::incident::{self, JobLabel, Subject, reconcile};
use crate::keys::Place;
use crate::planted::{Bug, is_planted};
use crate::policy::{Limits, PLAN_TAG};
use crate::row::Change;
use crate::seen::JobSeen;
use crate::sweep::after;

/// When the end of a job is written into the history, should whoever saw it have died.
const SETTLES: Duration = Duration::from_mins(1);

/// What a decision on a job may look at besides the row.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Name of the account in the registry.
    pub account_name: &'a str,
    /// The thresholds of the account.
    pub limits: &'a Limits,
    /// When nothing moved for so long, it is stuck: what is set, or what was learnt.
    pub stuck_after: Duration,
    /// How long such jobs take, as far as the fleet's earlier jobs tell.
    pub usual: Option<Duration>,
    /// Its servers, for words and events; empty where they were not read.
    pub servers: &'a [JobServerRow],
    /// Whether AWS was asked just now, so that what did not move is known.
    pub looked: bool,
    /// Whether the account is watched: nothing is wrong in one that is not.
    pub watched: bool,
    /// Our time.
    pub now: Timestamp,
}

impl<'a> Context<'a> {
    /// Of who was only told of the job, and has no history.
    pub fn new(account_name: &'a str, limits: &'a Limits, now: Timestamp) -> Self {
        let stuck_after = limits.job_stuck_after;
        Self {
            account_name,
            limits,
            stuck_after,
            usual: None,
            servers: &[],
            looked: false,
            watched: true,
            now,
        }
    }
}

/// Decides what observations of a job mean; without observations, what the time means.
pub fn decide(
    (place, id): (&Place, &JobId),
    observations: &[Observation],
    stored: Option<&JobRow>,
    context: &Context<'_>,
) -> Option<Change<JobRow>> {
    let mut row = stored.cloned().unwrap_or_else(|| JobRow::unknown((place, id)));
    for observation in observations {
        row.take(observation);
    }
    let holding = if context.watched { conditions::holding(&row, context) } else { Vec::new() };
    let name = conditions::name(&row);
    let label = JobLabel { id, plan: row.plan.as_deref(), drill: row.drill };
    let subject = Subject {
        place,
        account_name: context.account_name,
        id: id.as_str(),
        name: &name,
        job: Some(label),
        application: None,
        drill_tag: row.drill_tag.as_deref(),
    };
    let mut incidents = std::mem::take(&mut row.incidents);
    let told = reconcile(&mut incidents, &holding, &subject, context.now);
    row.incidents = incidents;
    let mut tell = told::events(&mut row, &told, context);
    tell.extend(told.into_iter().map(Into::into));
    row.look_at = next_look(&row, context);
    Change::between(stored, row, tell)
}

impl JobRow {
    fn take(&mut self, observation: &Observation) {
        let before = (self.over_at(), self.basis());
        match observation {
            Observation::Result { drill, launched, at } => {
                if self.initiated_by.is_none() {
                    self.drill = self.drill.max(Some(*drill));
                }
                let is_over = *launched && is_planted(Bug::LaunchEndsJob);
                advance(&mut self.status, if is_over { COMPLETED } else { "STARTED" }, status_rank);
                if *launched {
                    self.result_at = self.result_at.max(Some(*at));
                }
                // Late, it may still tell the history when its server was launched.
                self.settled &= self.is_active();
            }
            Observation::Started { call, drill, plan } => self.start(call, *drill, plan.as_ref()),
            Observation::Tagged(tag) => self.drill_tag = self.drill_tag.take().max(Some(tag.clone())),
            Observation::Deleted { at } => {
                self.deleted_at = self.deleted_at.max(Some(*at));
                // DRS deletes no job that is not over.
                self.go(*at);
            }
            Observation::Seen { seen, at } => self.see(seen, *at),
            Observation::Logged(step) => self.step = self.step.take().max(Some(step.clone())),
            Observation::Gone { at } => self.go(*at),
            Observation::Running(running) => self.run(*running),
            Observation::Failing(failures) => {
                if self.failures.as_ref().is_none_or(|known| known.at < failures.at) {
                    self.failures = Some(failures.clone());
                }
            }
            Observation::Counted(counts) => self.count(*counts),
            Observation::Failed(failure) => self.failure = self.failure.take().max(Some(failure.clone())),
            Observation::Settled(basis) => self.settled = !self.is_active() && *basis == self.basis(),
        }
        // What is known to have ended was only overlooked, or deleted later.
        self.gone_at.take_if(|_| self.status == COMPLETED);
        let after = (self.over_at(), self.basis());
        if before != after {
            // The history of its servers has to hear of it.
            self.settled = false;
        }
    }

    /// What `DescribeJobs` tells outweighs what the call says, whichever comes first.
    fn start(&mut self, call: &Call, drill: Option<bool>, plan: Option<&String>) {
        self.call = self.call.take().max(Some(call.clone()));
        if self.initiated_by.is_none() {
            self.drill = self.drill.max(drill);
        }
        if self.plan.is_none() {
            self.plan = plan.cloned();
        }
    }

    fn see(&mut self, seen: &JobSeen, at: Timestamp) {
        advance(&mut self.status, &seen.status, status_rank);
        if !seen.kind.is_empty() {
            self.kind = Some(seen.kind.clone());
        }
        self.created = seen.created.or(self.created);
        self.ended = seen.ended.or(self.ended);
        if !seen.networks.is_empty() {
            let networks = Counts::of_statuses(seen.networks.iter().map(String::as_str));
            self.networks = self.networks.max(Some(networks));
        }
        self.plan = seen.tags.get(PLAN_TAG).cloned().or(self.plan.take());
        let counts = Counts::of(&seen.servers);
        self.count(counts);
        self.found_launched(counts, at);
        if let Some(by) = &seen.initiated_by {
            self.initiated_by = Some(by.clone());
            self.drill = drill_of(by);
        }
    }

    /// Launch results may tell of fewer servers than take part, and of more that are done than the last look saw.
    fn count(&mut self, counts: Counts) {
        let known = self.counts.unwrap_or_default();
        self.counts = Some(Counts { servers: known.servers.max(counts.servers), ..known.max(counts) });
    }

    fn go(&mut self, at: Timestamp) {
        self.gone_at = Some(self.gone_at.map_or(at, |known| known.min(at)));
    }

    /// More servers are further; of two looks that found as many, the first one counts.
    fn found_launched(&mut self, counts: Counts, at: Timestamp) {
        let servers = counts.done.saturating_sub(counts.failed);
        let found = Launched { servers, at };
        let is_news = |known: Launched| (found.servers, known.at) > (known.servers, found.at);
        if servers > 0 && self.launched.is_none_or(is_news) {
            self.launched = Some(found);
        }
    }

    fn run(&mut self, running: Running) {
        let known = self.running.map(|known| (known.at, known.instances));
        if known < Some((running.at, running.instances)) {
            self.running = Some(running);
        }
        // Only the instances of drills are counted.
        if self.initiated_by.is_none() {
            self.drill = Some(true);
        }
    }
}

fn drill_of(initiated_by: &str) -> Option<bool> {
    match initiated_by {
        "START_DRILL" => Some(true),
        "START_RECOVERY" => Some(false),
        _ => None,
    }
}

fn status_rank(status: &str) -> u8 {
    match status {
        "PENDING" => 0,
        COMPLETED => 2,
        _ => 1,
    }
}

/// The history of a job that is over is written soon; while anything is wrong, it is looked again and again whether it
/// still is. The time stays that was set first.
fn next_look(row: &JobRow, context: &Context<'_>) -> Option<Timestamp> {
    if row.is_active() || row.settled {
        return incident::look_again(&row.incidents, row.look_at, context.now);
    }
    let latest = after(context.now, SETTLES);
    Some(row.look_at.filter(|at| *at > context.now).map_or(latest, |at| at.min(latest)))
}
