//! Sweeps: what EC2 says of machines compared with what their source servers have, so that a lost event costs minutes.

use drs_fleet_aws::holding::{Holding, Stopped};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::tags::TagSweepRow;
use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::TagSync;
use crate::compare::{Asker, Compared, Need, compare};
use crate::server;

/// So many servers are brought in line at once.
pub(crate) const AT_ONCE: usize = 8;

/// Sweeps the tags of a place, unless another sweep serves the request.
pub(crate) async fn sweep<I: Io>(
    worker: &TagSync,
    io: &I,
    place: &Place,
    asked_at: Timestamp,
) -> Result<(), IoError> {
    let now = io.now();
    if sweeps::is_overtaken(asked_at, now) || !is_swept(worker, io, place).await? {
        return Ok(());
    }
    let key = keys::tag_sweep(place);
    let claim =
        worker.sweeps.change_now(io, &key, |row| TagSweepRow::claim(place, row, asked_at, now)).await?;
    let claim = claim.row().filter(|_| claim.changed()).and_then(|row| row.sweeping.clone());
    let Some(claim) = claim else { return Ok(()) };
    let mut holding = Holding::of(claim, &worker.sweeps, key.clone());
    match apply(worker, io, place, &mut holding).await {
        Ok(unread) => {
            let ended =
                |row: Option<&_>| TagSweepRow::ended(place, row, (Some(holding.claim()), now), &unread);
            worker.sweeps.change(io, &key, ended).await.map(drop)
        }
        Err(Stopped::Overtaken) => {
            tracing::warn!(%place, "the sweep of the tags was taken over by another, and ends");
            Ok(())
        }
        // The capacity-tracker, which sweeps the same account, opens the incident.
        Err(Stopped::Failed(error)) if sweeps::is_vain(&error) => {
            if sweeps::is_refusal(&error) {
                io.evict(&place.account);
            }
            tracing::warn!(%place, %error, "the sweep of the tags ends; the next tick asks again");
            let released = |row: Option<&_>| TagSweepRow::released(row, holding.claim());
            worker.sweeps.change(io, &key, released).await.map(drop)
        }
        // The claim stays with this request, which is tried again.
        Err(Stopped::Failed(error)) => Err(error),
    }
}

/// Whether the place belongs to an account that is called; an account may be newer than the registry we hold.
pub(crate) async fn is_swept<I: Io>(worker: &TagSync, io: &I, place: &Place) -> Result<bool, IoError> {
    if !worker.registry.current(io).await?.is_swept(place) {
        worker.registry.forget();
    }
    Ok(worker.registry.current(io).await?.is_swept(place))
}

/// Brings all servers of the place in line; answers the accounts and Regions of machines that could not be read.
async fn apply<I: Io>(
    worker: &TagSync,
    io: &I,
    place: &Place,
    holding: &mut Holding<TagSweepRow>,
) -> Result<Vec<(Place, String)>, Stopped> {
    let Compared { servers, unread, failed } = compare(worker, io, place, Asker::Schedule, holding).await?;
    let cause = Asker::Schedule.cause();
    let ids = servers.into_iter().filter(|(_, need)| *need == Need::Look).map(|(id, _)| id);
    let mut running = stream::iter(ids)
        .map(|id| {
            let cause = &cause;
            async move { server::bring(worker, io, (place, &id), cause, None).await }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(done) = running.next().await {
        done?;
        holding.goes_on(io).await?;
    }
    drop(running);
    failed.map_or(Ok(unread), |error| Err(error.into()))
}
