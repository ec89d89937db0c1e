//! `mutes list`.

use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::notify::MuteRow;
use drs_fleet_domain::own_event::IncidentEvent;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hub::Hub;
use crate::places;
use crate::spells::{self, Open, named};
use crate::text::{ago, counted, lasting, plain, second, short, table};

/// What `mutes list` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet mutes list
  drs-fleet mutes list --all --json

Exits with 1 where the incidents of a place could not be read; the rest is shown.")]
pub(crate) struct Arguments {
    /// Also those that are over; they are kept for 90 days
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists mutes.
pub(super) async fn list(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let now = hub.io.now();
    let mut mutes = spells::all::<MuteRow>(hub).await?;
    mutes.retain(|row| arguments.all || now < row.ends_at());
    mutes.sort_by_key(|row| (row.ends_at(), row.id.clone()));
    let open = Open::read(hub).await?;
    let swallowed = |row: &MuteRow| if row.is_on(now) { open.meant(&row.matchers) } else { Vec::new() };
    let listed: Vec<_> = mutes.iter().map(|row| (row, swallowed(row))).collect();
    if arguments.json {
        let mutes: Vec<_> = listed.iter().map(|(row, swallows)| to_json(row, swallows, now)).collect();
        let all = json!({ "read_at": now, "mutes": mutes, "unread": open.unread });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        write!(out, "{}", print(&listed, now))?;
        let sum = counted(listed.len(), "mute");
        writeln!(out, "{sum}. Table {}, read at {}.", hub.table, second(now))?;
    }
    places::complain(&open.unread)
}

fn to_json(row: &MuteRow, swallows: &[&IncidentEvent], now: Timestamp) -> Value {
    let incidents: Vec<_> = swallows.iter().map(|event| &event.incident).collect();
    json!({ "mute": row, "on": row.is_on(now), "swallows": incidents })
}

fn print(listed: &[(&MuteRow, Vec<&IncidentEvent>)], now: Timestamp) -> String {
    if listed.is_empty() {
        return String::new();
    }
    let line = |(row, swallows): &(&MuteRow, Vec<&IncidentEvent>)| {
        [
            row.id.clone(),
            state(row, now),
            plain(short(&row.author)),
            swallows.len().to_string(),
            plain(&row.matchers.to_string()),
            plain(&row.reason),
        ]
    };
    let headings = ["ID", "STATE", "BY", "SWALLOWS", "MATCHES", "REASON"];
    let table = table(headings, &listed.iter().map(line).collect::<Vec<_>>());
    let swallowing = listed.iter().filter(|(_, swallows)| !swallows.is_empty());
    let named = swallowing.map(|(row, all)| format!("\n{} swallows now:\n{}", row.id, named(all)));
    table + &named.collect::<String>() + "\n"
}

fn state(row: &MuteRow, now: Timestamp) -> String {
    if row.ends_at() <= now {
        format!("over, {}", ago(now, row.ends_at()))
    } else if now < row.from {
        format!("begins in {}", lasting(now, row.from))
    } else {
        format!("on for {}", lasting(now, row.ends_at()))
    }
}
