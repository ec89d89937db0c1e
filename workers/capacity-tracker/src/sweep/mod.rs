//! Sweeps: AWS's own state of one account and Region, read page by page and fed to the same decisions as events.

mod reading;

use drs_fleet_aws::holding::{Holding, Stopped};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::{self, Asked, Context, Counted, Observation, PlaceRow};
use drs_fleet_domain::quota::{self, Quota};

use self::reading::{Reading, read};
use crate::{CapacityTracker, counts, places, quotas, servers};

/// How many rows of one sweep are written at once.
pub(crate) const WRITES: usize = 16;
/// The same of rows that are new, which share calls. A first sweep of a hundred places (P10) takes 20 s and 102 MiB with 16,
/// 16 to 18 s and 117 MiB with 32, 16 s and 130 MiB with 50, 13 s and 178 MiB with 100.
pub(crate) const NEW_ROWS: usize = 50;

/// Sweeps a place, unless another sweep serves the request, or the schedule asks too early.
pub(crate) async fn sweep<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    asked: &[Asked],
) -> Result<(), IoError> {
    let now = io.now();
    if asked.iter().all(|asked| sweeps::is_overtaken(asked.at, now)) {
        return give_up(worker, io, place, asked).await;
    }
    let (registry, policy) = (worker.registry.current(io).await?, worker.policy.current(io).await?);
    let key = keys::place(place);
    let mut is_relied_on = false;
    let decide = |row: Option<&PlaceRow>| {
        is_relied_on = place::is_relied_on(row, asked);
        let context = Context::new(registry.account_name(&place.account), io.now());
        place::claim(place, row, asked, &context.with(policy.of_account(&place.account), None))
    };
    let claim = worker.places.change_now(io, &key, decide).await?;
    let is_ours = |row: &&PlaceRow| claim.changed() && place::is_claimed(row, asked);
    let Some(claimed) = claim.row().filter(is_ours).and_then(|row| row.sweeping.clone()) else {
        return Ok(());
    };
    if !is_swept(worker, io, place).await? {
        return dismiss(worker, io, place).await;
    }
    let (mut reading, holding) = (None, Holding::of(claimed, &worker.places, key));
    match read(worker, io, place, holding, is_relied_on, &mut reading).await {
        Ok(counted) => ended(worker, io, place, counted).await,
        Err(Stopped::Failed(error)) => ended_early(worker, io, place, reading.as_ref(), error).await,
        Err(Stopped::Overtaken) => {
            tracing::warn!(%place, "the sweep was taken over by another, and ends");
            Ok(())
        }
    }
}

/// Requests that are too old are dropped. Wishes may have been turned away for one of them, so somebody else is to sweep.
async fn give_up<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    asked: &[Asked],
) -> Result<(), IoError> {
    let stored = worker.places.fresh(io, &keys::place(place)).await?;
    if stored.is_some_and(|stored| place::is_claimed(&stored.row, asked)) {
        return places::see(worker, io, place, &[Observation::LookSooner { at: io.now() }], None).await;
    }
    Ok(())
}

/// Whether the place belongs to an account that is called; an account may be newer than the registry we hold.
async fn is_swept<I: Io>(worker: &CapacityTracker, io: &I, place: &Place) -> Result<bool, IoError> {
    if worker.registry.current(io).await?.is_swept(place) {
        return Ok(true);
    }
    worker.registry.forget();
    Ok(worker.registry.current(io).await?.is_swept(place))
}

/// Nothing of the place is watched any more. Its servers come first, so that a crash in between repeats them.
async fn dismiss<I: Io>(worker: &CapacityTracker, io: &I, place: &Place) -> Result<(), IoError> {
    servers::dismiss(worker, io, place).await?;
    places::see(worker, io, place, &[Observation::Dismissed { at: io.now() }], None).await
}

/// All pages were read.
async fn ended<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    counted: Counted,
) -> Result<(), IoError> {
    let quotas = quotas::current(worker, io, place).await?;
    let limit = quota::value(Quota::Replicating, quotas.as_ref()).value;
    tracing::info!(%place, servers = counted.servers, replicating = counted.replicating, limit, "swept");
    counts::keep(worker, io, place, &counted, limit).await?;
    places::see(worker, io, place, &[Observation::Swept(counted)], quotas.as_ref()).await
}

/// What was read stays. A refusal is an observation, and ends the sweep. What DRS cannot make sense of ends it too,
/// and the next tick asks again: when that goes on, the place is overdue. After other failures the claim stays with
/// this request, which is tried again.
async fn ended_early<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    reading: Option<&Reading>,
    error: IoError,
) -> Result<(), IoError> {
    let is_refusal = sweeps::is_refusal(&error);
    if is_refusal {
        io.evict(&place.account);
        // A person may have switched the account off since the registry was read: that is no refusal.
        worker.registry.forget();
        if !is_swept(worker, io, place).await? {
            return dismiss(worker, io, place).await;
        }
    }
    let partial = reading.map(|reading| reading.ended_by(&error));
    let known = worker.places.held(&keys::place(place));
    let known = known.as_ref().and_then(|stored| stored.row.partial.as_ref());
    let mut observations: Vec<_> =
        partial.filter(|partial| !partial.repeats(known)).map(Observation::Partly).into_iter().collect();
    if is_refusal {
        tracing::warn!(%place, %error, "the spoke refuses the sweep");
        observations.push(Observation::Denied { at: io.now(), reason: error.message });
        return places::see(worker, io, place, &observations, None).await;
    }
    places::see(worker, io, place, &observations, None).await?;
    if sweeps::is_vain(&error) {
        tracing::warn!(%place, %error, "the sweep ends; the next tick asks again");
        return Ok(());
    }
    Err(error)
}
