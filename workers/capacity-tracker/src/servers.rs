//! Source servers as events, sweeps and timers tell of them.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::patience::persistently;
use drs_fleet_aws::store::Outcome;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::planted::{Bug, is_planted};
use drs_fleet_domain::row::Row;
use drs_fleet_domain::server::{self, Context, Observation, ServerDetailsRow, ServerRow};
use drs_fleet_domain::sweep::{TICK, after};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::sweep::WRITES;
use crate::{CapacityTracker, places};

/// An event this old may have been overtaken by a sweep of another instance.
const LATE: Duration = Duration::from_secs(10);

/// What a place's row says of sweeps is read afresh this often at most.
pub(crate) const READ_AGAIN: Duration = Duration::from_secs(10);

/// For so long a wish for a sweep of what was just believed is tried again: who gives it up finds nothing to believe later.
const WISHED_FOR: Duration = Duration::from_secs(30);

/// Handles the events of one server.
pub(crate) async fn observe<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    (place, id): (&Place, &SourceServerId),
    work: &[Received],
) -> Result<(), IoError> {
    let work = if is_planted(Bug::OnlyTheLastOfALane) { &work[work.len().saturating_sub(1)..] } else { work };
    let observations: Vec<_> = work.iter().filter_map(observation).collect();
    told(worker, io, (place, id), &observations).await?;
    let now = io.now();
    let is_young = |at: &Timestamp| at.checked_add(TICK).is_ok_and(|end| now < end);
    let is_news = |o: &Observation| matches!(o, Observation::Stalled { at, .. } if is_young(at));
    if observations.iter().any(is_news) { places::look_sooner(worker, io, place).await } else { Ok(()) }
}

fn observation(received: &Received) -> Option<Observation> {
    let at = received.envelope.time;
    match received.event {
        Event::StalledChange { stalled, .. } => Some(Observation::Stalled { stalled, at }),
        Event::SnapshotTaken { .. } => Some(Observation::Snapshot { at }),
        _ => None,
    }
}

/// Notes what API calls tell of the servers that they name.
pub(crate) async fn called<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    work: &[Received],
) -> Result<(), IoError> {
    let mut by_server = BTreeMap::<_, Vec<_>>::new();
    for received in work {
        if let Event::ApiCall(call) = &received.event
            && let Some(observation) = Observation::called(call, received.envelope.time)
        {
            call.servers.iter().for_each(|id| by_server.entry(id).or_default().push(observation.clone()));
        }
    }
    for (id, observations) in by_server {
        told(worker, io, (place, id), &observations).await?;
    }
    Ok(())
}

/// Applies what events told of a server.
async fn told<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    (place, id): (&Place, &SourceServerId),
    observations: &[Observation],
) -> Result<(), IoError> {
    if observations.is_empty() {
        return Ok(());
    }
    let (registry, policy) = (worker.registry.current(io).await?, worker.policy.current(io).await?);
    let now = io.now();
    let is_late = |at: &Timestamp| at.checked_add(LATE).is_ok_and(|end| end < now);
    // A sweep that overtook the newest of them overtook the older ones.
    let needed = observations.iter().map(Observation::time).filter(is_late).max();
    let (swept_at, is_sure) = swept_at(worker, io, place, needed).await?;
    let context = Context {
        swept_at,
        hears: worker.hearing.is_good(now),
        registry: Some(registry.as_ref()),
        ..Context::new(registry.account_name(&place.account), &policy, now)
    };
    let key = keys::server(place, id);
    let decide = |row: Option<&ServerRow>| server::decide((place, id), observations, row, &context);
    if is_sure {
        return worker.servers.change(io, &key, decide).await.map(drop);
    }
    // The next sweep puts right what is believed wrongly. It is wished for before, so that whoever dies in between has
    // wished, for when this comes once more there is nothing to believe any more; and after, also where the answer to the
    // write was lost, for a sweep that served the wish in between may have found nothing to write. (The schedule's next
    // sweep puts it right where whoever writes after that sweep then dies, or cannot reach the table for so long.)
    let known = worker.servers.known(io, &key).await?;
    let believes = decide(known.as_deref().map(|stored| &stored.row)).is_some();
    if believes {
        places::look_again(worker, io, place).await?;
    }
    let outcome = worker.servers.change(io, &key, decide).await;
    if believes || outcome.as_ref().map_or(true, Outcome::changed) {
        let until = after(io.now(), WISHED_FOR);
        persistently(io, until, &key, || places::look_again(worker, io, place)).await?;
    }
    outcome.map(drop)
}

/// Applies what a sweep saw of a server, and answers its row. Its details come first: the row tells which there are,
/// so a crash in between repeats them.
pub(crate) async fn see<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    (place, id): (&Place, &SourceServerId),
    observation: Observation,
    context: &Context<'_>,
) -> Result<Option<ServerRow>, IoError> {
    let key = keys::server(place, id);
    let known = worker.servers.held(&key);
    keep_details(worker, io, (place, id), &observation, known.as_ref().map(|s| &s.row), context).await?;
    let observations = [observation];
    let decide = |row: Option<&ServerRow>| server::decide((place, id), &observations, row, context);
    Ok(worker.servers.change(io, &key, decide).await?.row().cloned())
}

