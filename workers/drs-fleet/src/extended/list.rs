//! `extended list`.

use std::collections::BTreeMap;
use std::io::Write;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::ids::AccountId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::registry::Registry;
use drs_fleet_domain::server::ServerRow;
use serde_json::{Value, json};

use crate::accounts::load;
use crate::hub::Hub;
use crate::places::{self, Found, Where};
use crate::text::{plain, second, table};

/// What `extended list` takes.
#[derive(clap::Args)]
#[command(
    after_help = "--account is that of the target. Example: drs-fleet extended list --account Payments"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    meant: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists relations.
pub(super) async fn list(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let places = arguments.meant.drs(&registry)?;
    let one = async |place: Place| hub.io.query::<ServerRow>(&keys::servers(&place)).await;
    let Found { found, unread } = places::each(places, one).await;
    let rows = found.into_iter().flatten().map(|stored| stored.row).filter(|row| row.gone_since.is_none());
    let relations = relations(rows);
    if arguments.json {
        let relations: Vec<_> = relations.iter().map(|(pair, servers)| to_json(pair, servers)).collect();
        let all = json!({ "read_at": hub.io.now(), "relations": relations, "unread": unread });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        write!(out, "{}", print(&registry, &relations))?;
        writeln!(out, "\nTable {}, read at {}.", hub.table, second(hub.io.now()))?;
    }
    places::complain(&unread)
}

/// A staging account, and where its servers are extended into.
type Pair = (AccountId, Place);

fn relations(rows: impl Iterator<Item = ServerRow>) -> BTreeMap<Pair, Vec<ServerRow>> {
    let mut relations = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        let staging = row.inventory.as_ref().and_then(|i| i.staging.account.clone());
        if let Some(staging) = staging.filter(|staging| *staging != row.place.account) {
            relations.entry((staging, row.place.clone())).or_default().push(row);
        }
    }
    relations
}

/// What is wrong with the extension of a server.
fn error(row: &ServerRow) -> Option<String> {
    let staging = &row.inventory.as_ref()?.staging;
    let status = staging.status.as_deref().filter(|status| *status != "EXTENDED");
    if status.is_none() && staging.error.is_none() {
        return None;
    }
    Some(status.into_iter().chain(staging.error.as_deref()).collect::<Vec<_>>().join(": "))
}

fn print(registry: &Registry, relations: &BTreeMap<Pair, Vec<ServerRow>>) -> String {
    if relations.is_empty() {
        return "No extended source server is known.\n".to_owned();
    }
    let name = |account: &AccountId| format!("{account} ({})", plain(registry.account_name(account)));
    let line = |((staging, place), servers): (&Pair, &Vec<ServerRow>)| {
        let broken = servers.iter().filter(|row| error(row).is_some()).count();
        let numbers = [servers.len().to_string(), broken.to_string()];
        let [servers, broken] = numbers;
        [name(staging), name(&place.account), place.region.to_string(), servers, broken]
    };
    let lines: Vec<_> = relations.iter().map(line).collect();
    let mut text = table(["STAGING", "TARGET", "REGION", "SERVERS", "ERRORS"], &lines);
    let rows = relations.values().flatten();
    let errors = rows.filter_map(|row| Some((row, error(row)?)));
    text.extend(errors.map(|(row, error)| {
        format!("\n{} {} ({}): {}\n", row.place, plain(row.name()), row.id, plain(&error))
    }));
    text
}

fn to_json((staging, target): &Pair, servers: &[ServerRow]) -> Value {
    let server = |row: &ServerRow| {
        let arn = row.inventory.as_ref().and_then(|i| i.staging.server_arn.clone());
        json!({ "id": row.id, "name": row.name(), "staging_server_arn": arn, "error": error(row) })
    };
    let servers: Vec<_> = servers.iter().map(server).collect();
    json!({ "staging": staging, "target": target.account, "region": target.region, "servers": servers })
}
