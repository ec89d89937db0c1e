//! `jobs list`.

use std::io::Write;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::job::{JobRow, Outcome};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::read::{self, Job};
use super::words;
use crate::accounts::load;
use crate::hub::Hub;
use crate::paging::{Paging, Reader};
use crate::places::{self, Found, Where};
use crate::text::{among, length, plain, second, table, typed_length};

/// What `jobs list` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    meant: Where,
    /// Only those that run
    #[arg(long)]
    active: bool,
    /// Only those for this; several with commas
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = PURPOSES)]
    purpose: Vec<String>,
    /// Only those with this tag drs-fleet:plan
    #[arg(long)]
    plan: Option<String>,
    /// Only those that ran within this time, and those that run now
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = typed_length)]
    since: Duration,
    /// Only those that ended so; several with commas
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = OUTCOMES, conflicts_with = "active")]
    outcome: Vec<String>,
    #[command(flatten)]
    paging: Paging,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const HELP: &str = "Examples:
  drs-fleet jobs list --active
  drs-fleet jobs list --purpose drill,recovery --account Payments --since 30d
  drs-fleet jobs list --plan quarterly --outcome partial,failed --json

STATE is how many servers of all are launched or terminated, and what came of a job that is over. BY is whom \
CloudTrail
names; ? where it names nobody. RTO is from the start to the last server that was launched. Jobs are kept for 400 days.
Exits with 1 where a place could not be read; the rest is shown.";

pub(super) const PURPOSES: [&str; 8] =
    ["DRILL", "RECOVERY", "FAILBACK", "TERMINATE", "CONVERTED_SNAPSHOT", "NETWORK", "DIAGNOSTIC", "OTHER"];
pub(super) const OUTCOMES: [&str; 4] = ["SUCCEEDED", "PARTIAL", "FAILED", "UNKNOWN"];

/// Lists jobs.
pub(super) async fn list(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let places = arguments.meant.drs(&registry)?;
    let Found { mut found, unread } = read::all(hub, &registry, places).await;
    let now = hub.io.now();
    found.retain(|job| arguments.wants(&job.row, now));
    let reader = if arguments.json { Reader::Program } else { Reader::Person };
    let shown = arguments.paging.shown(&found, reader);
    let footer = format!("Table {}, read at {}.", hub.table, second(now));
    if arguments.json {
        let jobs: Vec<_> = shown.iter().map(to_json).collect();
        let all = json!({ "read_at": now, "total": found.len(), "jobs": jobs, "unread": unread });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else if found.is_empty() {
        writeln!(out, "No job {}is as asked. {footer}", arguments.within())?;
    } else {
        write!(out, "{}", print(shown, now))?;
        let told = arguments.paging.told("job", shown.len(), found.len());
        writeln!(out, "\n{told} {}\n{footer}", words::sum(found.iter().map(|job| &job.row)))?;
    }
    places::complain(&unread)
}

impl Arguments {
    fn wants(&self, row: &JobRow, now: Timestamp) -> bool {
        let is_recent = || {
            let last = row.over_at().unwrap_or_else(|| row.moved_at());
            now.checked_sub(self.since).is_ok_and(|from| last >= from)
        };
        let ended_so = |outcome: Outcome| among(&self.outcome, &outcome.to_string());
        let is_of_plan = |plan: &String| row.plan.as_ref().is_some_and(|is| is.eq_ignore_ascii_case(plan));
        (row.is_active() || (!self.active && is_recent()))
            && among(&self.purpose, &row.purpose().to_string())
            && self.plan.as_ref().is_none_or(is_of_plan)
            && row.outcome().map_or(self.outcome.is_empty(), ended_so)
    }

    /// In which time, where that matters.
    fn within(&self) -> String {
        if self.active { "that runs ".to_owned() } else { format!("of the last {} ", length(self.since)) }
    }
}

/// The row as it is stored, and what follows from it.
pub(super) fn to_json(job: &Job) -> Value {
    let row = &job.row;
    json!({
        "account_name": job.account_name,
        "label": row.label(),
        "purpose": row.purpose(),
        "active": row.is_active(),
        "started_at": row.started_at(),
        "over_at": row.over_at(),
        "outcome": row.outcome(),
        "succeeded": row.succeeded(),
        "recovery_seconds": row.recovery_time().map(|time| time.as_secs()),
        "job": row,
    })
}

fn print(jobs: &[Job], now: Timestamp) -> String {
    let headings = [
        "STARTED", "ACCOUNT", "REGION", "JOB", "PURPOSE", "PLAN", "BY", "STATE", "FAILED", "RTO", "TAKES",
        "INCIDENT",
    ];
    let unknown = || "?".to_owned();
    let line = |job: &Job| {
        let row = &job.row;
        [
            row.started_at().map_or_else(unknown, second),
            plain(&job.account_name),
            row.place.region.to_string(),
            row.id.to_string(),
            row.purpose().to_string(),
            row.plan.as_deref().map_or_else(|| "-".to_owned(), plain),
            words::by(row).map_or_else(unknown, plain),
            words::state(row),
            row.counts.map_or_else(unknown, |counts| counts.failed.to_string()),
            row.recovery_time().map_or_else(|| "-".to_owned(), length),
            words::takes(row, now).unwrap_or_else(unknown),
            words::incidents(row),
        ]
    };
    table(headings, &jobs.iter().map(line).collect::<Vec<_>>())
}
