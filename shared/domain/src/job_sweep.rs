//! The jobs of a place as a whole: its sweep, which of its jobs are active and so looked at closely, and how near it is
//! to the quotas of jobs. Written by the job-monitor.

mod looked;
mod near_quota;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::looked::{Looked, looked};
pub use self::near_quota::InJobs;
use self::near_quota::near_quota;
use crate::ids::JobId;
use crate::incident::{self, Incidents, Subject, reconcile};
use crate::keys::{self, Key, Place};
use crate::policy::Limits;
use crate::quota::QuotasRow;
use crate::routing::WorkerName;
use crate::row::{Change, Row, Troubled};
use crate::sweep::{CLAIM, Sweeping, after};

/// How often the jobs of a place are looked at while any of them is active.
pub const POLL_EVERY: Duration = Duration::from_secs(12);

/// So long after their beginning jobs are looked at as seldom as those of an account that refuses us, for AWS may never end
/// one. When a job began of which an event told is not known until it is listed: at most a day before.
const LONG: Duration = Duration::from_hours(2 * 24);

/// A job that was just heard of is looked at so soon, together with those that are heard of meanwhile.
const POLL_SOON: Duration = Duration::from_secs(2);

/// Where an account refuses us, or its jobs began long ago, they are looked at again so late.
const POLL_SELDOM: Duration = Duration::from_mins(5);

/// What changed recovery instances asks for a sweep so soon, so that a burst of it costs one.
const SWEEP_SOON: Duration = Duration::from_secs(10);

/// The jobs of a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSweepRow {
    /// Which place.
    pub place: Place,
    /// When the last complete sweep began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swept_at: Option<Timestamp>,
    /// The sweep that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweeping: Option<Sweeping>,
    /// The last complete sweep of recovery instances, in AWS's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances_at: Option<Timestamp>,
    /// Jobs that are active, and when each began as far as is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub active: BTreeMap<JobId, Timestamp>,
    /// When they are looked at next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_at: Option<Timestamp>,
    /// When a sweep is asked for, because something changed that no event tells in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_at: Option<Timestamp>,
    /// What the last look at the jobs counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_jobs: Option<InJobs>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

/// What a decision on the jobs of a place may look at besides the row.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Name of the account in the registry.
    pub account_name: &'a str,
    /// The thresholds of the account.
    pub limits: &'a Limits,
    /// Its quotas.
    pub quotas: Option<&'a QuotasRow>,
    /// Whether the account is watched: nothing is looked at in one that is not.
    pub watched: bool,
    /// Our time.
    pub now: Timestamp,
}

impl Row for JobSweepRow {
    const KIND: &'static str = "job-sweep";
    const WORKER: &'static str = WorkerName::Jobs.as_str();
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        keys::job_sweep(&self.place)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        [self.poll_at, self.sweep_at, incident::wake_at(&self.incidents)].into_iter().flatten().min()
    }
}

/// What a timer of a place asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rings {
    /// Its active jobs are to be looked at.
    pub poll: bool,
    /// It is to be swept.
    pub sweep: bool,
}

impl Troubled for JobSweepRow {
    fn incidents(&self) -> &Incidents {
        &self.incidents
    }
}

impl JobSweepRow {
    /// A place of which nothing is known.
    pub fn unknown(place: &Place) -> Self {
        Self {
            place: place.clone(),
            swept_at: None,
            sweeping: None,
            instances_at: None,
            active: BTreeMap::new(),
            poll_at: None,
            sweep_at: None,
            in_jobs: None,
            incidents: Incidents::new(),
        }
    }

    fn of(place: &Place, stored: Option<&Self>) -> Self {
        stored.cloned().unwrap_or_else(|| Self::unknown(place))
    }

    /// Gives the claim of a sweep that was refused back, unless another has taken it over.
    pub fn released(stored: Option<&Self>, claim: &Sweeping) -> Option<Change<Self>> {
        let known = stored?;
        let row = Self { sweeping: claim.over(known.sweeping.as_ref()), ..known.clone() };
        Change::between(stored, row, Vec::new())
    }

    /// Says that the sweep gets on; `None` when another has taken it over.
    pub fn renewed(stored: Option<&Self>, claim: &Sweeping, now: Timestamp) -> Option<Change<Self>> {
        let known = stored?;
        let sweeping = Some(claim.renewed(known.sweeping.as_ref(), now)?);
        Some(Change { row: Self { sweeping, ..known.clone() }, tell: Vec::new() })
    }

