//! `incidents list`.

use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::notification::IncidentRow;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::read::Which;
use crate::hub::Hub;
use crate::places::{self, Found};
use crate::text::{counted, lasting, plain, second, short, table};

/// What `incidents list` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet incidents list
  drs-fleet incidents list --severity HIGH,CRITICAL --account Payments
  drs-fleet incidents list --all --kind REPLICATION_STALLED --json

Exits with 1 where a place could not be read; the rest is shown.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Also those that are over; they are kept for 90 days
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists incidents.
pub(super) async fn list(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let Found { mut found, unread } = arguments.which.read(hub).await?;
    found.retain(|row| arguments.all || row.is_open());
    let now = hub.io.now();
    if arguments.json {
        let incidents: Vec<_> = found.iter().map(to_json).collect();
        let all = json!({ "read_at": now, "incidents": incidents, "unread": unread });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else if found.is_empty() {
        let which = if arguments.all { "No incident" } else { "No open incident" };
        writeln!(out, "{which} is as asked. Table {}, read at {}.", hub.table, second(now))?;
    } else {
        write!(out, "{}", print(&found, now))?;
        writeln!(out, "\n{}. Table {}, read at {}.", sum(&found), hub.table, second(now))?;
    }
    places::complain(&unread)
}

/// The row as it is stored, and whether it is open.
pub(super) fn to_json(row: &IncidentRow) -> Value {
    json!({ "open": row.is_open(), "latest": row.latest, "ack": row.ack })
}

fn print(incidents: &[IncidentRow], now: Timestamp) -> String {
    let headings = ["SEVERITY", "LASTS", "BACK", "ACKED BY", "ACCOUNT", "SUBJECT", "INCIDENT"];
    let line = |row: &IncidentRow| {
        let event = &row.latest;
        [
            event.severity.to_string(),
            lasts(row, now),
            event.flaps.to_string(),
            row.ack.as_ref().map_or_else(|| "-".to_owned(), |ack| plain(short(&ack.by))),
            plain(&event.account_name),
            plain(&event.subject_name),
            plain(&event.incident),
        ]
    };
    table(headings, &incidents.iter().map(line).collect::<Vec<_>>())
}

/// How long it has lasted, and that it is over.
fn lasts(row: &IncidentRow, now: Timestamp) -> String {
    let event = &row.latest;
    if row.is_open() {
        lasting(event.opened_at, now)
    } else {
        format!("{}, over", lasting(event.opened_at, event.at))
    }
}

fn sum(incidents: &[IncidentRow]) -> String {
    let open = incidents.iter().filter(|row| row.is_open()).count();
    let free = incidents.iter().filter(|row| row.is_open() && row.ack.is_none()).count();
    format!("{}: {open} open, {free} of them acknowledged by nobody", counted(incidents.len(), "incident"))
}
