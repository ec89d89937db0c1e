//! A tag change: remember the newest tags, find the instance's source servers, write what they lack.

use std::collections::BTreeMap;

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::{Io, ServerFilter};
use drs_fleet_aws::verdict::{IoError, Verdict};
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
    let mut newest: Option<InstanceTagsRow> = None;
    for received in worker.inbox.admit(io, work).await? {
        match &received.event {
            Event::TagsChanged(change) => {
                let (key, place) = (keys::instance_tags(&change.instance), received.place());
                let outcome =
                    worker.instances.change(io, &key, |row| tags::changed(&place, change, row)).await?;
                newest = outcome.row().cloned();
            }
            // Tags of DRS resources, which are ours to write.
            Event::ApiCall(_) => {}
            _ => worker.inbox.set_aside(io, Reason::NotActedOn, &received).await?,
        }
    }
    match newest {
        // A redelivery of what was stored and not yet written ends here as well.
        Some(row) => sync(worker, io, &row).await,
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
        Some(row) => sync(worker, io, row).await,
        None => Ok(()),
    }
}

/// Writes the newest tags to the source servers that lack them.
async fn sync<I: Io>(worker: &TagSync, io: &I, row: &InstanceTagsRow) -> Result<(), IoError> {
    let servers = match servers_of(worker, io, row).await {
        Err(error) if waits_for_a_person(&error) => return postpone(worker, io, row, &error.message).await,
        found => found?,
    };
    if servers.is_empty() {
        return postpone(worker, io, row, "no source server of this instance is known yet").await;
    }
    let (mut written, mut refused) = (Vec::new(), None);
    for (arn, place) in servers.iter().filter(|(arn, _)| !row.is_synced(arn)) {
        match io.tag(place, arn, &row.tags).await {
            Ok(()) => written.push(arn.clone()),
            Err(error) if waits_for_a_person(&error) => {
                tracing::warn!(instance = %row.instance, %place, %error, "tags are left pending");
                refused = Some(error.message);
            }
            Err(error) => return Err(error),
        }
    }
    if !written.is_empty() || row.retry_at.is_some() {
        let (key, now) = (row.key(), io.now());
        worker.instances.change(io, &key, |known| tags::synced(known?, &written, row.version, now)).await?;
        tracing::info!(instance = %row.instance, servers = written.len(), "tags are synced");
    }
    match refused {
        Some(reason) => postpone(worker, io, row, &reason).await,
        None => Ok(()),
    }
}

/// A refusal goes away only when a person acts; the change is kept as pending and spends no receive counts.
fn waits_for_a_person(error: &IoError) -> bool {
    matches!(error.verdict, Verdict::Denied | Verdict::Permanent)
}

async fn postpone<I: Io>(
    worker: &TagSync,
    io: &I,
    row: &InstanceTagsRow,
    reason: &str,
) -> Result<(), IoError> {
    let (key, now) = (row.key(), io.now());
    let is_waiting = |known: &InstanceTagsRow| {
        known.pending.as_deref() == Some(reason) && known.retry_at.is_some_and(|at| at > now)
    };
    worker
        .instances
        .change(io, &key, |known| {
            known.filter(|k| !is_waiting(k)).and_then(|k| tags::postponed(k, reason, now))
        })
        .await?;
    Ok(())
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
