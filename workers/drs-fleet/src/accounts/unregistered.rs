//! `accounts list --unregistered`: who sends events without being in the registry.

use std::io::Write;

use anyhow::Context;
use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::ids::{AccountId, Region};
use drs_fleet_domain::keys;
use drs_fleet_domain::registry::Registry;
use drs_fleet_domain::unhandled::{Heard, Reason, UnhandledRow};
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
    let line = |account: &AccountId, (region, heard): (&Region, &Heard)| {
        let registered = registry.account(account).map_or("no", |_| "not this Region");
        let (events, last) = (heard.count.to_string(), ago(now, heard.last_at));
        [account.to_string(), region.to_string(), events, last, registered.to_owned()]
    };
    let lines: Vec<_> =
        rows.iter().flat_map(|row| row.regions.iter().map(|region| line(&row.account, region))).collect();
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

/// Records stay when an account is registered later; its registered Regions are left out.
async fn read(hub: &Hub, registry: &Registry) -> anyhow::Result<Vec<UnhandledRow>> {
    let ranges = keys::all_unhandled(CapacityTracker::NAME);
    let parts = try_join_all(ranges.iter().map(|range| hub.io.query::<UnhandledRow>(range))).await;
    let rows = parts.with_context(|| hub.unreadable())?.into_iter().flatten().map(|stored| stored.row);
    let unregistered = |mut row: UnhandledRow| {
        row.regions.retain(|region, _| !registry.is_registered(&row.account, region));
        (row.reason == Reason::Unregistered && !row.regions.is_empty()).then_some(row)
    };
    let mut rows: Vec<_> = rows.filter_map(unregistered).collect();
    rows.sort_by(|a, b| a.account.cmp(&b.account));
    Ok(rows)
}
