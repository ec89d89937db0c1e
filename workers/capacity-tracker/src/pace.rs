//! What this process does at most so often for each place, however many events ask for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drs_fleet_domain::keys::Place;
use jiff::Timestamp;

/// When it was last done, by place. Clones are the same pace.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    every: Duration,
    done: Arc<Mutex<HashMap<Place, Timestamp>>>,
}

impl Pace {
    /// At most once in this time.
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, done: Arc::default() }
    }

    /// Takes it on the caller to do it; false where it was done, or is being done, so lately.
    pub(crate) fn takes(&self, place: &Place, now: Timestamp) -> bool {
        let mut done = self.done();
        let waits = |at: &Timestamp| *at <= now && at.checked_add(self.every).is_ok_and(|end| now < end);
        if done.get(place).is_some_and(waits) {
            return false;
        }
        done.insert(place.clone(), now);
        true
    }

    /// It could not be done; the next one who asks does it.
    pub(crate) fn gives_back(&self, place: &Place) {
        self.done().remove(place);
    }

    fn done(&self) -> MutexGuard<'_, HashMap<Place, Timestamp>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn place(region: &str) -> Place {
        Place { account: "111122223333".parse().unwrap(), region: region.parse().unwrap() }
    }

    #[test]
    fn it_is_done_once_per_place_and_time_unless_that_failed() {
        let pace = Pace::new(Duration::from_secs(10));
        let (here, there) = (place("us-west-2"), place("us-east-1"));
        assert!(pace.takes(&here, at(0)) && !pace.takes(&here, at(9)) && pace.takes(&there, at(9)));
        assert!(pace.takes(&here, at(10)) && !pace.takes(&here, at(19)));
        pace.gives_back(&here);
        assert!(pace.takes(&here, at(19)));
    }
}
