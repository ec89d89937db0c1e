//! `accounts show`.

use std::io::Write;

use drs_fleet_domain::incident;
use drs_fleet_domain::place::{Counted, PlaceRow};
use drs_fleet_domain::quota::Quota;
use drs_fleet_domain::registry::AccountRow;
use jiff::Timestamp;

use super::list::name;
use super::load;
use super::seen::{self, Known};
use crate::hub::Hub;
use crate::places;
use crate::text::{ago, ago_or_never, plain, second};

/// What `accounts show` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Id or alias
    account: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows an account.
pub(super) async fn show(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let row = places::account(&load(hub).await?, &arguments.account)?.clone();
    let seen = seen::read(hub, vec![row]).await?;
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&seen)?)?;
        return Ok(());
    }
    for shown in &seen.accounts {
        write!(out, "{}", of_account(&shown.account, seen.read_at))?;
        for known in &shown.regions {
            write!(out, "\n{}", of_region(known, seen.read_at))?;
        }
    }
    writeln!(out, "\nTable {}, read at {}.", hub.table, second(seen.read_at))?;
    Ok(())
}

fn of_account(row: &AccountRow, now: Timestamp) -> String {
    let mut lines = vec![
        format!("{}  {}", row.id, name(row)),
        fact("status", &row.status.to_string()),
        fact("validated", &ago_or_never(now, row.last_validated)),
    ];
    lines.extend(row.last_error.iter().map(|error| fact("last error", &plain(error))));
    lines.push(fact("role", &row.role_arn));
    lines.extend(row.target.iter().map(|target| fact("extended to", target.as_str())));
    lines.extend(row.ou.iter().map(|ou| fact("OU", &plain(ou))));
    lines.extend(row.tags.iter().map(|(key, value)| fact("tag", &plain(&format!("{key}={value}")))));
    lines.push(fact("external id", &format!("in the hub's secret {}", row.external_id_secret)));
    lines.join("\n") + "\n"
}

fn of_region(known: &Known, now: Timestamp) -> String {
    let uses: Vec<_> =
        [(known.drs, "DRS"), (known.source, "source")].iter().filter(|u| u.0).map(|u| u.1).collect();
    let mut lines = vec![format!("{} ({})", known.region, uses.join(", "))];
    lines.push(fact("heartbeat", &ago_or_never(now, known.heard_at())));
    if known.drs {
        lines.extend(capacity(known, now));
    }
    lines.extend(known.stored.iter().flat_map(|stored| troubles(stored, now)));
    lines.join("\n") + "\n"
}

fn capacity(known: &Known, now: Timestamp) -> Vec<String> {
    let Some(counted) = known.counted() else { return vec![fact("servers", "never counted")] };
    let swept = fact("swept", &ago(now, counted.swept_at));
    if !counted.initialized {
        return vec![fact("servers", "none: DRS is not initialised here"), swept];
    }
    let Counted { servers, replicating, extended, .. } = counted;
    let states: Vec<_> = counted.by_state.iter().map(|(state, n)| format!("{n} {}", plain(state))).collect();
    let all = format!("{servers} ({extended} extended)");
    let limit = known.stored.as_ref().and_then(|row| row.status.limit);
    let slots = format!("{replicating} of {}", limit.unwrap_or(Quota::Replicating.documented()));
    vec![fact("servers", &all), fact("states", &states.join(", ")), fact("replicating", &slots), swept]
}

fn troubles(stored: &PlaceRow, now: Timestamp) -> Vec<String> {
    let sweeping =
        stored.sweeping.as_ref().map(|sweep| fact("sweeping", &format!("since {}", second(sweep.since))));
    let refused = stored.unreadable.as_ref().map(|unreadable| {
        let reason = plain(&unreadable.reason);
        fact("refused", &format!("{}, first {}: {reason}", unreadable.since, ago(now, unreadable.since)))
    });
    let incidents = incident::open(&stored.incidents).map(|(kind, incident)| {
        let (severity, opened, reason) =
            (incident.severity, ago(now, incident.opened_at), plain(&incident.reason));
        fact("incident", &format!("{severity} {kind}, opened {opened}: {reason}"))
    });
    sweeping.into_iter().chain(refused).chain(incidents).collect()
}

fn fact(what: &str, value: &str) -> String {
    format!("  {what:<13}{value}")
}
