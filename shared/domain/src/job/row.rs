//! The row of a job, and what follows from it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Basis, COMPLETED, Call, Counts, Failure, Failures, KEPT, Launched, Outcome, Purpose, Running, Step,
};
use crate::ids::JobId;
use crate::incident::{self, Incidents};
use crate::keys::{self, Key, Place};
use crate::policy::Limits;
use crate::routing::WorkerName;
use crate::row::{Row, Troubled};
use crate::sweep::after;

/// Between two looks at an active job lies less than this.
const LOOKS_APART: Duration = Duration::from_secs(25);

/// A job of any origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Where it runs.
    pub place: Place,
    /// Its id.
    pub id: JobId,
    /// `PENDING`, `STARTED`, `COMPLETED`.
    pub status: String,
    /// `LAUNCH`, `TERMINATE`, `CREATE_CONVERTED_SNAPSHOT`; absent until `DescribeJobs` told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `START_DRILL`, `START_RECOVERY`, …; absent until `DescribeJobs` told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiated_by: Option<String>,
    /// Drill or real recovery, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<bool>,
    /// The call that started it, where CloudTrail told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Counted from the job's own list of servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Of a network recovery, how far its source networks are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<Counts>,
    /// Its tag `drs-fleet:plan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The tag `drs-fleet:drill` that all its servers had when its start was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill_tag: Option<String>,
    /// The newest line of its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// The last line of its log that tells of a failure of no single server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When the last server was found launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launched: Option<Launched>,
    /// The newest launch result that an event told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_at: Option<Timestamp>,
    /// Its instances that still run, by the last complete sweep of recovery instances that found a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
    /// Those of its failed servers that were not launched since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Failures>,
    /// When AWS no longer showed it, or it was deleted, though it was not known to be over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
    /// When somebody deleted it from AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Whether its end is in the history of its servers and of the place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
    /// Whether `Job Started` was told, or will never be, because the job is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told_start: bool,
    /// Whether `Job Completed` was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told_end: bool,
    /// When the job-monitor looks at it again, besides its incidents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

impl Row for JobRow {
    const KIND: &'static str = "job";
    const WORKER: &'static str = WorkerName::Jobs.as_str();

    fn key(&self) -> Key {
        keys::job(&self.place, &self.id)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        [self.look_at, incident::wake_at(&self.incidents)].into_iter().flatten().min()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.over_at().map(|at| after(at, KEPT))
    }
}

impl Troubled for JobRow {
    fn incidents(&self) -> &Incidents {
        &self.incidents
    }
}

impl JobRow {
    /// A job of which nothing is known but that there is one.
    pub fn unknown((place, id): (&Place, &JobId)) -> Self {
        Self {
            place: place.clone(),
            id: id.clone(),
            status: "PENDING".to_owned(),
            kind: None,
            initiated_by: None,
            drill: None,
            call: None,
            created: None,
            ended: None,
            counts: None,
            networks: None,
            failure: None,
            plan: None,
            drill_tag: None,
            step: None,
            launched: None,
            result_at: None,
            running: None,
            failures: None,
            gone_at: None,
            deleted_at: None,
            settled: false,
            told_start: false,
            told_end: false,
            look_at: None,
            incidents: Incidents::new(),
        }
    }

    /// Whether it is not over, as far as is known.
    pub fn is_active(&self) -> bool {
        self.over_at().is_none()
    }

    /// When it ended, or was found gone.
    pub fn over_at(&self) -> Option<Timestamp> {
        let completed = self.status == COMPLETED;
        // AWS dates the end of each job; should it not, the newest that is known of it must do.
        completed.then(|| self.ended.unwrap_or_else(|| self.moved_at())).or(self.gone_at)
    }

    /// When it was created, else when the call that started it was made.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.created.or_else(|| self.call.as_ref().map(|call| call.at))
    }

    /// When anything of it last moved, in AWS's time; `Timestamp::MIN` where nothing is dated.
    pub fn moved_at(&self) -> Timestamp {
        let dated = [
            self.started_at(),
            self.step.as_ref().map(|step| step.at),
            self.launched.map(|launched| launched.at),
            self.result_at,
            self.ended,
        ];
        dated.into_iter().flatten().max().unwrap_or(Timestamp::MIN)
    }

    /// What it is for.
    pub fn purpose(&self) -> Purpose {
        let call = self.call.as_ref().map(|call| call.name.as_str());
        Purpose::of(self.kind.as_deref(), self.initiated_by.as_deref(), call, self.drill)
    }

    /// How many of its servers were launched, or terminated by a job that is to do that.
    pub fn succeeded(&self) -> u32 {
        self.counts.map_or(0, |counts| counts.done.saturating_sub(counts.failed))
    }

    /// All that takes part: servers and source networks.
    pub fn all(&self) -> Option<Counts> {
        let Some(networks) = self.networks else { return self.counts };
        let servers = self.counts.unwrap_or_default();
        Some(Counts {
            done: servers.done + networks.done,
            failed: servers.failed + networks.failed,
            servers: servers.servers + networks.servers,
        })
    }

    /// From when on the instances of a drill should not run any more.
    pub fn left_since(&self, limits: &Limits) -> Option<Timestamp> {
        let over = self.over_at().filter(|_| self.purpose() == Purpose::Drill)?;
        Some(after(over, limits.drill_left_after))
    }

    /// Whether a count of its running instances at `at` is worth a write: the number differs, or the first one counted
    /// after the time that the instances of a drill have.
    pub fn is_news_of_running(&self, instances: u32, at: Timestamp, limits: &Limits) -> bool {
        let Some(known) = self.running.filter(|known| known.instances == instances) else { return true };
        let is_left = |at: Timestamp| self.left_since(limits).is_some_and(|since| since <= at);
        instances > 0 && is_left(at) && !is_left(known.at)
    }

    /// What its history is written from: that is complete only while this is the same.
    pub fn basis(&self) -> Basis {
        Basis {
            call: self.call.clone(),
            started: self.started_at(),
            result_at: self.result_at,
            counts: self.counts,
            purpose: self.purpose(),
        }
    }

    /// What came of it; `None` while it is active.
    pub fn outcome(&self) -> Option<Outcome> {
        self.over_at()?;
        let Some(Counts { done, failed, servers }) = self.all() else { return Some(Outcome::Unknown) };
        Some(match (failed, done.saturating_sub(failed)) {
            // Its end was not seen, and not all that takes part, as far as that is known, was done by then.
            _ if self.status != COMPLETED && (self.kind.is_none() || done < servers) => Outcome::Unknown,
            (0, _) if done == servers => Outcome::Succeeded,
            (0, 0) if !self.purpose().launches() => Outcome::Succeeded,
            (_, 0) => Outcome::Failed,
            _ => Outcome::Partial,
        })
    }

    /// Recovery time: from the start to the last server that was launched. `None` while it is active, where nothing was
    /// launched, and for jobs that launch nothing.
    ///
    /// Exact to the second where an event told the last launch; else to the pause between two looks at the job.
    pub fn recovery_time(&self) -> Option<Duration> {
        let (over, started, launched) = (self.over_at()?, self.started_at()?, self.launched?);
        if !self.purpose().recovers() {
            return None;
        }
        let looked = launched.at.min(over);
        let told = self.result_at.filter(|at| *at <= looked && looked < after(*at, LOOKS_APART));
        Duration::try_from(told.unwrap_or(looked).duration_since(started)).ok()
    }
}
