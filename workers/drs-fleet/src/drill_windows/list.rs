//! `drill-window list`.

use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::notify::WindowRow;
use jiff::Timestamp;
use serde_json::json;

use crate::hub::Hub;
use crate::spells;
use crate::text::{ago, counted, lasting, plain, second, short, table};

/// What `drill-window list` takes.
#[derive(clap::Args)]
#[command(after_help = "Example:
  drs-fleet drill-window list --json")]
pub(crate) struct Arguments {
    /// Also those that are closed; they are kept for 90 days
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists windows.
pub(super) async fn list(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let now = hub.io.now();
    let mut windows = spells::all::<WindowRow>(hub).await?;
    windows.retain(|row| arguments.all || now < row.closes_at());
    windows.sort_by_key(|row| (row.closes_at(), row.id.clone()));
    if arguments.json {
        let listed: Vec<_> =
            windows.iter().map(|row| json!({ "window": row, "open": row.is_open(now) })).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "read_at": now, "windows": listed }))?)?;
        return Ok(());
    }
    if !windows.is_empty() {
        writeln!(out, "{}", print(&windows, now))?;
    }
    writeln!(out, "{}. Table {}, read at {}.", counted(windows.len(), "window"), hub.table, second(now))?;
    Ok(())
}

fn print(windows: &[WindowRow], now: Timestamp) -> String {
    let line = |row: &WindowRow| {
        let (by, what) = (plain(short(&row.author)), plain(&row.matchers.to_string()));
        [row.id.clone(), plain(&row.name), state(row, now), by, what]
    };
    table(["ID", "NAME", "STATE", "BY", "EXPECTS"], &windows.iter().map(line).collect::<Vec<_>>())
}

fn state(row: &WindowRow, now: Timestamp) -> String {
    if row.closes_at() <= now {
        format!("closed, {}", ago(now, row.closes_at()))
    } else if now < row.from {
        format!("opens in {}", lasting(now, row.from))
    } else {
        format!("open for {}", lasting(now, row.closes_at()))
    }
}
