//! `routes show`.

use std::io::Write;

use anyhow::Context;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy;
use drs_fleet_domain::message::Links;
use drs_fleet_domain::notify::{Routes, RoutesRow};
use drs_fleet_domain::span;
use jiff::Timestamp;
use serde_json::json;

use super::words;
use crate::hub::Hub;
use crate::text::{ago, plain, second, table};

/// What `routes show` takes.
#[derive(clap::Args)]
#[command(after_help = "Example:
  drs-fleet routes show --json")]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows channels and routes.
pub(super) async fn show(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let stored = policy::load::<RoutesRow>(&hub.io).await.with_context(|| hub.unreadable())?;
    let stored = stored.map(|stored| stored.row);
    let now = hub.io.now();
    if arguments.json {
        let routes = stored.as_ref().map(|row| row.policy.clone()).unwrap_or_default();
        let effective: Vec<_> = routes
            .all()
            .iter()
            .map(|(route, _)| words::to_json(route, &routes.plan(route), &routes.group_by(route)))
            .collect();
        let all = json!({
            "set_by": stored.as_ref().map(|row| &row.set_by),
            "set_at": stored.as_ref().map(|row| row.set_at),
            "routes": routes,
            "channels": routes.channels().map(|(name, channel)| (name.to_string(), json!(channel))).collect::<serde_json::Map<_, _>>(),
            "effective": effective,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        write!(out, "{}", print(stored.as_ref(), now))?;
        writeln!(out, "Table {}, read at {}.", hub.table, second(now))?;
    }
    Ok(())
}

pub(super) fn print(stored: Option<&RoutesRow>, now: Timestamp) -> String {
    let none = Routes::default();
    let routes = stored.map_or(&none, |row| &row.policy);
    let channel = |(name, channel): (_, &_)| {
        let [sort, leads] = words::channel(channel);
        [ToString::to_string(&name), sort, leads]
    };
    let channels =
        table(["CHANNEL", "SORT", "LEADS TO"], &routes.channels().map(channel).collect::<Vec<_>>());
    let all = routes.all();
    let taking = all.iter().map(|(route, matchers)| {
        let what = matchers.map_or_else(|| "all".to_owned(), |matchers| plain(&matchers.to_string()));
        let plan = routes.plan(route);
        [plain(route), what, words::names(&plan.channels), words::names(&routes.group_by(route))]
    });
    let taking = table(["ROUTE", "MATCHES", "CHANNELS", "GROUPED BY"], &taking.collect::<Vec<_>>());
    let telling = all.iter().map(|(route, _)| {
        let plan = routes.plan(route);
        let waits = [plan.group_wait, plan.group_interval, plan.repeat_interval].map(span::show);
        let [wait, interval, repeat] = waits;
        [plain(route), wait, interval, repeat, words::escalation(&plan), words::hours(&plan.hours)]
    });
    let headings = ["ROUTE", "WAIT", "INTERVAL", "REPEAT", "ESCALATION", "HOURS"];
    let telling = table(headings, &telling.collect::<Vec<_>>());
    let set = stored.map_or_else(
        || "No routes were ever set: all is as by default.".to_owned(),
        |row| format!("Set by {}, {} ({}).", plain(&row.set_by), ago(now, row.set_at), second(row.set_at)),
    );
    format!("{channels}\n{taking}\n{telling}{}\n{set} ", links(&routes.links))
}

/// Pages that messages link, where any are set.
fn links(links: &Links) -> String {
    let dashboard = links.dashboard.iter().map(|url| ["dashboard".to_owned(), plain(url)]);
    let runbooks = links.runbooks.iter().map(|(kind, url)| [kind.to_string(), plain(url)]);
    let all: Vec<_> = dashboard.chain(runbooks).collect();
    if all.is_empty() { String::new() } else { format!("\n{}", table(["LINK", "PAGE"], &all)) }
}
