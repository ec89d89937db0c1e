//! `accounts list --unregistered`: who sends events without being in the registry.

use std::io::Write;

use anyhow::Context;
use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::ids::Region;
use drs_fleet_domain::keys;
use drs_fleet_domain::registry::Registry;
use drs_fleet_domain::unhandled::{Reason, UnhandledRow};
use futures::future::try_join_all;
use serde_json::json;

use crate::hub::Hub;
use crate::text::{ago, second, table};

/// Lists them. Every spoke's heartbeat comes to the capacity-tracker, so its records name them all.
pub(super) async fn list(
    hub: &Hub,
    registry: &Registry,
    as_json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let rows = read(hub, registry).await?;
    let now = hub.io.now();
    if as_json {
        let all = json!({ "read_at": now, "unregistered": rows });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    if rows.is_empty() {
        writeln!(out, "No event came from an account or Region that is not registered.")?;
        return Ok(());
    }
    let line = |row: &UnhandledRow| {
        let registered = registry.account(&row.account).map_or("no", |_| "not this Region");
        let events = row.count.to_string();
        [row.account.to_string(), row.subject.clone(), events, ago(now, row.last_at), registered.to_owned()]
    };
    let lines: Vec<_> = rows.iter().map(line).collect();
    write!(out, "{}", table(["ACCOUNT", "REGION", "EVENTS", "LAST", "REGISTERED"], &lines))?;
    writeln!(
        out,
        "\nTheir events are counted and not acted on. Table {}, read at {}.",
        hub.table,
        second(now)
    )?;
    writeln!(out, "Register one: drs-fleet accounts add ACCOUNT --name NAME --drs-region REGION")?;
    Ok(())
}

/// Records stay when an account is registered later; those are left out.
async fn read(hub: &Hub, registry: &Registry) -> anyhow::Result<Vec<UnhandledRow>> {
    let ranges = keys::all_unhandled(CapacityTracker::NAME);
    let parts = try_join_all(ranges.iter().map(|range| hub.io.query::<UnhandledRow>(range))).await;
    let rows = parts.with_context(|| hub.unreadable())?.into_iter().flatten().map(|stored| stored.row);
    let is_registered = |row: &UnhandledRow| {
        row.subject.parse::<Region>().is_ok_and(|region| registry.is_registered(&row.account, &region))
    };
    let mut rows: Vec<_> =
        rows.filter(|row| row.reason == Reason::Unregistered && !is_registered(row)).collect();
    rows.sort_by(|a, b| (&a.account, &a.subject).cmp(&(&b.account, &b.subject)));
    Ok(rows)
}
