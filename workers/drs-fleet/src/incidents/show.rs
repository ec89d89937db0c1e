//! `incidents show`.

use std::io::Write;

use anyhow::Context;
use drs_fleet_aws::io::Io;
use drs_fleet_domain::notification::{Ack, IncidentRow};
use drs_fleet_domain::{message, words};
use jiff::Timestamp;
use serde_json::json;

use super::list::to_json;
use super::told::InGroup;
use super::{known, read, told};
use crate::accounts::load;
use crate::hub::Hub;
use crate::places::{self, Found};
use crate::text::{ago, counted, fact, lasting, plain, second};

/// What `incidents show` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet incidents show REPLICATION_STALLED/111122223333/us-west-2/s-1234567890abcdef0
  drs-fleet incidents show REPL                    the only one that begins so
  drs-fleet incidents show erp-db-01               the only one of this server")]
pub(crate) struct Arguments {
    /// The incident as `incidents list` names it, the beginning of that, or the id or name of its subject
    #[arg(value_name = "INCIDENT")]
    incident: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows an incident.
pub(super) async fn show(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let Found { found, unread } = read::read(hub, read::everywhere(hub, &registry).await?).await;
    let row = match read::meant(&found, &arguments.incident) {
        Ok(row) => row,
        Err(unknown) => return places::complain(&unread).and(Err(unknown)),
    };
    let now = hub.io.now();
    let newer = known::reason(hub, &row.latest).await;
    let groups = told::read(hub, row).await?;
    if arguments.json {
        let mut shown = to_json(row);
        shown["read_at"] = json!(now);
        shown["groups"] = told::to_json(&groups);
        shown["reason"] = json!(newer.as_ref().ok().and_then(Option::as_ref).unwrap_or(&row.latest.reason));
        shown["advice"] = json!(words::advice(row.latest.kind));
        shown["console"] = json!(message::console_link(&row.latest));
        writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?;
    } else {
        write!(out, "{}", print(row, &groups, newer.as_ref().ok().and_then(Option::as_deref), now))?;
        writeln!(out, "\nTable {}, read at {}.", hub.table, second(now))?;
    }
    newer.context("the reason is the one that was told, for its subject cannot be read").map(drop)
}

fn print(row: &IncidentRow, groups: &[InGroup], newer_reason: Option<&str>, now: Timestamp) -> String {
    let event = &row.latest;
    let state = if row.is_open() { "open" } else { "over" };
    let happened = event.happened.detail_type().trim_start_matches("Incident ").to_lowercase();
    let mut text = format!("{}\n", plain(&event.incident));
    text += &fact("what", &format!("{} ({}, {state})", words::title(event.kind), event.severity));
    text += &fact("subject", &format!("{} ({})", plain(&event.subject_name), plain(&event.subject)));
    text +=
        &fact("account", &format!("{} ({}), {}", event.account_id, plain(&event.account_name), event.region));
    text += &fact("since", &format!("{}, {}", second(event.opened_at), ago(now, event.opened_at)));
    if !row.is_open() {
        text += &fact("over", &format!("{} after {}", second(event.at), lasting(event.opened_at, event.at)));
    }
    text += &fact("reason", &plain(newer_reason.unwrap_or(&event.reason)));
    if newer_reason.is_some() {
        text += &fact("told because", &plain(&event.reason));
    }
    text += &fact("what helps", words::advice(event.kind));
    text += &message::console_link(event).map(|link| fact("console", &link)).unwrap_or_default();
    if event.flaps > 0 {
        let times = counted(event.flaps as usize, "time");
        text += &fact("came back", &format!("{times} within ten minutes of its end"));
    }
    text += &fact("told", &format!("{happened} {} as number {}", second(event.at), event.sequence));
    text += &fact("acked", &row.ack.as_ref().map_or_else(|| "by nobody".to_owned(), |ack| acked(ack, now)));
    text + &told::print(groups, now)
}

/// By whom, when, and what they said.
pub(super) fn acked(ack: &Ack, now: Timestamp) -> String {
    let note = ack.note.as_ref().map(|note| format!(": {}", plain(note))).unwrap_or_default();
    format!("by {}, {}{note}", plain(&ack.by), ago(now, ack.at))
}
