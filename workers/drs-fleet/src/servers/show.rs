//! `servers show`.

use std::io::Write;

use anyhow::bail;
use drs_fleet_aws::io::Io;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::notify::WindowRow;
use drs_fleet_domain::policy::{DRILL_TAG, RPO_TAG};
use drs_fleet_domain::seen::{ServerFacts, Staging};
use drs_fleet_domain::server::{ServerDetailsRow, Sync};
use drs_fleet_domain::{incident, remedy};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::list::{backlog, lag};
use super::read::{self, Server, TagStanding};
use crate::accounts::load;
use crate::hub::Hub;
use crate::places::{self, Found};
use crate::text::{ago, ago_or_never, bytes, counted, fact, plain, second};

/// A name that more servers than this have is no name to show servers by.
const MOST: usize = 10;

/// What `servers show` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet servers show s-1234567890abcdef0
  drs-fleet servers show erp-db-01               all servers of that name or host name
  drs-fleet servers show i-0a1b2c3d4e5f60718     those that protect an EC2 instance, extended ones included")]
pub(crate) struct Arguments {
    /// Id, name, host name or EC2 instance
    #[arg(value_name = "ID|NAME|INSTANCE")]
    server: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows servers.
pub(super) async fn show(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let Found { found, unread } = read::read(hub, &registry, places::drs(&registry).collect()).await;
    let servers: Vec<_> = found.into_iter().flat_map(|place| place.servers).collect();
    let meant: Vec<_> = servers.iter().filter(|server| is_meant(server, &arguments.server)).collect();
    if meant.is_empty() {
        places::complain(&unread)?;
        bail!("no source server has the id, name, host name or instance {:?}", arguments.server);
    }
    if meant.len() > MOST {
        bail!(
            "{} are called {:?}; see them: drs-fleet servers list {1:?}",
            counted(meant.len(), "server"),
            arguments.server
        );
    }
    let extensions = |server: &Server| servers.iter().filter(|s| is_extension(s, server)).collect::<Vec<_>>();
    let now = hub.io.now();
    if arguments.json {
        let all: Vec<_> = meant.iter().map(|server| to_json(server, &extensions(server))).collect();
        let all = json!({ "read_at": now, "servers": all, "unread": unread });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        for server in meant {
            writeln!(out, "{}", print(server, &extensions(server), now))?;
        }
        writeln!(out, "Table {}, read at {}.", hub.table, second(now))?;
    }
    places::complain(&unread)
}

fn is_meant(server: &Server, given: &str) -> bool {
    server.row.id.as_str() == given
        || server.instance() == Some(given)
        || server.row.name().eq_ignore_ascii_case(given)
        || server.hostname().is_some_and(|hostname| hostname.eq_ignore_ascii_case(given))
}

/// Whether `extended` replicates as `server` in the account of that one.
fn is_extension(extended: &Server, server: &Server) -> bool {
    let arn = server.details.as_ref().map(|details| details.arn.as_str());
    let staged = extended.row.inventory.as_ref().and_then(|i| i.staging.server_arn.as_deref());
    arn.is_some() && staged == arn && extended.row.id != server.row.id
}

fn to_json(server: &Server, extensions: &[&Server]) -> Value {
    let error = server.row.replication.error.as_deref();
    let known = error.and_then(remedy::remedy);
    let extended = |s: &&Server| json!({ "place": s.row.place, "id": s.row.id });
    json!({
        "account_name": server.account_name,
        "server": server.row,
        "details": server.details,
        "error_words": error.map(remedy::words),
        "remedy": known.map(|remedy| json!({ "helps": remedy.helps, "page": remedy.page })),
        "extended_to": extensions.iter().map(extended).collect::<Vec<_>>(),
        "tag_sync": server.tags,
        "swept_at": server.swept_at,
    })
}

fn print(server: &Server, extensions: &[&Server], now: Timestamp) -> String {
    let row = &server.row;
    let mut text = format!("{}  {}\n", row.id, plain(row.name()));
    text += &fact("account", &account(&row.place, &server.account_name));
    text += &replication(server, now);
    text += &place_of_replication(server);
    for extended in extensions {
        let Place { account, region } = &extended.row.place;
        let name = plain(&extended.account_name);
        text += &fact("extended to", &format!("{account} ({name}), {region}: {}", extended.row.id));
    }
    if let Some(instance) = server.instance() {
        text += &fact("instance", instance);
    }
    if let Some(details) = &server.details {
        text += &made_of(details);
    }
    text += &fact("tag sync", &tag_sync(server.tags, now));
    for (kind, incident) in incident::open(&row.incidents) {
        let (opened, flaps) = (ago(now, incident.opened_at), flaps(incident.flaps));
        let head = format!("{} {kind}, opened {opened}{flaps}", incident.severity);
        text += &fact("incident", &format!("{head}: {}", plain(&incident.reason)));
    }
    text + &fact("swept", &ago_or_never(now, server.swept_at))
}

fn tag_sync(tags: TagStanding, now: Timestamp) -> String {
    let last = tags.in_line_at.map(|at| format!("last in line with EC2 {}", ago(now, at)));
    let skipped = tags.skipped.map(|why| format!("nothing is copied: {}", why.words()));
    std::iter::once(tags.freshness.words().to_owned())
        .chain(last)
        .chain(skipped)
        .collect::<Vec<_>>()
        .join(", ")
}

fn account(place: &Place, name: &str) -> String {
    format!("{} ({}), {}", place.account, plain(name), place.region)
}

fn flaps(number: u32) -> String {
    if number == 0 { String::new() } else { format!(", came back {}", counted(number as usize, "time")) }
}

fn replication(server: &Server, now: Timestamp) -> String {
    let row = &server.row;
    let state = plain(&row.replication.state);
    let mut text = fact("state", &format!("{state} ({})", since(row.replication.since, now)));
    if let Some(gone) = row.gone_since {
        text += &fact("gone", &format!("not in AWS any more ({})", since(gone, now)));
    }
    if let Some(error) = &row.replication.error {
        text += &fact("error", &in_words(error));
    }
    let unknown = || "not known".to_owned();
    text += &fact("lag", &lag(server).unwrap_or_else(unknown));
    text += &fact("backlog", &backlog(server).unwrap_or_else(unknown));
    if let Some(rpo) = server.rpo() {
        text += &fact("RPO", &format!("{} (tag {RPO_TAG})", plain(rpo)));
    }
    if let Some(tag) = row.drill_tag() {
        text += &fact("drill", &drill(tag));
    }
    let Some(health) = &row.health else { return text };
    if let Some(step) = &health.step {
        let name = plain(remedy::step(&step.name));
        text += &fact("step", &format!("{name}: {} ({})", plain(&step.status), plain(&step.name)));
    }
    if let Some(sync) = &health.sync {
        text += &fact("sync", &progress(sync, now));
    }
    if let Some(resync) = row.resync_since {
        text += &fact("resync", &since(resync, now));
    }
    let seen = match health.unseen_since {
        Some(unseen) => format!("last {}", ago(now, unseen)),
        None => "less than 5 min before the sweep".to_owned(),
    };
    text += &fact("agent seen", &seen);
    if let Some(at) = row.snapshot_at {
        text += &fact("snapshot", &ago(now, at));
    }
    text
}

fn drill(tag: &str) -> String {
    match WindowRow::of_tag(tag) {
        Ok(row) => {
            let (name, from, until) = (plain(&row.name), second(row.from), second(row.until));
            format!("{name}, {from} to {until} (tag {DRILL_TAG})")
        }
        Err(problem) => format!("the tag {DRILL_TAG} opens no window: {problem}"),
    }
}

fn since(then: Timestamp, now: Timestamp) -> String {
    format!("since {}, {}", second(then), ago(now, then))
}

fn in_words(error: &str) -> String {
    let words = plain(&remedy::words(error));
    match remedy::remedy(error) {
        Some(remedy) => format!("{words}\n{}\n{}", remedy.helps, remedy.page),
        None => format!("{words}\n{}", remedy::TROUBLESHOOTING),
    }
}

fn progress(sync: &Sync, now: Timestamp) -> String {
    let percent = u128::from(sync.done) * 100 / u128::from(sync.total.max(1));
    format!("{percent} % ({} of {}), reached {}", bytes(sync.done), bytes(sync.total), ago(now, sync.since))
}

fn place_of_replication(server: &Server) -> String {
    let staging = server.row.inventory.as_ref().map(|inventory| &inventory.staging);
    let Some(Staging { status, account: Some(account), server_arn, error }) = staging else {
        return String::new();
    };
    if *account == server.row.place.account {
        return String::new();
    }
    let parts = [status, server_arn, error].into_iter().flatten().map(|part| plain(part));
    let told: Vec<_> = std::iter::once(format!("in account {account}")).chain(parts).collect();
    fact("replicates", &told.join("\n"))
}

/// What changes seldom.
fn made_of(details: &ServerDetailsRow) -> String {
    let ServerFacts { agent_version, direction, os, recommended_type, last_launch_result, .. } =
        &details.facts;
    let facts = &details.facts;
    let origin =
        [&facts.origin_account, &facts.origin_zone].into_iter().flatten().cloned().collect::<Vec<_>>();
    let disks = facts.disks.iter().map(|(name, size)| format!("{name} {}", bytes(*size)));
    let tags = details.tags.iter().map(|(key, value)| format!("{}={}", plain(key), plain(value)));
    [
        ("host name", details.hostname.clone()),
        ("agent", agent_version.clone()),
        ("direction", direction.clone()),
        ("origin", Some(origin.join(", "))),
        ("system", os.clone()),
        ("hardware", Some(hardware(facts))),
        ("disks", Some(disks.collect::<Vec<_>>().join("\n"))),
        ("addresses", Some(facts.ips.join(", "))),
        ("fits", recommended_type.clone()),
        ("added", facts.added_at.map(second)),
        ("last launch", last_launch_result.clone()),
        ("runs as", facts.recovery_instance.clone()),
        ("tags", Some(tags.collect::<Vec<_>>().join("\n"))),
    ]
    .into_iter()
    .filter_map(|(what, value)| Some((what, value.filter(|value| !value.is_empty())?)))
    .map(|(what, value)| fact(what, &value.lines().map(plain).collect::<Vec<_>>().join("\n")))
    .collect()
}

fn hardware(facts: &ServerFacts) -> String {
    let cores = facts.cores.map(|n| format!("{n} cores"));
    let ram = facts.ram.map(|n| format!("{} of memory", bytes(n)));
    let disks = (!facts.disks.is_empty()).then(|| {
        let all: u64 = facts.disks.values().fold(0, |sum, size| sum.saturating_add(*size));
        format!("{} of disks", bytes(all))
    });
    cores.into_iter().chain(ram).chain(disks).collect::<Vec<_>>().join(", ")
}
