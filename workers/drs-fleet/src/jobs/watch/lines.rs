//! Progress as lines, one whenever something changes.

use std::collections::BTreeMap;
use std::io::Write;

use drs_fleet_domain::ids::JobId;
use jiff::Timestamp;

use super::super::words;
use super::round::Watched;
use crate::text::{length, plain, second};

/// Prints lines.
pub(super) struct Lines<'a> {
    out: &'a mut dyn Write,
    /// By job: what was printed of it last.
    told: BTreeMap<JobId, String>,
}

impl<'a> Lines<'a> {
    pub(super) fn to(out: &'a mut dyn Write) -> Self {
        Self { out, told: BTreeMap::new() }
    }

    /// Prints the jobs of which anything changed that a reader of the log wants to know.
    pub(super) fn show(&mut self, watched: &[Watched], now: Timestamp) -> anyhow::Result<()> {
        for each in watched {
            let told = standing(each);
            if self.told.get(&each.job.row.id) != Some(&told) {
                writeln!(self.out, "{}  {}: {}", second(now), name(each), message(each, now))?;
                self.told.insert(each.job.row.id.clone(), told);
            }
        }
        Ok(self.out.flush()?)
    }

    pub(super) fn say(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.out, "{text}")?;
        Ok(self.out.flush()?)
    }
}

fn name(watched: &Watched) -> String {
    let row = &watched.job.row;
    format!("{} {} {} {}", plain(&watched.job.account_name), row.place.region, row.id, plain(&row.label()))
}

/// How far it is, where it hangs and when it ends; of one that is over, what came of it.
pub(super) fn message(watched: &Watched, now: Timestamp) -> String {
    let Watched { job, progress } = watched;
    let row = &job.row;
    let counts = words::counts(row, progress);
    if let Some(outcome) = row.outcome() {
        let took = words::takes(row, now).map(|took| format!(", over after {took}")).unwrap_or_default();
        let rto = row.recovery_time().map(|time| format!(", RTO {}", length(time))).unwrap_or_default();
        return format!("{outcome}: {counts}{took}{rto}");
    }
    let wrong = words::incidents(row);
    let wrong = (wrong != "-").then_some(wrong);
    let slowest = progress.slowest.as_ref().map(|slowest| words::slowest(slowest, now));
    let end = progress.expected_end.map(|end| words::expected(end, now));
    wrong.into_iter().chain([counts]).chain(slowest).chain(end).collect::<Vec<_>>().join("; ")
}

/// What is worth a line: all of the message but what only time changes.
fn standing(watched: &Watched) -> String {
    let Watched { job, progress } = watched;
    let slowest = progress.slowest.as_ref().map(|slowest| slowest.phase.as_str());
    let counts = words::counts(&job.row, progress);
    format!("{:?} {} {counts} {slowest:?}", job.row.outcome(), words::incidents(&job.row))
}
