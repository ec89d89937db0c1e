//! How near a place is to the quotas of jobs.

use serde::{Deserialize, Serialize};

use super::{Context, JobSweepRow};
use crate::incident::{Condition, IncidentKind, Severity};
use crate::quota::{self, Quota};

/// What counts against the quotas of jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InJobs {
    /// Jobs that are active.
    pub jobs: u32,
    /// Servers in them.
    pub servers: u32,
}

/// DRS refuses what would be more than the quota, with `ServiceQuotaExceededException`. AWS does not say which jobs
/// count; all that are active do here.
pub(super) fn near_quota(row: &JobSweepRow, context: &Context<'_>) -> Option<Condition> {
    let InJobs { jobs, servers } = row.in_jobs?;
    let used = [(Quota::Jobs, jobs, "jobs at a time"), (Quota::ServersInJobs, servers, "servers in jobs")];
    let judged = used.map(|(quota, used, words)| {
        let limit = quota::value(quota, context.quotas).value;
        (used, limit, format!("{used} of {limit} {words} ({})", quota.code()))
    });
    let is_near = |(used, limit, _): &&(u32, u32, String)| {
        u64::from(*used) * 100 >= u64::from(*limit) * u64::from(context.limits.job_quota_percent)
    };
    let near: Vec<_> = judged.iter().filter(is_near).collect();
    let is_full = near.iter().any(|(used, limit, _)| used >= limit);
    (!near.is_empty()).then(|| Condition {
        kind: IncidentKind::JobsNearQuota,
        since: context.now,
        severity: if is_full { Severity::High } else { Severity::Medium },
        reason: near.iter().map(|(.., words)| words.as_str()).collect::<Vec<_>>().join(", "),
    })
}
