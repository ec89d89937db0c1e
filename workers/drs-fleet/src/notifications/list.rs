//! `notifications list`.

use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::message;
use drs_fleet_domain::notify::DeliveryRow;
use serde_json::{Value, json};

use super::read::Which;
use super::words::word;
use crate::hub::Hub;
use crate::paging::{Paging, Reader};
use crate::text::{plain, second, table};

/// What `notifications list` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet notifications list
  drs-fleet notifications list --days 30 --channel mail --kind JOB_FAILED
  drs-fleet notifications list --failed --json

A message about many incidents names the first 20 of them; --account and --kind look at all, and --account at where the jobs
of a drill ran. Those that were given up on are the dead letters of notifications: `notifications retry` sends them once more.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    paging: Paging,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists messages.
pub(super) async fn list(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let found = arguments.which.read(hub).await?;
    let now = hub.io.now();
    let reader = if arguments.json { Reader::Program } else { Reader::Person };
    let shown = arguments.paging.shown(&found, reader);
    let footer = format!("Table {}, read at {}.", hub.table, second(now));
    if arguments.json {
        let all: Vec<_> = shown.iter().map(to_json).collect();
        let all = json!({ "read_at": now, "total": found.len(), "notifications": all });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else if found.is_empty() {
        let days = match arguments.which.days() {
            1 => "day".to_owned(),
            days => format!("{days} days"),
        };
        writeln!(out, "No message of the last {days} is as asked. {footer}")?;
    } else {
        write!(out, "{}", print(shown))?;
        let told = arguments.paging.told("message", shown.len(), found.len());
        writeln!(out, "\n{told} {}\n{footer}", sum(&found))?;
    }
    Ok(())
}

/// The row as it is stored, and what it says.
pub(super) fn to_json(row: &DeliveryRow) -> Value {
    json!({ "key": row.id(), "state": word(row), "what": message::line(&row.bulletin), "delivery": row })
}

fn print(shown: &[DeliveryRow]) -> String {
    let line = |row: &DeliveryRow| {
        let error = row.error.as_ref().filter(|_| row.sent_at.is_none());
        let error = error.map(|error| format!(": {}", plain(error))).unwrap_or_default();
        [
            second(row.made_at),
            row.channel.to_string(),
            row.id(),
            row.attempts.to_string(),
            plain(&row.group),
            format!("{}{error}", word(row)),
            plain(&message::line(&row.bulletin)),
        ]
    };
    let headings = ["TIME", "CHANNEL", "KEY", "TRIES", "GROUP", "STATE", "WHAT"];
    table(headings, &shown.iter().map(line).collect::<Vec<_>>())
}

fn sum(found: &[DeliveryRow]) -> String {
    let of = |state: &str| found.iter().filter(|row| word(row) == state).count();
    let (sent, waiting, failed) = (of("sent"), of("waiting"), of("given up"));
    let again = "; `drs-fleet notifications retry --all --failed` sends those of the last day once more";
    let more = if failed > 0 { again } else { "" };
    format!("{sent} sent, {waiting} waiting, {failed} given up on{more}.")
}