    /// Records that the sweep that began at `began`, in AWS's time `instances_at` for recovery instances, is complete.
    pub fn ended(
        stored: Option<&Self>,
        (claim, began): (&Sweeping, Timestamp),
        instances_at: Timestamp,
    ) -> Option<Change<Self>> {
        let known = stored?;
        let row = Self {
            sweeping: claim.over(known.sweeping.as_ref()),
            swept_at: known.swept_at.max(Some(began)),
            instances_at: known.instances_at.max(Some(instances_at)),
            ..known.clone()
        };
        Change::between(stored, row, Vec::new())
    }

    /// Has an active job looked at soon, and then again and again until it is over.
    pub fn watched(
        (place, job): (&Place, &JobId),
        began: Timestamp,
        stored: Option<&Self>,
        now: Timestamp,
    ) -> Option<Change<Self>> {
        let mut row = Self::of(place, stored);
        if row.active.contains_key(job) {
            return None;
        }
        row.active.insert(job.clone(), began);
        row.poll_at = Some(earlier(row.poll_at, after(now, POLL_SOON)));
        Change::between(stored, row, Vec::new())
    }

    /// Has the place swept soon.
    pub fn wished(place: &Place, stored: Option<&Self>, now: Timestamp) -> Option<Change<Self>> {
        let mut row = Self::of(place, stored);
        row.sweep_at = Some(earlier(row.sweep_at, after(now, SWEEP_SOON)));
        Change::between(stored, row, Vec::new())
    }

    /// How often its active jobs are looked at; `None` where there are none.
    fn poll_every(&self, now: Timestamp) -> Option<Duration> {
        let youngest = self.active.values().max()?;
        Some(if after(*youngest, LONG) < now { POLL_SELDOM } else { POLL_EVERY })
    }

    /// Which of its timers ring.
    pub fn rings(&self, now: Timestamp) -> Rings {
        let rings = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        Rings { poll: rings(self.poll_at), sweep: rings(self.sweep_at) }
    }

    /// Moves the timers that ring: whoever does serves them.
    pub fn woken(&self, context: &Context<'_>) -> Option<Change<Self>> {
        let mut row = self.clone();
        let rings = self.rings(context.now);
        if rings.poll {
            row.poll_at = row.poll_every(context.now).map(|every| after(context.now, every));
        }
        if rings.sweep {
            // The wish stays until a sweep is begun: what asks may die of it, or meet one that does not see what it is about.
            row.sweep_at = Some(after(context.now, CLAIM));
        }
        if !context.watched {
            row = Self { active: BTreeMap::new(), poll_at: None, sweep_at: None, in_jobs: None, ..row };
        }
        row.judged(Some(self), context)
    }

    /// Looks again late, where the account refuses us.
    pub fn refused(stored: Option<&Self>, now: Timestamp) -> Option<Change<Self>> {
        let known = stored.filter(|row| row.poll_at.is_some())?;
        let row = Self { poll_at: Some(after(now, POLL_SELDOM)), ..known.clone() };
        Change::between(stored, row, Vec::new())
    }

    fn judged(mut self, stored: Option<&Self>, context: &Context<'_>) -> Option<Change<Self>> {
        let holding: Vec<_> = near_quota(&self, context).filter(|_| context.watched).into_iter().collect();
        let (place, name) = (self.place.clone(), context.account_name);
        let subject = Subject {
            place: &place,
            account_name: name,
            id: place.account.as_str(),
            name,
            job: None,
            application: None,
            drill_tag: None,
        };
        let told = reconcile(&mut self.incidents, &holding, &subject, context.now);
        Change::between(stored, self, told.into_iter().map(Into::into).collect())
    }
}

/// Claims the sweep that was asked for at `asked_at`, see [`Sweeping::claim`].
pub fn claim_sweep(
    place: &Place,
    stored: Option<&JobSweepRow>,
    asked_at: Timestamp,
    now: Timestamp,
) -> Option<Change<JobSweepRow>> {
    let row = JobSweepRow::of(place, stored);
    let sweeping = Some(Sweeping::claim(row.sweeping.as_ref(), row.swept_at, &[asked_at], now)?);
    Some(Change { row: JobSweepRow { sweeping, sweep_at: None, ..row }, tell: Vec::new() })
}

fn earlier(known: Option<Timestamp>, at: Timestamp) -> Timestamp {
    known.map_or(at, |known| known.min(at))
}

#[cfg(test)]
mod tests;
