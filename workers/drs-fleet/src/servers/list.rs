//! `servers list`.

use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::span;
use jiff::Timestamp;

use super::export;
use super::filter::Filter;
use super::read::{self, InPlace, Server, TagStanding};
use crate::accounts::load;
use crate::hub::Hub;
use crate::paging::{Paging, Reader};
use crate::places::{self, Found, Where};
use crate::text::{ago, ago_or_never, bytes, counted, plain, second, table};

/// What `servers list` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    meant: Where,
    #[command(flatten)]
    paging: Paging,
    /// How to print: a table for people; json and csv hold all that match unless --limit is given
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print JSON, as --format json does
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

const HELP: &str = "Examples:
  drs-fleet servers list erp                                      text in name, id, host name, instance or address
  drs-fleet servers list --account Payments --state STALLED,BACKLOG
  drs-fleet servers list --health stalled,lag --region us-west-2
  drs-fleet servers list --tag Environment=prod --tag Owner
  drs-fleet servers list --format csv > servers.csv

LAG and BACKLOG are rounded down, and ? where DRS does not tell them; RPO is the server's tag drs-fleet:rpo. TAGS says when
they were last in line with those of the EC2 machine: synced (within 24 hours), stale (before that) or never; - where nothing
is copied, and `servers show` says why.
Exits with 1 where a place could not be read; the rest is shown.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Columns for people
    Table,
    /// One JSON object
    Json,
    /// Comma-separated values for spreadsheets
    Csv,
}

/// Lists servers.
pub(super) async fn list(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let Arguments { filter, meant, paging, format, json } = arguments;
    let format = if *json { Format::Json } else { *format };
    let registry = load(hub).await?;
    let places = meant.drs(&registry)?;
    let Found { found, unread } = read::read(hub, &registry, places).await;
    let footer = footer(&found, hub);
    let servers =
        sorted(found.into_iter().flat_map(|place| place.servers).filter(|s| filter.wants(s)).collect());
    let reader = if format == Format::Table { Reader::Person } else { Reader::Program };
    let shown = paging.shown(&servers, reader);
    match format {
        Format::Json => export::json(shown, (servers.len(), paging.offset), &unread, hub.io.now(), out)?,
        Format::Csv => export::csv(shown, out)?,
        Format::Table if servers.is_empty() => writeln!(out, "No source server is as asked.\n{footer}")?,
        Format::Table => {
            write!(out, "{}", print(shown))?;
            writeln!(out, "\n{}\n{footer}", paging.told("server", shown.len(), servers.len()))?;
        }
    }
    places::complain(&unread)
}

fn sorted(mut servers: Vec<Server>) -> Vec<Server> {
    servers.sort_by(|a, b| order(a).cmp(&order(b)));
    servers
}

/// Account as people name it, Region, name, and id where all else is equal.
fn order(server: &Server) -> (&str, &str, &str, &str, &str) {
    let place = &server.row.place;
    let (account, region) = (place.account.as_str(), place.region.as_str());
    (&server.account_name, account, region, server.row.name(), server.row.id.as_str())
}

fn print(servers: &[Server]) -> String {
    let headings =
        ["ACCOUNT", "REGION", "NAME", "ID", "STATE", "LAG", "RPO", "BACKLOG", "REPLICATES", "TAGS", "HEALTH"];
    let row = |server: &Server| {
        let place = &server.row.place;
        [
            plain(&server.account_name),
            place.region.to_string(),
            plain(server.row.name()),
            server.row.id.to_string(),
            plain(server.state()),
            lag(server).unwrap_or_else(|| "?".to_owned()),
            server.rpo().map_or_else(|| "-".to_owned(), plain),
            backlog(server).unwrap_or_else(|| "?".to_owned()),
            replicates(server),
            tags(server),
            plain(&server.health()),
        ]
    };
    table(headings, &servers.iter().map(row).collect::<Vec<_>>())
}

/// Age of the newest consistent point. Both this and [`backlog`] are stored rounded down, to 5 min and 1 GiB at first.
pub(super) fn lag(server: &Server) -> Option<String> {
    let lag = server.row.health.as_ref()?.lag?.0;
    Some(if lag.is_zero() { "< 5m".to_owned() } else { span::show(lag) })
}

/// Bytes that wait.
pub(super) fn backlog(server: &Server) -> Option<String> {
    let backlog = server.row.health.as_ref()?.backlog?;
    Some(if backlog == 0 { "< 1 GiB".to_owned() } else { bytes(backlog) })
}

/// `here`, or the account in which an extended server replicates.
fn replicates(server: &Server) -> String {
    let staging = server.row.inventory.as_ref().map(|inventory| &inventory.staging);
    match staging.and_then(|s| s.account.as_ref()) {
        Some(account) if *account != server.row.place.account => format!("in {account}"),
        _ => "here".to_owned(),
    }
}

/// How fresh its tags are; `-` where none are copied to it and none ever were.
fn tags(server: &Server) -> String {
    let TagStanding { freshness, in_line_at, skipped } = server.tags;
    if skipped.is_some() && in_line_at.is_none() { "-".to_owned() } else { freshness.word().to_owned() }
}

/// How old what is shown may be: a complete sweep confirms what it does not write.
fn footer(places: &[InPlace], hub: &Hub) -> String {
    let now = hub.io.now();
    let never = places.iter().filter(|place| place.swept_at.is_none()).count();
    let oldest: Option<Timestamp> = places.iter().filter_map(|place| place.swept_at).min();
    let swept = match (oldest, never) {
        (None, 0) => "no place is registered".to_owned(),
        (None, _) => format!("{} never swept", counted(places.len(), "place")),
        (Some(oldest), 0) => {
            format!("{}, the oldest swept {}", counted(places.len(), "place"), ago(now, oldest))
        }
        (oldest, never) => format!(
            "{}, {never} of them never swept, the oldest other one {}",
            counted(places.len(), "place"),
            ago_or_never(now, oldest)
        ),
    };
    format!("{swept}. Table {}, read at {}.", hub.table, second(now))
}
