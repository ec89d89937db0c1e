//! Jobs in words that several commands use.

use drs_fleet_domain::incident;
use drs_fleet_domain::job::{JobRow, Outcome, Progress, Purpose, Slowest};
use drs_fleet_domain::launch_remedy;
use jiff::Timestamp;

use crate::text::{ago, lasting, length, plain, second, short};

/// How far a job is, `37/100`; once it is over, what came of it.
pub(super) fn state(row: &JobRow) -> String {
    match (row.outcome(), row.counts) {
        (Some(outcome), _) => outcome.to_string(),
        (None, Some(counts)) => format!("{}/{}", row.succeeded(), counts.servers),
        (None, None) => plain(&row.status),
    }
}

/// What becomes of a server with which a job succeeds.
pub(super) fn verb(purpose: Purpose) -> &'static str {
    match purpose {
        _ if purpose.launches() => "launched",
        Purpose::Terminate => "terminated",
        Purpose::ConvertedSnapshot => "converted",
        _ => "done",
    }
}

/// `37 of 100 launched, 2 failed`.
pub(super) fn counts(row: &JobRow, progress: &Progress) -> String {
    let verb = verb(row.purpose());
    let done = match (progress.servers, progress.succeeded) {
        (0, 0) => "its servers are not known yet".to_owned(),
        (0, some) => format!("{some} {verb} so far"),
        (all, some) => format!("{some} of {all} {verb}"),
    };
    if progress.failed == 0 { done } else { format!("{done}, {} failed", progress.failed) }
}

/// `converting for 5 min (12 servers)`.
pub(super) fn slowest(slowest: &Slowest, now: Timestamp) -> String {
    let servers =
        if slowest.servers == 1 { "1 server".to_owned() } else { format!("{} servers", slowest.servers) };
    let phase = plain(launch_remedy::phase(&slowest.phase));
    format!("{phase} for {} ({servers})", lasting(slowest.since, now))
}

/// When a job is expected to end, or how much longer than such jobs it takes.
pub(super) fn expected(end: Timestamp, now: Timestamp) -> String {
    let ahead = ahead(end, now);
    if end > now { format!("expected end {ahead}") } else { ahead }
}

/// How far ahead the expected end of a job is, or how far it has passed.
pub(super) fn ahead(end: Timestamp, now: Timestamp) -> String {
    if end > now {
        format!("in {}", lasting(now, end))
    } else {
        format!("{} longer than usual so far", lasting(end, now))
    }
}

/// How long a job took, or takes so far.
pub(super) fn takes(row: &JobRow, now: Timestamp) -> Option<String> {
    let took = row.over_at().unwrap_or(now).duration_since(row.started_at()?);
    took.try_into().ok().map(length)
}

/// Who started it: the session or user, where CloudTrail told.
pub(super) fn by(row: &JobRow) -> Option<&str> {
    row.call.as_ref()?.by.principal.as_deref().map(short)
}

/// The kinds of its open incidents; `-` where there are none.
pub(super) fn incidents(row: &JobRow) -> String {
    let kinds: Vec<_> = incident::open(&row.incidents).map(|(kind, _)| kind.as_str()).collect();
    if kinds.is_empty() { "-".to_owned() } else { kinds.join(",") }
}

/// A time and how long ago it was.
pub(super) fn when(at: Timestamp, now: Timestamp) -> String {
    format!("{}, {}", second(at), ago(now, at))
}

/// How jobs stand: `2 running, 5 succeeded, 1 partial.`
pub(super) fn sum<'a>(jobs: impl Iterator<Item = &'a JobRow>) -> String {
    let outcomes: Vec<_> = jobs.map(JobRow::outcome).collect();
    let all = [
        (None, "running"),
        (Some(Outcome::Succeeded), "succeeded"),
        (Some(Outcome::Partial), "partial"),
        (Some(Outcome::Failed), "failed"),
        (Some(Outcome::Unknown), "ended unseen"),
    ];
    let count = |outcome| outcomes.iter().filter(|is| **is == outcome).count();
    let counts = all.iter().map(|(outcome, word)| (count(*outcome), word)).filter(|(n, _)| *n > 0);
    format!("{}.", counts.map(|(n, word)| format!("{n} {word}")).collect::<Vec<_>>().join(", "))
}
