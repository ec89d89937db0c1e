//! `tags plan`.

use std::io::Write;

use anyhow::bail;
use drs_fleet_aws::io::Io;
use serde_json::json;

use super::print;
use super::read::{self, InPlace, Server};
use crate::accounts::load;
use crate::family::Outcome;
use crate::hub::Hub;
use crate::paging::{Paging, Reader};
use crate::places::{self, Found, Where};
use crate::text::{ago_or_never, second};

/// What `tags plan` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    meant: Where,
    /// Only servers whose name, id, host name or instance contains this
    #[arg(long, value_name = "TEXT")]
    server: Option<String>,
    #[command(flatten)]
    paging: Paging,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const HELP: &str = "Examples:
  drs-fleet tags plan --account Payments --region us-west-2
  drs-fleet tags plan --server erp --json

+ is added, ~ is changed, - is removed, = differs and is left alone, ! does not fit. AWS is not asked: source servers are as
the last sweep found them, machines as events and sweeps told them.
Exits with 2 when anything would be written, and with 1 where a place could not be read; the rest is shown.";

/// Shows what the tag-sync would write.
pub(super) async fn plan(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let registry = load(hub).await?;
    let places = arguments.meant.drs(&registry)?;
    let Found { mut found, unread } = read::read(hub, &registry, places).await?;
    let now = hub.io.now();
    let mut servers: Vec<Server> =
        found.iter_mut().flat_map(|place| std::mem::take(&mut place.servers)).collect();
    if let Some(given) = &arguments.server {
        servers.retain(|server| server.is_meant(given));
        if servers.is_empty() {
            places::complain(&unread)?;
            bail!("no source server there has a name, id, host name or instance with {given:?}");
        }
    }
    servers.sort_by(|a, b| order(a).cmp(&order(b)));
    let differs = servers.iter().any(Server::differs);
    if arguments.json {
        let shown = arguments.paging.shown(&servers, Reader::Program);
        let sweeps: Vec<_> = found.iter().map(|place| &place.sweep).collect();
        let all = json!({ "read_at": now, "differs": differs, "total": servers.len(), "servers": shown,
            "sweeps": sweeps, "unread": unread });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        let telling: Vec<_> = servers.iter().filter(|server| print::is_telling(server)).collect();
        let shown = arguments.paging.shown(&telling, Reader::Person);
        for server in shown {
            writeln!(out, "{}", print::server(server, now))?;
        }
        if shown.len() < telling.len() {
            let noun = "server with anything to show";
            writeln!(out, "{}\n", arguments.paging.told(noun, shown.len(), telling.len()))?;
        }
        write!(out, "{}{}", print::sums(&servers), print::skipped(&servers))?;
        write!(out, "{}", footer(&found, hub))?;
    }
    places::complain(&unread)?;
    Ok(if differs { Outcome::Wanting } else { Outcome::Fine })
}

fn order(server: &Server) -> (&str, &str, &str, &str) {
    (&server.account_name, server.place.region.as_str(), &server.name, server.id.as_str())
}

/// How old it is, and what could not be read.
fn footer(places: &[InPlace], hub: &Hub) -> String {
    let now = hub.io.now();
    let unread = places.iter().filter_map(|place| place.sweep.as_ref()).flat_map(|sweep| {
        let told = |(machines, why): &(_, String)| {
            let why = crate::text::plain(why);
            format!("Tags of machines in {machines} could not be read for {}: {why}\n", sweep.place)
        };
        sweep.unread.iter().map(told).collect::<Vec<_>>()
    });
    let sweeps = places.iter().map(|place| {
        let tags = place.sweep.as_ref().and_then(|sweep| sweep.swept_at);
        let (servers, tags) = (ago_or_never(now, place.swept_at), ago_or_never(now, tags));
        format!("{}: source servers swept {servers}, tags {tags}.\n", place.place)
    });
    let read = format!("Table {}, read at {}.\n", hub.table, second(now));
    unread.chain(sweeps).chain([read]).collect()
}
