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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job_sweep::InJobs;
    use crate::quota::QuotaOrigin;

    fn place() -> Place {
        Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
    }

    fn sweep(jobs: u32, servers: u32) -> JobSweepRow {
        JobSweepRow { in_jobs: Some(InJobs { jobs, servers }), ..JobSweepRow::unknown(&place()) }
    }

    fn room(sweep: Option<&JobSweepRow>) -> Room {
        let place = place();
        Room::of(&Stored { place: &place, account_name: "Payments", sweep, quotas: None, servers: &[] })
    }

    fn code(refusal: Option<&Refusal>) -> Option<&'static str> {
        refusal.map(|refusal| match refusal {
            Refusal::Quota { code, .. } => *code,
            Refusal::Unknown => "unknown",
        })
    }

    fn codes(verdict: &Verdict) -> (Option<&'static str>, u32, Option<&'static str>) {
        (code(verdict.as_one_job.as_ref()), verdict.jobs, code(verdict.split.as_ref()))
    }

    #[test]
    fn a_call_is_refused_by_the_quota_that_it_exceeds_and_fits_when_it_is_split() {
        let verdict = |jobs, servers, wanted| codes(&room(Some(&sweep(jobs, servers))).verdict(wanted));
        assert_eq!(verdict(0, 0, 100), (None, 1, None));
        assert_eq!(verdict(0, 0, 101), (Some("L-B827C881"), 2, None));
        assert_eq!(verdict(20, 100, 1), (Some("L-D88FAC3A"), 1, Some("L-D88FAC3A")));
        assert_eq!(verdict(18, 100, 250), (Some("L-B827C881"), 3, Some("L-D88FAC3A")));
        assert_eq!(verdict(5, 401, 100), (Some("L-05AFA8C6"), 1, Some("L-05AFA8C6")));
        assert_eq!(verdict(5, 400, 100), (None, 1, None));
        assert_eq!(verdict(0, 0, 501), (Some("L-B827C881"), 6, Some("L-05AFA8C6")));
    }

    #[test]
    fn the_refusal_says_what_aws_answers() {
        let verdict = room(Some(&sweep(20, 0))).verdict(1);
        let expected = Refusal::Quota {
            code: "L-D88FAC3A",
            of: "jobs at a time",
            wanted: 21,
            limit: 20,
            error: "ServiceQuotaExceededException",
            status: 402,
        };
        assert_eq!(verdict.as_one_job, Some(expected));
    }

    #[test]
    fn what_was_never_looked_at_is_not_taken_for_empty() {
        assert_eq!(codes(&room(None).verdict(10)), (Some("unknown"), 1, Some("unknown")));
        let heard = JobSweepRow { in_jobs: None, ..sweep(0, 0) };
        assert_eq!(room(Some(&heard)).jobs.used, None);
    }

    #[test]
    fn a_job_that_was_only_heard_of_counts_and_so_do_its_servers() {
        let mut sweep = sweep(1, 1);
        for n in 0..3 {
            sweep.active.insert(format!("drsjob-{n:017}").parse().unwrap(), Timestamp::UNIX_EPOCH);
        }
        let row = |n: u32| JobServerRow {
            place: place(),
            job: "drsjob-00000000000000000".parse().unwrap(),
            server: format!("s-{n:017}").parse().unwrap(),
            name: None,
            objective: None,
            launch_status: "PENDING".to_owned(),
            recovery_instance: None,
            result_at: None,
            found_at: None,
            phases: std::collections::BTreeMap::new(),
            failure: None,
        };
        let (place, servers) = (place(), [row(1), row(2), row(2)]);
        let room = Room::of(&Stored {
            place: &place,
            account_name: "Payments",
            sweep: Some(&sweep),
            quotas: None,
            servers: &servers,
        });
        assert_eq!((room.jobs.used, room.servers_in_jobs.used, room.busy), (Some(3), Some(2), 2));
    }

    proptest! {
        #[test]
        fn what_is_let_in_never_exceeds_a_quota(
            jobs in 0_u32..30, servers in 0_u32..600, wanted in 1_u32..2_000, per_job in 0_u32..150,
        ) {
            let mut room = room(Some(&sweep(jobs, servers)));
            room.servers_per_job = QuotaValue { value: per_job, origin: QuotaOrigin::Applied };
            let verdict = room.verdict(wanted);
            let fits = |more: u32| jobs + more <= 20 && servers + wanted <= 500;
            prop_assert_eq!(verdict.as_one_job.is_none(), wanted <= per_job && fits(1));
            if verdict.split.is_none() {
                prop_assert!(fits(verdict.jobs) && verdict.jobs * per_job >= wanted, "{verdict:?}");
                prop_assert!((verdict.jobs - 1) * per_job < wanted, "one job less would do: {verdict:?}");
            }
        }
    }
}
