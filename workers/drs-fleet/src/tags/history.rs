//! `tags history`.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::{InstanceId, SourceServerId};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::tags::{Cause, ServerTagsRow, TagHistoryRow};
use serde::Serialize;
use serde_json::json;

use super::print;
use super::read::contains;
use crate::accounts::load;
use crate::hub::Hub;
use crate::paging::{Paging, Reader};
use crate::places::{self, Found, Where};
use crate::text::{length, plain, second, typed_length};

/// What `tags history` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// Only of servers whose name, id or instance contains this
    server: Option<String>,
    #[command(flatten)]
    meant: Where,
    /// Only what was changed within this time
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = typed_length)]
    since: Duration,
    #[command(flatten)]
    paging: Paging,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const HELP: &str = "Examples:
  drs-fleet tags history erp-db-01 --since 30d
  drs-fleet tags history --account Payments --json

+ was added, ~ was changed, - was removed. A change that AWS refused is shown with what it said. Changes are kept for 90 days.
Exits with 1 where a place could not be read; the rest is shown.";

/// A change, and whose server it was.
#[derive(Serialize)]
struct Entry {
    account_name: String,
    /// What people call the server.
    name: String,
    #[serde(flatten)]
    row: TagHistoryRow,
}

/// Shows what was changed, the newest first.
pub(super) async fn history(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let places = arguments.meant.drs(&registry)?;
    let now = hub.io.now();
    let Found { found, unread } = places::each(places, |place| one(hub, place)).await;
    let entry = |(row, name): (TagHistoryRow, String)| {
        let account_name = registry.account_name(&row.place.account).to_owned();
        Entry { account_name, name, row }
    };
    let mut found: Vec<_> = found.into_iter().flatten().map(entry).collect();
    found.retain(|entry| {
        now.checked_sub(arguments.since).is_ok_and(|from| entry.row.at >= from)
            && arguments.server.as_ref().is_none_or(|given| entry.is_meant(given))
    });
    found.sort_by(|a, b| (b.row.at, &b.row.server).cmp(&(a.row.at, &a.row.server)));
    let reader = if arguments.json { Reader::Program } else { Reader::Person };
    let shown = arguments.paging.shown(&found, reader);
    let footer = format!("Table {}, read at {}.", hub.table, second(now));
    if arguments.json {
        let all = json!({ "read_at": now, "total": found.len(), "changes": shown, "unread": unread });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else if found.is_empty() {
        let within = length(arguments.since);
        writeln!(out, "No tag of such a server was changed within the last {within}. {footer}")?;
    } else {
        for entry in shown {
            writeln!(out, "{}", entry.print())?;
        }
        writeln!(out, "{}\n{footer}", arguments.paging.told("change", shown.len(), found.len()))?;
    }
    places::complain(&unread)
}

async fn one(hub: &Hub, place: Place) -> Result<Vec<(TagHistoryRow, String)>, IoError> {
    let rows = hub.rows::<TagHistoryRow>(&keys::all_tag_history(&place)).await?;
    let servers = hub.rows::<ServerTagsRow>(&keys::all_server_tags(&place)).await?;
    let names: BTreeMap<SourceServerId, String> =
        servers.into_iter().map(|row| (row.server, row.name)).collect();
    let named = |row: TagHistoryRow| {
        let name = names.get(&row.server).cloned().unwrap_or_else(|| row.server.to_string());
        (row, name)
    };
    Ok(rows.into_iter().map(named).collect())
}

impl Entry {
    fn is_meant(&self, given: &str) -> bool {
        let instance = self.row.instance.as_ref().map(InstanceId::as_str);
        contains([Some(self.name.as_str()), Some(self.row.server.as_str()), instance], given)
    }

    fn print(&self) -> String {
        let row = &self.row;
        let mut text = format!(
            "{} {} ({}) of {} in {}, {}{}\n",
            second(row.at),
            plain(&self.name),
            row.server,
            plain(&self.account_name),
            row.place.region,
            cause(&row.cause),
            if row.refused.is_some() { ": NOT MADE" } else { "" },
        );
        for (key, changed) in &row.changes {
            let line = print::change(key, changed.before.as_ref(), changed.after.as_ref());
            text.extend(["  ", &line, "\n"]);
        }
        text.extend(row.refused.iter().map(|why| format!("  {}\n", plain(why))));
        text
    }
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Event(version) => format!("by a change in EC2 (version {version})"),
        Cause::Sweep => "found by a sweep".to_owned(),
        Cause::Command(who) => format!("asked for by {}", plain(who)),
        Cause::Retry => "tried again".to_owned(),
    }
}