async fn keep_details<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    (place, id): (&Place, &SourceServerId),
    observation: &Observation,
    known: Option<&ServerRow>,
    context: &Context<'_>,
) -> Result<(), IoError> {
    let key = keys::server_details(place, id);
    match observation {
        Observation::Seen { seen, at } if known.is_none_or(|row| row.lacks_details(seen)) => {
            let details = ServerDetailsRow::told(place, seen, *at);
            worker.details.change(io, &key, |stored| details.instead_of(stored)).await?;
        }
        Observation::Gone { at } if known.is_none_or(|row| row.unlisted_since.is_none()) => {
            worker.details.change(io, &key, |stored| stored?.gone(*at, context.policy)).await?;
        }
        _ => {}
    }
    worker.details.release(&key);
    Ok(())
}

/// The timer of a server rings. Where this process does not hear well, a sweep must have looked since the time came.
pub(crate) async fn wake<I: Io>(worker: &CapacityTracker, io: &I, key: &Key) -> Result<(), IoError> {
    let Some(known) = worker.servers.known(io, key).await? else { return Ok(()) };
    // An account may be newer than the registry we hold.
    if !worker.registry.current(io).await?.is_swept(&known.row.place) {
        worker.registry.forget();
    }
    let (registry, policy) = (worker.registry.current(io).await?, worker.policy.current(io).await?);
    let now = io.now();
    let hears = worker.hearing.is_good(now);
    let (swept_at, _) = swept_at(worker, io, &known.row.place, (!hears).then_some(now)).await?;
    let wake = |row: &ServerRow| {
        let known = Context::new(registry.account_name(&row.place.account), &policy, now);
        let context = Context { swept_at, hears, registry: Some(registry.as_ref()), ..known };
        server::decide((&row.place, &row.id), &[], Some(row), &context)
    };
    worker.servers.wake(io, key, wake).await.map(|_| ())
}

/// Brings the servers of a place that is not watched any more in line with that: what is open on them is over, and
/// those of an account that was removed are forgotten in the end.
pub(crate) async fn dismiss<I: Io>(worker: &CapacityTracker, io: &I, place: &Place) -> Result<(), IoError> {
    let (registry, policy) = (worker.registry.current(io).await?, worker.policy.current(io).await?);
    let known = Context::new(registry.account_name(&place.account), &policy, io.now());
    let context = &Context { registry: Some(registry.as_ref()), ..known };
    let stored = io.query::<ServerRow>(&keys::servers(place)).await?;
    stream::iter(stored.into_iter().filter(|stored| stored.row.is_to_be_dismissed()))
        .map(|stored| async move {
            let key = stored.row.key();
            // First, so that a crash in between repeats it.
            if context.is_removed(place) {
                dismiss_details(worker, io, &stored.row, context).await?;
            }
            worker.servers.remember([stored]);
            let decide = |row: Option<&ServerRow>| server::decide((place, &row?.id), &[], row, context);
            worker.servers.change(io, &key, decide).await.map(|_| ())
        })
        .buffer_unordered(WRITES)
        .try_collect()
        .await
}

async fn dismiss_details<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    row: &ServerRow,
    context: &Context<'_>,
) -> Result<(), IoError> {
    let key = keys::server_details(&row.place, &row.id);
    worker.details.change(io, &key, |stored| stored?.dismissed(context.now, context.policy)).await?;
    worker.details.release(&key);
    Ok(())
}

/// When the place was last swept. What this process knows of it will do, unless it must know of a sweep made since
/// `needed`, which may have been another instance's; then it reads afresh, at most once per place and
/// [`READ_AGAIN`], for what is late comes in crowds. Answers as well whether that is sure: it is not where no sweep is known
/// to have overtaken what is late, for one may begin and end before that is written, find nothing to write, and leave no
/// trace in the row. A place's first sweep is made again anyway.
async fn swept_at<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    needed: Option<Timestamp>,
) -> Result<(Option<Timestamp>, bool), IoError> {
    let key = keys::place(place);
    let known = worker.places.known(io, &key).await?.and_then(|stored| stored.row.swept_at());
    let will_do =
        |known: Option<Timestamp>| needed.is_none_or(|needed| known.is_some_and(|swept| swept > needed));
    if will_do(known) || !worker.reads.takes(place, io.now()) {
        // Who never saw a sweep of the place misses its first one at most, which is made again.
        return Ok((known, known.is_none() || will_do(known)));
    }
    let read = worker.places.fresh(io, &key).await;
    if read.is_err() {
        worker.reads.gives_back(place);
    }
    let Some(stored) = read? else { return Ok((None, true)) };
    let swept_at = stored.row.swept_at();
    let is_unswept = swept_at.is_none() && stored.row.sweeping.is_none();
    Ok((swept_at, is_unswept || will_do(swept_at)))
}
