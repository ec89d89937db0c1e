//! How many jobs and servers in jobs a place still takes, before `StartRecovery` is refused.
//!
//! DRS refuses what would be more than a quota with `ServiceQuotaExceededException` (HTTP 402), whose `quotaCode` names
//! it. A server that is in a job already is refused too, as a conflict.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::fleet::Use;
use crate::ids::SourceServerId;
use crate::job::JobServerRow;
use crate::job_sweep::JobSweepRow;
use crate::keys::Place;
use crate::quota::{self, Quota, QuotaValue, QuotasRow};

/// What DRS answers to a call that would be more than a quota.
pub const ERROR: &str = "ServiceQuotaExceededException";
/// The status of that answer.
pub const ERROR_STATUS: u16 = 402;

/// What the table holds of the jobs of a place.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Which.
    pub place: &'a Place,
    /// Name of its account.
    pub account_name: &'a str,
    /// Its jobs as a whole; none before the job-monitor saw anything of it.
    pub sweep: Option<&'a JobSweepRow>,
    /// Its quotas; documented ones are taken where they were never read.
    pub quotas: Option<&'a QuotasRow>,
    /// The servers of its active jobs, as far as they are known.
    pub servers: &'a [JobServerRow],
}

/// What a place still takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Room {
    /// Which.
    pub place: Place,
    /// Name of its account.
    pub account_name: String,
    /// Jobs at a time.
    pub jobs: Use,
    /// Servers in them.
    pub servers_in_jobs: Use,
    /// Servers that one job may have.
    pub servers_per_job: QuotaValue,
    /// Jobs at a time that one server may be in.
    pub jobs_per_server: QuotaValue,
    /// Servers that are known to be in a job now: each further job of them is a conflict.
    pub busy: u32,
    /// When all its jobs were last looked at; those that began since are known as far as events told them.
    pub swept_at: Option<Timestamp>,
}

/// What a place makes of the recovery of some servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Why one `StartRecovery` with all of them is refused; none where it is not.
    pub as_one_job: Option<Refusal>,
    /// How many jobs it takes at least, by the quota of servers in one.
    pub jobs: u32,
    /// Why not even that many jobs are taken now; none where they are.
    pub split: Option<Refusal>,
}

/// Why jobs are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Refusal {
    /// It would be more than a quota.
    Quota {
        /// Which: `L-…`.
        code: &'static str,
        /// What it is about, in plain words.
        of: &'static str,
        /// What there would be.
        wanted: u32,
        /// What is allowed.
        limit: u32,
        /// What AWS answers.
        error: &'static str,
        /// The HTTP status of that.
        status: u16,
    },
    /// It is not known how much of the quotas is used.
    Unknown,
}

impl Room {
    /// A place by what the table holds. Where two sources count differently, the greater one counts.
    pub fn of(stored: &Stored<'_>) -> Self {
        let ids: BTreeSet<&SourceServerId> = stored.servers.iter().map(|row| &row.server).collect();
        let busy = count(ids.len());
        // A job that was heard of is active before it is looked at.
        let heard = stored.sweep.map(|sweep| count(sweep.active.len())).unwrap_or_default();
        let looked = stored.sweep.and_then(|sweep| sweep.in_jobs);
        let value = |quota| quota::value(quota, stored.quotas);
        let used = |quota, used| Use { used, quota: value(quota) };
        Self {
            place: stored.place.clone(),
            account_name: stored.account_name.to_owned(),
            jobs: used(Quota::Jobs, looked.map(|looked| looked.jobs.max(heard))),
            servers_in_jobs: used(Quota::ServersInJobs, looked.map(|looked| looked.servers.max(busy))),
            servers_per_job: value(Quota::ServersPerJob),
            jobs_per_server: value(Quota::JobsPerServer),
            busy,
            swept_at: stored.sweep.and_then(|sweep| sweep.swept_at),
        }
    }

    /// What comes of the recovery of `servers` servers that are in no job yet.
    pub fn verdict(&self, servers: u32) -> Verdict {
        let per_job = self.servers_per_job.value;
        let jobs = servers.div_ceil(per_job.max(1));
        let too_large = (servers > per_job).then(|| refusal(Quota::ServersPerJob, servers, per_job));
        Verdict {
            as_one_job: too_large.or_else(|| self.refuses(1, servers)),
            jobs,
            split: if per_job == 0 {
                Some(refusal(Quota::ServersPerJob, servers, 0))
            } else {
                self.refuses(jobs, servers)
            },
        }
    }

    /// Why so many more jobs with so many servers in all are refused.
    fn refuses(&self, jobs: u32, servers: u32) -> Option<Refusal> {
        let more = |quota, of: Use, more: u32| {
            let Some(used) = of.used else { return Some(Refusal::Unknown) };
            let wanted = used.saturating_add(more);
            (wanted > of.quota.value).then(|| refusal(quota, wanted, of.quota.value))
        };
        more(Quota::Jobs, self.jobs, jobs)
            .or_else(|| more(Quota::ServersInJobs, self.servers_in_jobs, servers))
    }
}

fn refusal(quota: Quota, wanted: u32, limit: u32) -> Refusal {
    let of = match quota {
        Quota::Jobs => "jobs at a time",
        Quota::ServersInJobs => "servers in all jobs",
        _ => "servers in one job",
    };
    Refusal::Quota { code: quota.code(), of, wanted, limit, error: ERROR, status: ERROR_STATUS }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
