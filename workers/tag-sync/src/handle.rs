//! A tag change: remember the newest tags, find the instance's source servers, write what they lack.

use std::collections::BTreeMap;

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::{Io, ServerFilter};
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::row::Row;
use drs_fleet_domain::tags::{self, InstanceServerRow, InstanceTagsRow};
use drs_fleet_domain::unhandled::Reason;

use crate::TagSync;

/// The source servers of an instance: ARN to place.
type Servers = BTreeMap<String, Place>;

/// Handles what waits in one lane: one instance's changes.
pub(crate) async fn handle<I: Io>(worker: &TagSync, io: &I, work: Vec<Received>) -> Result<(), IoError> {
    let (mut newest, mut older): (Option<InstanceTagsRow>, bool) = (None, false);
    for received in worker.inbox.admit(io, work).await? {
        match &received.event {
            Event::TagsChanged(change) => {
                let (key, place) = (keys::instance_tags(&change.instance), received.place());
                let (told, now) = ((change, received.envelope.time), io.now());
                let outcome =
                    worker.instances.change(io, &key, |row| tags::changed(&place, told, row, now)).await?;
                // Whoever had this message before may have died while it wrote these tags over newer ones.
                older |= outcome.row().is_some_and(|row| row.version > change.version);
                newest = outcome.row().cloned();
            }
            // Tags of DRS resources, which are ours to write.
            Event::ApiCall(_) => {}
            _ => worker.inbox.set_aside(io, Reason::NotActedOn, &received).await?,
        }
    }
    match newest {
        // A redelivery of what was stored and not yet written ends here as well.
        Some(row) => sync(worker, io, &row, older).await,
        None => Ok(()),
    }
}

/// The time to try again has come.
pub(crate) async fn wake<I: Io>(worker: &TagSync, io: &I, key: &Key) -> Result<(), IoError> {
    let now = io.now();
    // Pushes the next try before this one, so that of several instances one tries.
    let claim = |row: &InstanceTagsRow| {
        let reason = row.pending.clone().unwrap_or_default();
        tags::postponed(row, &reason, now)
    };
    let outcome = worker.instances.wake(io, key, claim).await?;
    match outcome.row().filter(|_| outcome.changed()) {
        Some(row) => sync(worker, io, row, false).await,
        None => Ok(()),
    }
}

/// Writes the newest tags to the source servers that lack them, or to `all`.
///
/// Another instance may write newer tags while this one writes what it holds, and nobody knows whose call DRS
/// took last. Who finds that it wrote an older version writes the newest once more.
async fn sync<I: Io>(worker: &TagSync, io: &I, row: &InstanceTagsRow, all: bool) -> Result<(), IoError> {
    let (mut row, mut all) = (row.clone(), all);
    while let Some(newer) = write(worker, io, &row, all).await? {
        (row, all) = (newer, true);
    }
    Ok(())
}

/// One attempt. Answers the row when it holds a newer version than what was written.
async fn write<I: Io>(
    worker: &TagSync,
    io: &I,
    row: &InstanceTagsRow,
    all: bool,
) -> Result<Option<InstanceTagsRow>, IoError> {
    let servers = match servers_of(worker, io, row).await {
        Err(error) if sweeps::is_vain(&error) => {
            return record(worker, io, row, &[], Some(&error.message)).await;
        }
        found => found?,
    };
    if servers.is_empty() {
        let now = io.now();
        worker.instances.change(io, &row.key(), |known| tags::unprotected(known?, now)).await?;
        return Ok(None);
    }
    let (mut given, mut refused) = (Vec::new(), None);
    for (arn, place) in servers.iter().filter(|(arn, _)| all || !row.is_synced(arn)) {
        match io.tag(place, arn, &row.tags).await {
            Ok(()) => given.push(arn.clone()),
            Err(error) if sweeps::is_vain(&error) => {
                tracing::warn!(instance = %row.instance, %place, %error, "tags are left pending");
                refused = Some(error.message);
            }
            Err(error) => return Err(error),
        }
    }
    if given.is_empty() && refused.is_none() && row.retry_at.is_none() {
        return Ok(None);
    }
    tracing::info!(instance = %row.instance, given = given.len(), refused, "tags were written");
    record(worker, io, row, &given, refused.as_deref()).await
}

/// Records an attempt with the tags of `row`, in one write: what was given, and what is still to be done.
async fn record<I: Io>(
    worker: &TagSync,
    io: &I,
    row: &InstanceTagsRow,
    given: &[String],
    refused: Option<&str>,
) -> Result<Option<InstanceTagsRow>, IoError> {
    let (key, now) = (row.key(), io.now());
    let tried = |known: Option<&InstanceTagsRow>| tags::tried(known?, given, row.version, refused, now);
    let outcome = worker.instances.change(io, &key, tried).await?;
    Ok(outcome.row().filter(|newest| newest.version > row.version).cloned())
}

/// From the inventory, else by asking DRS in the account's own DRS Regions.
async fn servers_of<I: Io>(worker: &TagSync, io: &I, row: &InstanceTagsRow) -> Result<Servers, IoError> {
    let linked = io.query::<InstanceServerRow>(&keys::instance_servers(&row.instance)).await?;
    if !linked.is_empty() {
        return Ok(linked.into_iter().map(|link| (link.row.arn, link.row.place)).collect());
    }
    let registry = worker.registry.current(io).await?;
    let places = registry.drs_places().into_iter().filter(|place| place.account == row.place.account);
    let mut servers = Servers::new();
    for place in places {
        let filter = ServerFilter::OfInstance(row.instance.clone());
        let page = io.source_servers(&place, &filter, None).await?;
        servers.extend(page.items.into_iter().map(|seen| (seen.arn, place.clone())));
    }
    Ok(servers)
}
