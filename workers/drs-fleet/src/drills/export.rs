//! Drills for programs.

use std::io::Write;
use std::time::Duration;

use drs_fleet_domain::drills::{Drilled, Last};
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::span::Length;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::report::Answer;
use crate::sheet::sheet;

/// One object: sums, and all servers.
pub(super) fn json(answer: &Answer, out: &mut dyn Write) -> anyhow::Result<()> {
    let Answer { report, extended, unread, read_at } = answer;
    let all = json!({
        "read_at": read_at,
        "due": report.fleet.due(),
        "fleet": report.fleet,
        "accounts": report.accounts,
        "applications": report.applications,
        "servers": report.servers.iter().map(server).collect::<Vec<_>>(),
        "extended": extended,
        "unread": unread,
    });
    writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    Ok(())
}

/// A server as it is in the report, with lengths of time in seconds too.
fn server(server: &Drilled) -> Value {
    let mut shown = json!(server);
    let lasts = [("drill", &server.drill), ("recovery", &server.recovery), ("failed", &server.failed)];
    for (name, last) in lasts {
        if let Some(last) = last {
            shown[name]["seconds"] = json!(seconds(last.took));
            shown[name]["late"] = json!(last.is_late());
        }
    }
    shown
}

const COLUMNS: [&str; 20] = [
    "account",
    "account_name",
    "region",
    "application",
    "server",
    "name",
    "standing",
    "every_seconds",
    "due",
    "drill_at",
    "drill_job",
    "drill_by",
    "drill_seconds",
    "drill_objective_seconds",
    "drill_late",
    "recovery_at",
    "recovery_job",
    "recovery_seconds",
    "failed_at",
    "failed_job",
];

/// A heading and a line for each server.
pub(super) fn csv(servers: &[Drilled], out: &mut dyn Write) -> anyhow::Result<()> {
    sheet(COLUMNS, servers.iter().map(cells), out)
}

fn cells(server: &Drilled) -> [String; 20] {
    let [drill, recovery, failed] = [&server.drill, &server.recovery, &server.failed].map(Option::as_ref);
    [
        server.place.account.to_string(),
        server.account_name.clone(),
        server.place.region.to_string(),
        server.application.clone().unwrap_or_default(),
        server.id.to_string(),
        server.name.clone(),
        server.standing.to_string(),
        Duration::from(server.every).as_secs().to_string(),
        text(server.due.as_ref()),
        text(at(drill)),
        text(job(drill)),
        text(drill.and_then(|drill| drill.by.as_ref())),
        text(seconds(drill.and_then(|drill| drill.took)).as_ref()),
        text(seconds(drill.and_then(|drill| drill.objective)).as_ref()),
        text(drill.and_then(Last::is_late).as_ref()),
        text(at(recovery)),
        text(job(recovery)),
        text(seconds(recovery.and_then(|last| last.took)).as_ref()),
        text(at(failed)),
        text(job(failed)),
    ]
}

fn at(last: Option<&Last>) -> Option<&Timestamp> {
    last.map(|last| &last.at)
}

fn job(last: Option<&Last>) -> Option<&JobId> {
    last?.job.as_ref()
}

fn seconds(length: Option<Length>) -> Option<u64> {
    length.map(|length| Duration::from(length).as_secs())
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}
