//! A machine whose tags were changed: its source servers are found and brought in line.

use std::collections::BTreeMap;

use drs_fleet_aws::io::{Io, ServerFilter};
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::row::Row;
use drs_fleet_domain::tags::{self, Cause, InstanceServerRow, InstanceTagsRow};

use crate::TagSync;
use crate::machine_types::learn;
use crate::server::{self, Done};

/// The source servers of an instance, its own and the extended ones.
type Servers = BTreeMap<SourceServerId, Place>;

/// Brings the source servers of an instance in line with its newest tags. Whoever was told newer ones meanwhile found this
/// change under way and left it to us, so it is looked again at the end.
pub(crate) async fn bring<I: Io>(worker: &TagSync, io: &I, row: InstanceTagsRow) -> Result<(), IoError> {
    let mut row = row;
    while row.is_to_be_done() {
        let Some(newer) = attempt(worker, io, &row).await? else { return Ok(()) };
        row = newer;
    }
    Ok(())
}

/// One attempt. Answers the row when it was handled; it may hold a newer version by then.
async fn attempt<I: Io>(
    worker: &TagSync,
    io: &I,
    row: &InstanceTagsRow,
) -> Result<Option<InstanceTagsRow>, IoError> {
    let key = row.key();
    let servers = match servers_of(worker, io, row).await {
        Err(error) if sweeps::is_vain(&error) => return put_off(worker, io, &key, &error.message).await,
        found => found?,
    };
    if servers.is_empty() {
        let now = io.now();
        worker.instances.change(io, &key, |known| tags::unprotected(known?, now)).await?;
        return Ok(None);
    }
    let (row, untold) = with_type(worker, io, row, &servers).await?;
    let (mut all_done, mut refused) = (true, None);
    for (server, place) in &servers {
        match server::bring(worker, io, (place, server), &Cause::Event(row.version), Some(&row)).await {
            Ok(done) => all_done &= done != Done::Busy,
            // One account that refuses us keeps no other server from its tags.
            Err(error) if sweeps::is_vain(&error) => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    if let Some(error) = refused {
        return put_off(worker, io, &key, &error.message).await;
    }
    // What another worker is at, the timer of the instance looks after.
    if !all_done {
        return Ok(None);
    }
    if let Some(error) = untold {
        let reason = format!("the type of the instance is not known: {}", error.message);
        return put_off(worker, io, &key, &reason).await;
    }
    let handled = |known: Option<&InstanceTagsRow>| tags::handled(known?, row.version);
    Ok(worker.instances.change(io, &key, handled).await?.row().cloned())
}

/// Asks for the type of the instance where the rules of any of its servers want it.
async fn with_type<I: Io>(
    worker: &TagSync,
    io: &I,
    row: &InstanceTagsRow,
    servers: &Servers,
) -> Result<(InstanceTagsRow, Option<IoError>), IoError> {
    let policy = worker.rules.current(io).await?;
    if servers.values().any(|place| policy.of(&place.account).origin) {
        return learn(worker, io, row).await;
    }
    Ok((row.clone(), None))
}

async fn put_off<I: Io>(
    worker: &TagSync,
    io: &I,
    key: &Key,
    reason: &str,
) -> Result<Option<InstanceTagsRow>, IoError> {
    let now = io.now();
    let later = |known: Option<&InstanceTagsRow>| tags::postponed(known?, reason, now);
    worker.instances.change(io, key, later).await?;
    Ok(None)
}

/// The time to try again has come, or what was tampered with is no news any more.
pub(crate) async fn wake<I: Io>(worker: &TagSync, io: &I, key: &Key) -> Result<(), IoError> {
    let (registry, now) = (worker.registry.current(io).await?, io.now());
    let claim = |row: &InstanceTagsRow| tags::woken(row, registry.account_name(&row.place.account), now);
    let outcome = worker.instances.wake(io, key, claim).await?;
    match outcome.row().filter(|row| outcome.changed() && row.is_to_be_done()) {
        Some(row) => bring(worker, io, row.clone()).await,
        None => Ok(()),
    }
}

/// From the inventory, else by asking DRS in the account's own DRS Regions: the inventory lacks what DRS does not tell of
/// its own accord.
async fn servers_of<I: Io>(worker: &TagSync, io: &I, row: &InstanceTagsRow) -> Result<Servers, IoError> {
    let registry = worker.registry.current(io).await?;
    let links = io.query::<InstanceServerRow>(&keys::instance_servers(&row.instance)).await?;
    // Nobody sweeps an account that was removed, so its links stay.
    let is_there = |link: &InstanceServerRow| registry.is_registered(&link.place.account, &link.place.region);
    let linked: Servers = links
        .into_iter()
        .map(|stored| stored.row)
        .filter(is_there)
        .map(|link| (link.server, link.place))
        .collect();
    if !linked.is_empty() {
        return Ok(linked);
    }
    let places = registry.drs_places().into_iter().filter(|place| place.account == row.place.account);
    let mut servers = Servers::new();
    for place in places {
        let filter = ServerFilter::OfInstance(row.instance.clone());
        let found = server::find(io, &place, &filter).await?;
        servers.extend(found.into_iter().map(|seen| (seen.id, place.clone())));
    }
    Ok(servers)
}
