//! Events of the spokes: load, decide, apply.

use std::time::Duration;

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::place;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::server;
use drs_fleet_domain::unhandled::Reason;
use jiff::Timestamp;

use crate::{CapacityTracker, sweep};

/// An event this old may have been overtaken by a sweep.
const LATE: Duration = Duration::from_mins(1);

/// Handles what waits in one lane: one server's events, or one place's.
pub(crate) async fn handle<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    work: Vec<Received>,
) -> Result<(), IoError> {
    let admitted = worker.inbox.admit(io, work).await?;
    let Some(first) = admitted.first() else { return Ok(()) };
    let place = first.place();
    match &first.event {
        Event::StalledChange { server, .. } => stalls(worker, io, (&place, server), &admitted).await,
        Event::SweepTick => tick(worker, io, &admitted).await,
        Event::SweepPlace => {
            let asked: Vec<_> = admitted.iter().map(|received| received.sent_at).collect();
            sweep::sweep(worker, io, &place, &asked).await
        }
        _ => observe(worker, io, &place, &admitted).await,
    }
}

/// However many ticks have piled up, each place is asked for once.
async fn tick<I: Io>(worker: &CapacityTracker, io: &I, ticks: &[Received]) -> Result<(), IoError> {
    if ticks.iter().all(|tick| sweeps::is_overtaken(tick.sent_at, io.now())) {
        return Ok(());
    }
    sweeps::ask(io, &worker.registry.current(io).await?.drs_places()).await
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

/// Heartbeats, and what changes servers without saying how.
async fn observe<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    work: &[Received],
) -> Result<(), IoError> {
    let mut observations = Vec::new();
    for received in work {
        match &received.event {
            Event::Heartbeat => observations.push(place::Observation::Heard { at: received.envelope.time }),
            Event::ApiCall(call) if call.error.is_none() => {
                observations.push(place::Observation::LookSooner { at: io.now() });
            }
            // A refused call changed nothing, and a snapshot changes nothing that is kept.
            Event::ApiCall(_) | Event::SnapshotTaken { .. } => {}
            _ => worker.inbox.set_aside(io, Reason::NotActedOn, received).await?,
        }
    }
    if observations.is_empty() {
        return Ok(());
    }
    let registry = worker.registry.current(io).await?;
    let name = registry.account_name(&place.account);
    let key = keys::place(place);
    let decide = |row: Option<&PlaceRow>| place::decide(place, &observations, row, name);
    if observations.iter().any(|o| matches!(o, place::Observation::LookSooner { .. })) {
        // The wish that this process remembers may have been served by another since.
        worker.places.change_now(io, &key, decide).await?;
    } else {
        worker.places.change(io, &key, decide).await?;
    }
    Ok(())
}

/// An event asked for a sweep and its time has come: whoever moves the wish puts the sweep on the queue.
pub(crate) async fn wake_place<I: Io>(worker: &CapacityTracker, io: &I, key: &Key) -> Result<(), IoError> {
    let (called, now) = (worker.registry.current(io).await?.drs_places(), io.now());
    let mut asking = None;
    let outcome = worker
        .places
        .wake(io, key, |row| {
            asking = called.contains(&row.place).then(|| row.place.clone());
            if asking.is_some() { place::asking(row, now) } else { place::not_asking(row) }
        })
        .await?;
    match asking.filter(|_| outcome.changed()) {
        Some(place) => sweeps::ask(io, &[place]).await,
        None => Ok(()),
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
