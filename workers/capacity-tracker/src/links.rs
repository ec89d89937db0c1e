//! Which source servers protect an EC2 instance, kept by instance for the tag-sync.

use std::collections::BTreeMap;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::{InstanceId, SourceServerId};
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::row::{Change, Row, Stored};
use drs_fleet_domain::seen::ServerSeen;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_domain::tags::InstanceServerRow;
use futures::{StreamExt, TryStreamExt, stream};

use crate::CapacityTracker;
use crate::sweep::{NEW_ROWS, WRITES};

/// Brings the links in line with what a sweep listed. Done before the rows that tell which links there are, so
/// that a crash in between repeats it and loses nothing.
pub(crate) async fn keep<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    listed: &[ServerSeen],
    stored: &[Stored<ServerRow>],
) -> Result<(), IoError> {
    let known: BTreeMap<_, _> =
        stored.iter().filter_map(|s| Some((&s.row.id, instance_of(&s.row)?))).collect();
    let seen: BTreeMap<_, _> = listed.iter().filter_map(|s| Some((&s.id, s.instance.as_ref()?))).collect();
    let link = |seen: &ServerSeen| {
        let instance = seen.instance.clone()?;
        let is_new = known.get(&seen.id) != Some(&&instance);
        let (place, server, arn) = (place.clone(), seen.id.clone(), seen.arn.clone());
        is_new.then_some(InstanceServerRow { instance, place, server, arn })
    };
    let is_over = |(id, instance): &(&&SourceServerId, &&InstanceId)| seen.get(**id) != Some(*instance);
    let over = known.iter().filter(is_over).map(|(id, instance)| keys::instance_server(instance, place, id));
    add(worker, io, listed.iter().filter_map(link).collect()).await?;
    remove(worker, io, over.collect()).await
}

/// A server that is gone has no link; nor has one of which only an event said since that it is back.
fn instance_of(row: &ServerRow) -> Option<&InstanceId> {
    let is_linked = row.gone_since.is_none() && row.unlisted_since.is_none();
    row.inventory.as_ref().filter(|_| is_linked)?.instance.as_ref()
}

async fn add<I: Io>(worker: &CapacityTracker, io: &I, links: Vec<InstanceServerRow>) -> Result<(), IoError> {
    stream::iter(links)
        .map(|link| async move {
            let (key, same) =
                (link.key(), |known: Option<&_>| Change::between(known, link.clone(), Vec::new()));
            // Another instance may have removed what this one wrote once.
            worker.instances.release(&key);
            worker.instances.change(io, &key, same).await.map(|_| ())
        })
        .buffer_unordered(NEW_ROWS)
        .try_collect()
        .await
}

async fn remove<I: Io>(worker: &CapacityTracker, io: &I, links: Vec<Key>) -> Result<(), IoError> {
    stream::iter(links)
        .map(|link| async move { worker.instances.forget(io, &link).await })
        .buffer_unordered(WRITES)
        .try_collect()
        .await
}
