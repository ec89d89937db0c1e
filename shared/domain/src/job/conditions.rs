//! What is wrong with a job.

use std::time::Duration;

use jiff::Timestamp;

use super::{Context, Counts, JobRow, Outcome, Purpose};
use crate::incident::{Condition, IncidentKind, Severity};
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
    let of = counted(row).map(|counts| format!(" of {}", servers(counts.servers))).unwrap_or_default();
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
    let done = counted(row).map(|c| format!("; {} of {} done", c.done, servers(c.servers)));
    Some(Condition {
        kind,
        since,
        severity: severity(row.purpose()),
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
    let counts = row.counts.filter(|_| is_failing(row, context.limits, context.now))?;
    let lost = counts.servers.saturating_sub(row.succeeded());
    let mut reason = format!("{lost} of {} failed", servers(counts.servers));
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
        severity: severity(row.purpose()),
        reason,
    })
}

/// From when on its instances should not run any more.
fn left_since(row: &JobRow, limits: &Limits) -> Option<Timestamp> {
    let over = row.over_at().filter(|_| row.purpose() == Purpose::Drill)?;
    Some(after(over, limits.drill_left_after))
}

fn left_running(row: &JobRow, limits: &Limits) -> Option<Condition> {
    let since = left_since(row, limits)?;
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

/// A real recovery is what all this is for.
fn severity(purpose: Purpose) -> Severity {
    match purpose {
        Purpose::Recovery | Purpose::Failback => Severity::Critical,
        Purpose::Drill => Severity::High,
        _ => Severity::Medium,
    }
}

/// Its servers, once they are known: a network recovery has none.
fn counted(row: &JobRow) -> Option<Counts> {
    row.counts.filter(|counts| counts.servers > 0)
}

fn servers(count: u32) -> String {
    if count == 1 { "1 server".to_owned() } else { format!("{count} servers") }
}

fn whole_minutes(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() / 60 * 60)
}
