//! What this process hears: whether messages reach it in time, and whom it has heard lately.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drs_fleet_domain::keys::Place;
use jiff::Timestamp;

/// A message this old at its receipt was not received in time.
const IN_TIME: Duration = Duration::from_mins(2);

/// Within this time something must have come; the hub's schedule alone sends something every five minutes.
const LATELY: Duration = Duration::from_mins(6);

/// The ears of a process. Clones are the same ears.
///
/// **Who may judge silence.** That nothing was heard of a place means something only where it would have been heard. A
/// process that has just started, whose queue is cut off, or that works through a backlog has not heard what others
/// said meanwhile, and would report a hundred silent spokes where its own hub is at fault. So a process judges only if
/// it has, within the last six minutes, received a message that was less than two minutes old. The schedule's ticks
/// and the requests for sweeps count, so that a fleet in which every spoke is silent is judged too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hearing(Arc<Mutex<Ears>>);

#[derive(Debug, Default)]
struct Ears {
    /// When a message was last received in time.
    in_time_at: Option<Timestamp>,
    /// By place, the newest minute at which one of its events was noted.
    noted: HashMap<Place, i64>,
}

impl Hearing {
    /// Messages that were sent at these times are being handled.
    pub(crate) fn received(&self, sent: impl Iterator<Item = Timestamp>, now: Timestamp) {
        if sent.max().is_some_and(|newest| within(newest, IN_TIME, now)) {
            self.ears().in_time_at = Some(now);
        }
    }

    /// Whether this process may judge silence.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        self.ears().in_time_at.is_some_and(|at| within(at, LATELY, now))
    }

    /// Takes it on the caller to note that a place spoke; false where that minute is noted, or is being noted.
    pub(crate) fn takes(&self, place: &Place, at: Timestamp) -> bool {
        let minute = minute_of(at);
        let mut ears = self.ears();
        match ears.noted.get_mut(place) {
            Some(noted) if minute <= *noted => return false,
            Some(noted) => *noted = minute,
            None => {
                ears.noted.insert(place.clone(), minute);
            }
        }
        true
    }

    /// It could not be noted; the next event is.
    pub(crate) fn gives_back(&self, place: &Place) {
        self.ears().noted.remove(place);
    }

    fn ears(&self) -> MutexGuard<'_, Ears> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn within(then: Timestamp, time: Duration, now: Timestamp) -> bool {
    then.checked_add(time).is_ok_and(|end| now < end)
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn only_who_lately_got_a_message_in_time_judges_silence() {
        let hearing = Hearing::default();
        assert!(!hearing.is_good(at(0)), "it has just started");
        hearing.received([at(0), at(100)].into_iter(), at(220));
        assert!(!hearing.is_good(at(220)), "it works through a backlog");
        hearing.received([at(0), at(101)].into_iter(), at(220));
        assert!(hearing.is_good(at(220)) && hearing.is_good(at(579)));
        assert!(!hearing.is_good(at(580)), "nothing comes any more");
    }

    #[test]
    fn a_place_is_noted_once_a_minute_unless_that_failed() {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let hearing = Hearing::default();
        assert!(hearing.takes(&place, at(61)) && !hearing.takes(&place, at(119)));
        assert!(hearing.takes(&place, at(120)) && !hearing.takes(&place, at(61)));
        hearing.gives_back(&place);
        assert!(hearing.takes(&place, at(120)));
    }
}
