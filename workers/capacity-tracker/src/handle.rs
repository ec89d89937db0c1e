//! Messages: what each is for.

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::spoken;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::place::Asked;

use crate::{CapacityTracker, places, servers, sweep};

/// Handles what waits in one lane: one server's events, or one place's.
pub(crate) async fn handle<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    work: Vec<Received>,
) -> Result<(), IoError> {
    let spoken = spoken::of(&work, io.now());
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
        Event::StalledChange { server, .. } | Event::SnapshotTaken { server, .. } => {
            servers::observe(worker, io, (&place, server), &admitted).await
        }
        Event::SweepTick => tick(worker, io, &admitted).await,
        Event::SweepPlace { .. } => {
            let asked: Vec<_> = admitted.iter().filter_map(asked).collect();
            sweep::sweep(worker, io, &place, &asked).await
        }
        _ => {
            servers::called(worker, io, &place, &admitted).await?;
            places::observe(worker, io, &place, &admitted).await
        }
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
