//! Sweeps: what EC2 says of machines compared with what their source servers have, so that a lost event costs minutes.
//!
//! The inventory tells what source servers have; only those that seem to differ are looked at in DRS.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::io::{Io, READ_AT_ONCE};
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::{InstanceId, SourceServerId};
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::server::{ServerDetailsRow, ServerRow};
use drs_fleet_domain::tags::{self, Cause, InstanceTagsRow, Rules, ServerTagsRow, TagSweepRow};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::TagSync;
use crate::listing::{self, Listing};
use crate::server;

/// So many servers are brought in line at once.
const AT_ONCE: usize = 8;

/// Sweeps the tags of a place, unless another sweep serves the request.
pub(crate) async fn sweep<I: Io>(
    worker: &TagSync,
    io: &I,
    place: &Place,
    asked_at: Timestamp,
) -> Result<(), IoError> {
    let now = io.now();
    // An account may be newer than the registry we hold.
    if !worker.registry.current(io).await?.is_swept(place) {
        worker.registry.forget();
    }
    if sweeps::is_overtaken(asked_at, now) || !worker.registry.current(io).await?.is_swept(place) {
        return Ok(());
    }
    let key = keys::tag_sweep(place);
    let claim =
        worker.sweeps.change_now(io, &key, |row| TagSweepRow::claim(place, row, asked_at, now)).await?;
    let claim = claim.row().filter(|_| claim.changed()).and_then(|row| row.sweeping.as_ref());
    let Some(claim) = claim else { return Ok(()) };
    match apply(worker, io, place).await {
        Ok(unread) => worker
            .sweeps
            .change(io, &key, |row| TagSweepRow::ended(row, (claim, now), &unread))
            .await
            .map(drop),
        // The capacity-tracker, which sweeps the same account, opens the incident.
        Err(error) if sweeps::is_vain(&error) => {
            if sweeps::is_refusal(&error) {
                io.evict(&place.account);
            }
            tracing::warn!(%place, %error, "the sweep of the tags ends; the next tick asks again");
            worker.sweeps.change(io, &key, |row| TagSweepRow::released(row, claim)).await.map(drop)
        }
        // The claim stays with this request, which is tried again.
        Err(error) => Err(error),
    }
}

/// A source server as the inventory has it.
struct Known {
    id: SourceServerId,
    /// Its machine, and where that runs.
    machine: Option<(InstanceId, Option<Place>)>,
    is_disconnected: bool,
    tags: BTreeMap<String, String>,
}

