//! Wishes for sweeps that this process made or found, so that of a crowd of late events the first wishes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drs_fleet_domain::keys::Place;
use drs_fleet_domain::place::PlaceRow;
use jiff::Timestamp;

/// Until when a place need not be wished for again. What the cache has of a place's row does not say that: it may be older
/// than a sweep that took the wish, and a wish that was far when it was read is nobody's to rely on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes(Arc<Mutex<HashMap<Place, Timestamp>>>);

impl Wishes {
    /// Whether this process may rely on the wish that it saw last.
    pub(crate) fn hold(&self, place: &Place, now: Timestamp) -> bool {
        self.until().get(place).is_some_and(|until| now < *until)
    }

    /// This process has just wished, and the place's row is so now.
    pub(crate) fn note(&self, place: &Place, row: Option<&PlaceRow>, now: Timestamp) {
        let mut wishes = self.until();
        wishes.retain(|of, until| of != place && now < *until);
        wishes.extend(row.and_then(PlaceRow::relied_on_until).map(|until| (place.clone(), until)));
    }

    fn until(&self) -> MutexGuard<'_, HashMap<Place, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
