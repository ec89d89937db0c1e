//! That spokes spoke. Whatever worker an event is for, it shows that its account and Region are not silent, so each
//! worker notes it, at most once a minute and process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drs_fleet_domain::event::{Event, SCHEDULE_SOURCE};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::HeardRow;
use drs_fleet_domain::routing::WorkerName;
use jiff::Timestamp;

use crate::inbox::Received;
use crate::io::Io;
use crate::metrics::Metrics;
use crate::registry::RegistryCache;
use crate::store::Store;
use crate::verdict::IoError;

/// Which place the messages of a lane come from and when it last spoke, besides its heartbeats. A spoke's clock may run
/// ahead; it is not heard before it has spoken.
pub fn of(work: &[Received], now: Timestamp) -> Option<(Place, Timestamp)> {
    let of_spoke = |received: &&Received| {
        received.envelope.source != SCHEDULE_SOURCE && received.event != Event::Heartbeat
    };
    let newest = work.iter().filter(of_spoke).max_by_key(|received| received.envelope.time)?;
    Some((newest.place(), newest.envelope.time.min(now)))
}

/// The newest minute at which a place spoke, as this process noted it. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Minutes(Arc<Mutex<HashMap<Place, i64>>>);

impl Minutes {
    /// Takes it on the caller to note that a place spoke; false where that minute is noted, or is being noted.
    pub fn takes(&self, place: &Place, at: Timestamp) -> bool {
        let minute = at.as_second().div_euclid(60);
        let mut noted = self.noted();
        if noted.get(place).is_some_and(|known| minute <= *known) {
            return false;
        }
        noted.insert(place.clone(), minute);
        true
    }

    /// It could not be noted; the next event is.
    pub fn gives_back(&self, place: &Place) {
        self.noted().remove(place);
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<Place, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes for the capacity-tracker, which judges silence, whom another worker heard. Clones share caches.
#[derive(Clone, Debug)]
pub struct Listener {
    worker: &'static str,
    registry: RegistryCache,
    rows: Store<HeardRow>,
    minutes: Minutes,
}

impl Listener {
    /// For one worker.
    pub fn new(worker: &'static str, registry: RegistryCache, metrics: &Metrics) -> Self {
        Self { worker, registry, rows: Store::new(metrics.clone()), minutes: Minutes::default() }
    }

    /// Notes what was [spoken](of), if the place is registered.
    ///
    /// # Errors
    /// Of the table.
    pub async fn note<I: Io>(&self, io: &I, spoken: Option<(Place, Timestamp)>) -> Result<(), IoError> {
        let Some((place, at)) = &spoken else { return Ok(()) };
        let registry = self.registry.current(io).await?;
        if !registry.is_registered(&place.account, &place.region) || !self.minutes.takes(place, *at) {
            return Ok(());
        }
        let decide = |row: Option<&_>| HeardRow::noted(place, self.worker, *at, row);
        let noted = self.rows.change(io, &keys::heard(place, self.worker), decide).await;
        if noted.is_err() {
            self.minutes.gives_back(place);
        }
        noted.map(drop)
    }
}

/// When workers other than the capacity-tracker last heard a place.
///
/// # Errors
/// Of the table.
pub async fn by_others<I: Io>(io: &I, place: &Place) -> Result<Option<Timestamp>, IoError> {
    let keys = OTHERS.map(|worker| keys::heard(place, worker.as_str()));
    let rows = io.read::<HeardRow>(&keys).await?;
    Ok(rows.into_iter().flatten().map(|stored| stored.row.at).max())
}

/// Who gets events of spokes, besides the capacity-tracker.
const OTHERS: [WorkerName; 2] = [WorkerName::Jobs, WorkerName::Tags];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_noted_once_a_minute_unless_that_failed() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let minutes = Minutes::default();
        assert!(minutes.takes(&place, at(61)) && !minutes.takes(&place, at(119)));
        assert!(minutes.takes(&place, at(120)) && !minutes.takes(&place, at(61)));
        minutes.gives_back(&place);
        assert!(minutes.takes(&place, at(120)));
    }
}