/// Brings all servers of the place in line; answers the accounts and Regions of machines that could not be read.
async fn apply<I: Io>(worker: &TagSync, io: &I, place: &Place) -> Result<Vec<(Place, String)>, IoError> {
    let servers = inventory(io, place).await?;
    let (listings, unread) = listings(worker, io, &servers).await?;
    let instances = instances(worker, io, &servers, &listings).await?;
    let stored = io.query::<ServerTagsRow>(&keys::all_server_tags(place)).await?;
    let known: BTreeMap<_, _> =
        stored.iter().map(|stored| (stored.row.server.clone(), stored.row.clone())).collect();
    worker.servers.remember(stored);
    let rules = worker.rules.current(io).await?.of(&place.account);
    let differing = servers.iter().filter(|server| {
        let told = server.machine.as_ref().and_then(|(id, _)| instances.get(id));
        differs(server, told, known.get(&server.id), &rules, io.now())
    });
    let ids: Vec<_> = differing.map(|server| server.id.clone()).collect();
    tracing::info!(%place, servers = servers.len(), differing = ids.len(), "tags compared");
    stream::iter(ids)
        .map(|id| async move { server::bring(worker, io, (place, &id), &Cause::Sweep, None).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(unread)
}

async fn inventory<I: Io>(io: &I, place: &Place) -> Result<Vec<Known>, IoError> {
    let rows = io.query::<ServerRow>(&keys::servers(place)).await?;
    let details = io.query::<ServerDetailsRow>(&keys::all_server_details(place)).await?;
    let mut details: BTreeMap<_, _> =
        details.into_iter().map(|stored| (stored.row.id.clone(), stored.row)).collect();
    let listed = rows.into_iter().map(|stored| stored.row).filter(|row| row.gone_since.is_none());
    let known = |row: ServerRow| {
        let details = details.remove(&row.id)?;
        let instance = row.inventory.as_ref().and_then(|inventory| inventory.instance.clone());
        let origin = details.facts.origin();
        Some(Known {
            id: row.id,
            machine: instance.map(|instance| (instance, origin)),
            is_disconnected: row.replication.state == "DISCONNECTED",
            tags: details.tags,
        })
    };
    Ok(listed.filter_map(known).collect())
}

/// The lists of all accounts and Regions in which machines of these servers run. One that refuses keeps nobody from the
/// rest.
async fn listings<I: Io>(
    worker: &TagSync,
    io: &I,
    servers: &[Known],
) -> Result<(BTreeMap<Place, Listing>, Vec<(Place, String)>), IoError> {
    let registry = worker.registry.current(io).await?;
    let of_machines = servers.iter().filter_map(|server| server.machine.as_ref()?.1.clone());
    let places: BTreeSet<Place> = of_machines.collect();
    let (mut listings, mut unread) = (BTreeMap::new(), Vec::new());
    for place in places {
        if !registry.is_registered(&place.account, &place.region) {
            unread.push((place, "the account is not registered in this Region".to_owned()));
            continue;
        }
        match listing::read(io, &place).await {
            Ok(listing) => {
                listings.insert(place, listing);
            }
            Err(error) if sweeps::is_vain(&error) => {
                if sweeps::is_refusal(&error) {
                    io.evict(&place.account);
                }
                tracing::warn!(%place, %error, "tags of machines cannot be read");
                unread.push((place, error.message));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((listings, unread))
}

/// The tags of each machine, by what is newer: events or the list. What the list tells otherwise is stored.
async fn instances<I: Io>(
    worker: &TagSync,
    io: &I,
    servers: &[Known],
    listings: &BTreeMap<Place, Listing>,
) -> Result<BTreeMap<InstanceId, InstanceTagsRow>, IoError> {
    let registry = worker.registry.current(io).await?;
    let machines: BTreeMap<_, _> = servers.iter().filter_map(|server| server.machine.clone()).collect();
    let keys: Vec<Key> = machines.keys().map(keys::instance_tags).collect();
    let mut known = BTreeMap::new();
    for keys in keys.chunks(READ_AT_ONCE) {
        let found: Vec<_> = io.read::<InstanceTagsRow>(keys).await?.into_iter().flatten().collect();
        known.extend(found.iter().map(|stored| (stored.row.instance.clone(), stored.row.clone())));
        worker.instances.remember(found);
    }
    for (instance, place) in machines {
        let listing = place.as_ref().and_then(|place| Some((place, listings.get(place)?)));
        let Some((place, listing)) = listing else { continue };
        let Some(tags) = listing.tags.get(&instance) else { continue };
        let subject = (place, registry.account_name(&place.account));
        let times = (listing.at, io.now());
        let decide = |row: Option<&InstanceTagsRow>| tags::listed(subject, (&instance, tags), row, times);
        let outcome = worker.instances.change(io, &keys::instance_tags(&instance), decide).await?;
        known.extend(outcome.row().map(|row| (instance.clone(), row.clone())));
    }
    Ok(known)
}

/// Whether a server seems not to be in line, or was never looked at.
fn differs(
    server: &Known,
    told: Option<&InstanceTagsRow>,
    row: Option<&ServerTagsRow>,
    rules: &Rules,
    now: Timestamp,
) -> bool {
    let Some(row) = row else { return true };
    if row.is_busy(now) || row.refused.as_ref().is_some_and(|refused| refused.retry_at > now) {
        return false;
    }
    let protects = server.machine.as_ref().map(|(instance, _)| instance);
    let skips = tags::reason_to_skip(protects, server.is_disconnected, told, rules).is_some();
    match told {
        Some(told) if !skips => !row.agrees(&told.plan(&server.tags, &row.owned(&server.tags), rules)),
        _ => row.skipped.is_none(),
    }
}
