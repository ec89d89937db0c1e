//! Sweeps: AWS's own state of one account and Region, read page by page and fed to the same decisions as events.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::io::{Io, ServerFilter};
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::{self, Counted};
use drs_fleet_domain::seen::ServerSeen;
use drs_fleet_domain::server::{self, Observation, ServerRow};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{CapacityTracker, links};

/// How many rows of one sweep are written at once.
pub(crate) const WRITES: usize = 16;

/// Sweeps a place, unless another sweep serves the request.
pub(crate) async fn sweep<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    asked: &[Timestamp],
) -> Result<(), IoError> {
    let now = io.now();
    if asked.iter().all(|asked_at| sweeps::is_overtaken(*asked_at, now)) {
        return Ok(());
    }
    let key = keys::place(place);
    let claim = worker.places.change_now(io, &key, |row| place::claim(place, row, asked, now)).await?;
    if !claim.changed() {
        return Ok(());
    }
    // Should this fail, the claim stays with this request, which is tried again.
    let observation = look(worker, io, place).await?;
    let registry = worker.registry.current(io).await?;
    let name = registry.account_name(&place.account);
    let observations = [observation];
    worker.places.change(io, &key, |row| place::decide(place, &observations, row, name)).await?;
    Ok(())
}

/// Reads the place and brings its servers' rows in line; a refusal is an observation too.
async fn look<I: Io>(worker: &CapacityTracker, io: &I, place: &Place) -> Result<place::Observation, IoError> {
    if !is_swept(worker, io, place).await? {
        return Ok(place::Observation::Dismissed { at: io.now() });
    }
    match read_all(io, place).await {
        Ok(sweep) => Ok(place::Observation::Swept(apply(worker, io, place, sweep).await?)),
        Err(error) if sweeps::is_refusal(&error) => {
            io.evict(&place.account);
            // A person may have switched the account off since the registry was read: that is no refusal.
            worker.registry.forget();
            if !is_swept(worker, io, place).await? {
                return Ok(place::Observation::Dismissed { at: io.now() });
            }
            tracing::warn!(%place, %error, "the spoke refuses the sweep");
            Ok(place::Observation::Denied { at: io.now(), reason: error.message })
        }
        Err(error) => Err(error),
    }
}

/// Whether the place belongs to an account that is called; an account may be newer than the registry we hold.
async fn is_swept<I: Io>(worker: &CapacityTracker, io: &I, place: &Place) -> Result<bool, IoError> {
    if worker.registry.current(io).await?.is_swept(place) {
        return Ok(true);
    }
    worker.registry.forget();
    Ok(worker.registry.current(io).await?.is_swept(place))
}

/// What all pages listed, at the time of the first.
struct Sweep {
    date: Timestamp,
    initialized: bool,
    servers: Vec<ServerSeen>,
}

async fn read_all<I: Io>(io: &I, place: &Place) -> Result<Sweep, IoError> {
    let mut page = io.source_servers(place, &ServerFilter::All, None).await?;
    let mut sweep = Sweep { date: page.date, initialized: page.initialized, servers: page.items };
    while let Some(next) = page.next {
        page = io.source_servers(place, &ServerFilter::All, Some(next)).await?;
        sweep.servers.append(&mut page.items);
    }
    Ok(sweep)
}

/// Brings the rows in line with what was listed, writes what changed, and counts.
async fn apply<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    sweep: Sweep,
) -> Result<Counted, IoError> {
    let Sweep { date: at, initialized, servers } = sweep;
    let registry = worker.registry.current(io).await?;
    let account_name = registry.account_name(&place.account);
    // Claimed by this process: it knows the row.
    let known = worker.places.known(io, &keys::place(place)).await?;
    let swept_at = known.and_then(|stored| stored.row.swept_at());
    let policy = worker.policy.current(io).await?;
    let context = server::Context { account_name, swept_at, policy: &policy, now: io.now() };
    let stored = io.query::<ServerRow>(&keys::servers(place)).await?;
    let listed: BTreeSet<_> = servers.iter().map(|s| s.id.clone()).collect();
    let mut observed: BTreeMap<SourceServerId, Observation> = stored
        .iter()
        .filter(|s| !listed.contains(&s.row.id))
        .map(|s| (s.row.id.clone(), Observation::Gone { at }))
        .collect();
    links::keep(worker, io, place, &servers, &stored).await?;
    worker.servers.remember(stored);
    observed.extend(
        servers.into_iter().map(|seen| (seen.id.clone(), Observation::Seen { seen: Box::new(seen), at })),
    );
    let rows: Vec<_> = stream::iter(observed)
        .map(|(id, observation)| {
            let context = &context;
            async move {
                let key = keys::server(place, &id);
                let outcome = worker
                    .servers
                    .change(io, &key, |row| {
                        server::decide((place, &id), std::slice::from_ref(&observation), row, context)
                    })
                    .await?;
                Ok::<_, IoError>(outcome.row().cloned())
            }
        })
        .buffer_unordered(WRITES)
        .try_collect()
        .await?;
    let rows: Vec<_> = rows.into_iter().flatten().collect();
    let counted = place::count(&rows, at, initialized);
    tracing::info!(%place, servers = counted.servers, replicating = counted.replicating, "swept");
    Ok(counted)
}
