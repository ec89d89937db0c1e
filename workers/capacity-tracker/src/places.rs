//! Places as events and timers tell of them: heard, to be swept sooner, silent.

use std::time::Duration;

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::{Io, READ_AT_ONCE};
use drs_fleet_aws::spoken;
use drs_fleet_aws::store::Outcome;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::place::{self, Context, Observation, PlaceRow, Waking};
use drs_fleet_domain::quota::QuotasRow;
use drs_fleet_domain::sweep::after;
use drs_fleet_domain::unhandled::Reason;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::sweep::WRITES;
use crate::{CapacityTracker, servers};

/// Heartbeats, and what changes servers without saying how.
pub(crate) async fn observe<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    work: &[Received],
) -> Result<(), IoError> {
    let mut observations = Vec::new();
    for received in work {
        match &received.event {
            Event::Heartbeat => observations.push(Observation::Heard { at: received.envelope.time }),
            Event::ApiCall(call) if call.error.is_none() => {
                observations.push(Observation::LookSooner { at: io.now() });
            }
            // A refused call changed nothing.
            Event::ApiCall(_) => {}
            _ => worker.inbox.set_aside(io, Reason::NotActedOn, received).await?,
        }
    }
    see(worker, io, place, &observations, None).await
}

/// An event of a stall tells neither its cause nor the state after it, so the place is swept soon, if nobody wished for
/// that yet. Of a crowd the first has it swept at once, and the next one in a minute, after all that come meanwhile: a sweep
/// that was under way may have overtaken any of them. The schedule sweeps what an older event told.
pub(crate) async fn look_sooner<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
) -> Result<(), IoError> {
    let now = io.now();
    if is_wished(worker, io, place) {
        return Ok(());
    }
    let (pace, at) = if worker.wishes.takes(place, now) {
        (&worker.wishes, now)
    } else if worker.later_wishes.takes(place, now) {
        (&worker.later_wishes, after(now, WISH_AGAIN))
    } else {
        return Ok(());
    };
    let wished = wish(worker, io, place, Observation::LookSooner { at }).await;
    if wished.is_err() {
        pace.gives_back(place);
    }
    wished.map(drop)
}

/// Nobody wishes for a place that is not swept.
async fn wish<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    wished: Observation,
) -> Result<Option<Outcome<PlaceRow>>, IoError> {
    if !worker.registry.current(io).await?.is_swept(place) {
        return Ok(None);
    }
    seen(worker, io, place, &[wished], None).await.map(Some)
}

/// Has a place swept soon, by a sweep that is still to begin. Of a crowd the first wishes: a wish that was made, or found,
/// soon before its time is not brought forward by more than clocks are apart, and no sweep that begins before takes it away; and
/// who comes in that last second wishes for the sweep after it.
pub(crate) async fn look_again<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
) -> Result<(), IoError> {
    let now = io.now();
    if !worker.wished.hold(place, now) {
        let wished = wish(worker, io, place, Observation::LookAgain { at: now }).await?;
        worker.wished.note(place, wished.as_ref().and_then(Outcome::row), now);
    }
    Ok(())
}

fn is_wished<I: Io>(worker: &CapacityTracker, io: &I, place: &Place) -> bool {
    let known = worker.places.held(&keys::place(place));
    known.is_some_and(|stored| stored.row.look_at.is_some_and(|at| at > io.now()))
}

/// A crowd of stalls in one place asks for a sweep of it this often at most.
pub(crate) const WISH_AGAIN: Duration = Duration::from_mins(1);

/// Applies observations of a place; `quotas` where something was counted.
pub(crate) async fn see<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    observations: &[Observation],
    quotas: Option<&QuotasRow>,
) -> Result<(), IoError> {
    if observations.is_empty() {
        Ok(())
    } else {
        seen(worker, io, place, observations, quotas).await.map(drop)
    }
}

async fn seen<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    observations: &[Observation],
    quotas: Option<&QuotasRow>,
) -> Result<Outcome<PlaceRow>, IoError> {
    let (registry, policy) = (worker.registry.current(io).await?, worker.policy.current(io).await?);
    let limits = policy.of_account(&place.account);
    let name = registry.account_name(&place.account);
    let key = keys::place(place);
    let decide = |row: Option<&PlaceRow>| {
        let context = Context::new(name, io.now()).with(limits.clone(), quotas);
        place::decide(place, observations, row, &context)
    };
    let is_wish =
        |o: &Observation| matches!(o, Observation::LookSooner { .. } | Observation::LookAgain { .. });
    if observations.iter().any(is_wish) {
        // The wish that this process remembers may have been served by another since.
        worker.places.change_now(io, &key, decide).await
    } else {
        worker.places.change(io, &key, decide).await
    }
}

/// Notes that a registered place spoke, at most once a minute.
pub(crate) async fn spoke<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    at: Timestamp,
) -> Result<(), IoError> {
    let registry = worker.registry.current(io).await?;
    if !registry.is_registered(&place.account, &place.region) || !worker.spoke.takes(place, at) {
        return Ok(());
    }
    let noted = see(worker, io, place, &[Observation::Spoke { at }], None).await;
    if noted.is_err() {
        worker.spoke.gives_back(place);
    }
    noted
}

/// Makes sure that there is a row of each place that should be heard, so that those are missed that never spoke.
pub(crate) async fn know<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    active: impl Iterator<Item = Place>,
) -> Result<(), IoError> {
    let is_known =
        |place: &Place| worker.places.held(&keys::place(place)).is_some_and(|s| s.row.known_since.is_some());
    let doubtful: Vec<Place> = active.filter(|place| !is_known(place)).collect();
    for batch in doubtful.chunks(READ_AT_ONCE) {
        let keys: Vec<Key> = batch.iter().map(keys::place).collect();
        worker.places.remember(io.read::<PlaceRow>(&keys).await?.into_iter().flatten());
    }
    let at = io.now();
    stream::iter(doubtful.into_iter().filter(|place| !is_known(place)))
        .map(|place| async move { see(worker, io, &place, &[Observation::Known { at }], None).await })
        .buffer_unordered(WRITES)
        .try_collect()
        .await
}

/// The timer of a place rings. Where a sweep is asked for, whoever moves the wish puts the request on the queue.
pub(crate) async fn wake<I: Io>(worker: &CapacityTracker, io: &I, key: &Key) -> Result<(), IoError> {
    let Some(stored) = worker.places.known(io, key).await? else { return Ok(()) };
    let place = &stored.row.place;
    // An account may be newer than the registry we hold.
    if !worker.registry.current(io).await?.is_active(place) {
        worker.registry.forget();
    }
    let (registry, policy) = (worker.registry.current(io).await?, worker.policy.current(io).await?);
    let now = io.now();
    let waking = Waking {
        is_active: registry.is_active(place),
        is_swept: registry.is_swept(place),
        hears: worker.hearing.is_good(now),
        heard_by_others: spoken::by_others(io, place).await?,
    };
    if !waking.is_active {
        // First, so that a crash in between repeats it.
        servers::dismiss(worker, io, place).await?;
    }
    let name = registry.account_name(&place.account);
    let context = Context::new(name, now).with(policy.of_account(&place.account), None);
    let mut asking = false;
    let outcome = worker
        .places
        .wake(io, key, |row| {
            asking = waking.is_swept && row.look_at.is_some_and(|at| at <= now);
            place::wake(row, &context, waking)
        })
        .await?;
    if asking && outcome.changed() { sweeps::ask(io, std::slice::from_ref(place)).await } else { Ok(()) }
}
