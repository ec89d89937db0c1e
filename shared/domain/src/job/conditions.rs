//! What is wrong with a job.

use std::time::Duration;

use jiff::Timestamp;

use super::{Context, Counts, JobRow, Outcome};
use crate::incident::{Condition, IncidentKind, Severity};
use crate::launch_remedy;
use crate::policy::Limits;
use crate::span;
use crate::sweep::after;

pub(super) fn holding(row: &JobRow, context: &Context<'_>) -> Vec<Condition> {
    let all = [stuck(row, context), failed(row, context), left_running(row, context.limits)];
    all.into_iter().flatten().collect()
}

/// What people call it: `wave-1, drill of 100 servers`.
pub(super) fn name(row: &JobRow) -> String {
    let words = row.purpose().words();
    let of = counted(row).map(|counts| format!(" of {}", parts(row, counts.servers))).unwrap_or_default();
    match row.plan.as_deref().filter(|plan| !plan.is_empty()) {
        Some(plan) => format!("{plan}, {words}{of}"),
        None => format!("{words}{of}"),
    }
}

/// That nothing moved is known only right after AWS was asked; what is open stays so until something moves.
fn stuck(row: &JobRow, context: &Context<'_>) -> Option<Condition> {
    let kind = IncidentKind::JobStuck;
    let moved = Some(row.moved_at()).filter(|moved| row.is_active() && *moved > Timestamp::MIN)?;
    let since = after(moved, context.stuck_after);
    let is_open = row.incidents.get(&kind).is_some_and(|incident| incident.closed_at.is_none());
    if context.now < since || !(context.looked || is_open) {
        return None;
    }
    let step = row.step.as_ref().map(|step| format!("; the last step in its log is {}", step.event));
    let done = counted(row).map(|c| format!("; {} of {} done", c.done, parts(row, c.servers)));
    Some(Condition {
        kind,
        since,
        severity: row.purpose().severity(),
        reason: format!(
            "nothing of it has moved for {}{}{}",
            span::show(whole_minutes(context.stuck_after)),
            step.unwrap_or_default(),
            done.unwrap_or_default()
        ),
    })
}

/// Whether it failed, wholly or in part, and nobody made up for it yet.
fn is_failing(row: &JobRow, limits: &Limits, now: Timestamp) -> bool {
    let is_bad = matches!(row.outcome(), Some(Outcome::Failed | Outcome::Partial));
    let is_recent = row.over_at().is_some_and(|over| now < after(over, limits.job_failed_kept));
    let is_mended = row.failures.as_ref().is_some_and(|failures| failures.servers == 0);
    is_bad && is_recent && !is_mended
}

fn failed(row: &JobRow, context: &Context<'_>) -> Option<Condition> {
    let all = row.all().filter(|_| is_failing(row, context.limits, context.now))?;
    let lost = all.servers.saturating_sub(all.done.saturating_sub(all.failed));
    let mut reason = format!("{lost} of {} failed", parts(row, all.servers));
    if let Some(failure) = &row.failure {
        reason = format!("{reason}: {}", launch_remedy::reason(Some(failure)));
    }
    if let Some(failures) = &row.failures {
        if failures.servers < lost {
            reason = format!("{reason}, {} of these not launched since", failures.servers);
        }
        if !failures.named.is_empty() {
            reason = format!("{reason}: {}", failures.named);
        }
    }
    Some(Condition {
        kind: IncidentKind::JobFailed,
        since: row.over_at()?,
        severity: row.purpose().severity(),
        reason,
    })
}

fn left_running(row: &JobRow, limits: &Limits) -> Option<Condition> {
    let since = row.left_since(limits)?;
    let running = row.running.filter(|running| running.instances > 0 && since <= running.at)?;
    Some(Condition {
        kind: IncidentKind::DrillLeftRunning,
        since,
        severity: Severity::Medium,
        reason: format!(
            "{} more than {} after its end",
            match running.instances {
                1 => "1 of its instances still runs".to_owned(),
                more => format!("{more} of its instances still run"),
            },
            span::show(limits.drill_left_after)
        ),
    })
}

/// All that takes part, once it is known.
fn counted(row: &JobRow) -> Option<Counts> {
    row.all().filter(|counts| counts.servers > 0)
}

/// What takes part in a job: a network recovery has source networks in place of servers.
fn parts(row: &JobRow, count: u32) -> String {
    let noun = if row.networks.is_some() { "source network" } else { "server" };
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn whole_minutes(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() / 60 * 60)
}
