//! Messages: what each is for.

use std::time::Duration;

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::Asked;
use drs_fleet_domain::server;
use jiff::Timestamp;

use crate::{CapacityTracker, places, sweep};

/// An event this old may have been overtaken by a sweep.
const LATE: Duration = Duration::from_mins(1);

/// Handles what waits in one lane: one server's events, or one place's.
pub(crate) async fn handle<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    work: Vec<Received>,
) -> Result<(), IoError> {
    worker.hearing.received(work.iter().map(|received| received.sent_at), io.now());
    let spoken = places::spoken(&work, io.now());
    act(worker, io, work).await?;
    match spoken {
        Some((place, at)) => places::spoke(worker, io, &place, at).await,
        None => Ok(()),
    }
}

async fn act<I: Io>(worker: &CapacityTracker, io: &I, work: Vec<Received>) -> Result<(), IoError> {
    let admitted = worker.inbox.admit(io, work).await?;
    let Some(first) = admitted.first() else { return Ok(()) };
    let place = first.place();
    match &first.event {
        Event::StalledChange { server, .. } => stalls(worker, io, (&place, server), &admitted).await,
        Event::SweepTick => tick(worker, io, &admitted).await,
        Event::SweepPlace { .. } => {
            let asked: Vec<_> = admitted.iter().filter_map(asked).collect();
            sweep::sweep(worker, io, &place, &asked).await
        }
        _ => places::observe(worker, io, &place, &admitted).await,
    }
}

fn asked(received: &Received) -> Option<Asked> {
    match received.event {
        Event::SweepPlace { scheduled } => Some(Asked { at: received.sent_at, scheduled }),
        _ => None,
    }
}

/// However many ticks have piled up, each place is asked for once.
async fn tick<I: Io>(worker: &CapacityTracker, io: &I, ticks: &[Received]) -> Result<(), IoError> {
    if ticks.iter().all(|tick| sweeps::is_overtaken(tick.sent_at, io.now())) {
        return Ok(());
    }
    let registry = worker.registry.current(io).await?;
    places::know(worker, io, registry.places()).await?;
    sweeps::ask_on_schedule(io, &registry.drs_places()).await
}

async fn stalls<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    (place, id): (&Place, &SourceServerId),
    work: &[Received],
) -> Result<(), IoError> {
    let registry = worker.registry.current(io).await?;
    let oldest = work.iter().map(|received| received.envelope.time).min().unwrap_or_default();
    let policy = worker.policy.current(io).await?;
    let context = server::Context {
        account_name: registry.account_name(&place.account),
        swept_at: swept_at(worker, io, place, oldest).await?,
        policy: &policy,
        now: io.now(),
    };
    let observations: Vec<_> = work.iter().filter_map(stalled).collect();
    let key = keys::server(place, id);
    worker.servers.change(io, &key, |row| server::decide((place, id), &observations, row, &context)).await?;
    Ok(())
}

fn stalled(received: &Received) -> Option<server::Observation> {
    match received.event {
        Event::StalledChange { stalled, .. } => {
            Some(server::Observation::Stalled { stalled, at: received.envelope.time })
        }
        _ => None,
    }
}

/// When the place was last swept. What this process knows of it will do for an event that is not late; a late one
/// may be older than a sweep that another instance made since.
async fn swept_at<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    oldest: Timestamp,
) -> Result<Option<Timestamp>, IoError> {
    let key = keys::place(place);
    let known = worker.places.known(io, &key).await?.and_then(|stored| stored.row.swept_at());
    let is_late = oldest.checked_add(LATE).is_ok_and(|end| end < io.now());
    if !is_late || known.is_some_and(|swept| swept > oldest) {
        return Ok(known);
    }
    Ok(worker.places.fresh(io, &key).await?.and_then(|stored| stored.row.swept_at()))
}
