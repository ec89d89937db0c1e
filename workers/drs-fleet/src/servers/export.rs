//! Servers for programs.

use std::collections::BTreeMap;
use std::io::Write;

use drs_fleet_domain::ids::AccountId;
use drs_fleet_domain::remedy;
use drs_fleet_domain::seen::Staging;
use drs_fleet_domain::tags::Skipped;
use jiff::Timestamp;
use serde::Serialize;

use super::list::lag;
use super::read::{Server, TagStanding};
use crate::places::Unread;
use crate::sheet::sheet;

/// A server as programs get it; absent members are not known.
#[derive(Serialize)]
struct Line<'a> {
    account: &'a str,
    account_name: &'a str,
    region: &'a str,
    id: &'a str,
    name: &'a str,
    hostname: Option<&'a str>,
    instance: Option<&'a str>,
    ips: &'a [String],
    state: &'a str,
    state_since: Timestamp,
    error: Option<&'a str>,
    error_words: Option<String>,
    lag: Option<String>,
    lag_seconds: Option<u64>,
    backlog_bytes: Option<u64>,
    rpo: Option<&'a str>,
    health: Vec<&'static str>,
    staging: Option<&'a Staging>,
    tags: Option<&'a BTreeMap<String, String>>,
    tag_sync: TagStanding,
    gone_since: Option<Timestamp>,
    swept_at: Option<Timestamp>,
}

impl<'a> Line<'a> {
    fn of(server: &'a Server) -> Self {
        let Server { account_name, row, details, tags, swept_at } = server;
        let error = row.replication.error.as_deref();
        Self {
            account: row.place.account.as_str(),
            account_name,
            region: row.place.region.as_str(),
            id: row.id.as_str(),
            name: row.name(),
            hostname: server.hostname(),
            instance: server.instance(),
            ips: details.as_ref().map(|d| d.facts.ips.as_slice()).unwrap_or_default(),
            state: server.state(),
            state_since: row.replication.since,
            error,
            error_words: error.map(remedy::words),
            lag: lag(server),
            lag_seconds: row.health.as_ref().and_then(|h| h.lag).map(|lag| lag.0.as_secs()),
            backlog_bytes: row.health.as_ref().and_then(|h| h.backlog),
            rpo: server.rpo(),
            health: server.troubles(),
            staging: row.inventory.as_ref().map(|inventory| &inventory.staging),
            tags: details.as_ref().map(|d| &d.tags),
            tag_sync: *tags,
            gone_since: row.gone_since,
            swept_at: *swept_at,
        }
    }

    fn cells(&self) -> [String; 22] {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let number = |value: Option<u64>| value.map(|n| n.to_string()).unwrap_or_default();
        let time = |value: Option<Timestamp>| value.map(|at| at.to_string()).unwrap_or_default();
        let tags = self.tags.into_iter().flatten().map(|(key, value)| format!("{key}={value}"));
        [
            self.account.to_owned(),
            self.account_name.to_owned(),
            self.region.to_owned(),
            self.id.to_owned(),
            self.name.to_owned(),
            text(self.hostname),
            text(self.instance),
            self.ips.join(" "),
            self.state.to_owned(),
            self.state_since.to_string(),
            text(self.error),
            number(self.lag_seconds),
            number(self.backlog_bytes),
            text(self.rpo),
            self.health.join(" "),
            text(self.staging.and_then(|s| s.account.as_ref()).map(AccountId::as_str)),
            tags.collect::<Vec<_>>().join("; "),
            self.tag_sync.freshness.word().to_owned(),
            time(self.tag_sync.in_line_at),
            text(self.tag_sync.skipped.map(Skipped::words)),
            time(self.gone_since),
            time(self.swept_at),
        ]
    }
}

const COLUMNS: [&str; 22] = [
    "account",
    "account_name",
    "region",
    "id",
    "name",
    "hostname",
    "instance",
    "ips",
    "state",
    "state_since",
    "error",
    "lag_seconds",
    "backlog_bytes",
    "rpo",
    "incidents",
    "staging_account",
    "tags",
    "tags_freshness",
    "tags_in_line_at",
    "tags_skipped",
    "gone_since",
    "swept_at",
];

/// One object: what is shown, and of how many.
pub(super) fn json(
    servers: &[Server],
    (total, offset): (usize, usize),
    unread: &[Unread],
    read_at: Timestamp,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let servers: Vec<_> = servers.iter().map(Line::of).collect();
    let all = serde_json::json!({
        "read_at": read_at, "total": total, "offset": offset, "servers": servers, "unread": unread,
    });
    writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    Ok(())
}

/// A heading and a line for each server.
pub(super) fn csv(servers: &[Server], out: &mut dyn Write) -> anyhow::Result<()> {
    sheet(COLUMNS, servers.iter().map(|server| Line::of(server).cells()), out)
}
