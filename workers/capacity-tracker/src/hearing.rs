//! What this process hears: whether messages reach it in time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// A message that is older at its first delivery than others lately were, by more than this, comes late.
const LATE: Duration = Duration::from_mins(2);

/// For this long before it judges, a process must have worked, have received something, and nothing late: the hub's
/// schedule alone sends something every five minutes.
const LATELY: Duration = Duration::from_mins(6);

/// Clocks of queue and process may be so far apart.
const CLOCKS: Duration = Duration::from_mins(10);

/// The ears of a process. Clones are the same ears.
///
/// **Who may judge silence.** That nothing was heard of a place means something only where it would have been heard. A
/// process that has just started, whose queue is cut off, or that works through a backlog has not heard what others
/// said meanwhile, and would report a hundred silent spokes where its own hub is at fault. So a process judges only if
/// for the last six minutes it has worked, has received something, and no message was late. How late a message is, it
/// measures against the freshest of the last ten to twenty minutes, for the clocks of queue and process may differ.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hearing(Arc<Mutex<Ears>>);

#[derive(Debug, Default)]
struct Ears {
    /// When it first had something to do with messages.
    since: Option<Timestamp>,
    /// When a message was last received in time.
    in_time_at: Option<Timestamp>,
    /// When a message was last received late.
    late_at: Option<Timestamp>,
    freshest: Freshest,
}

/// The least age at receipt, in seconds, of two periods of [`CLOCKS`]; negative where the queue's clock is ahead.
#[derive(Debug, Default)]
struct Freshest {
    period: i64,
    now: Option<i64>,
    before: Option<i64>,
}

impl Freshest {
    /// Takes an age in, and says how much older that is than what is fresh.
    fn excess(&mut self, age: i64, now: Timestamp) -> i64 {
        let period = now.as_second().div_euclid(seconds(CLOCKS));
        if period != self.period {
            self.before = self.now.filter(|_| period == self.period + 1);
            (self.now, self.period) = (None, period);
        }
        self.now = Some(self.now.map_or(age, |known| known.min(age)));
        let fresh = self.now.into_iter().chain(self.before).min().unwrap_or(age);
        age - fresh.min(seconds(CLOCKS))
    }
}

impl Hearing {
    /// Messages that were sent at these times were delivered for the first time.
    pub(crate) fn received(&self, sent: impl Iterator<Item = Timestamp>, now: Timestamp) {
        let mut ears = self.ears();
        ears.since.get_or_insert(now);
        for sent in sent {
            let age = now.as_second().saturating_sub(sent.as_second());
            let is_late = ears.freshest.excess(age, now) >= seconds(LATE);
            let noted = if is_late { &mut ears.late_at } else { &mut ears.in_time_at };
            *noted = Some(now);
        }
    }

    /// Whether this process may judge silence.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        let mut ears = self.ears();
        let since = *ears.since.get_or_insert(now);
        let lately = |at: Option<Timestamp>| at.is_some_and(|at| within(at, LATELY, now));
        !within(since, LATELY, now) && lately(ears.in_time_at) && !lately(ears.late_at)
    }

    fn ears(&self) -> MutexGuard<'_, Ears> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn within(then: Timestamp, time: Duration, now: Timestamp) -> bool {
    then.checked_add(time).is_ok_and(|end| now < end)
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn received(hearing: &Hearing, sent: i64, now: i64) {
        hearing.received(std::iter::once(at(sent)), at(now));
    }

    #[test]
    fn only_who_has_worked_a_while_and_got_something_lately_judges_silence() {
        let hearing = Hearing::default();
        assert!(!hearing.is_good(at(1000)), "it has just started");
        received(&hearing, 1100, 1101);
        assert!(!hearing.is_good(at(1359)) && hearing.is_good(at(1360)));
        assert!(hearing.is_good(at(1460)) && !hearing.is_good(at(1461)), "nothing comes any more");
    }

    #[test]
    fn who_works_through_a_backlog_does_not_judge_though_fresh_messages_come_between() {
        let hearing = Hearing::default();
        assert!(!hearing.is_good(at(10_000)));
        for second in (10_000..10_600).step_by(10) {
            received(&hearing, second - 3600, second);
            received(&hearing, second, second);
            assert!(!hearing.is_good(at(second)));
        }
        received(&hearing, 10_900, 10_900);
        assert!(!hearing.is_good(at(10_949)) && hearing.is_good(at(10_950)));
    }

    #[test]
    fn clocks_ten_minutes_apart_make_nobody_deaf_and_hide_no_backlog() {
        for skew in [-600, 600] {
            let hearing = Hearing::default();
            for second in (10_000..13_000).step_by(300) {
                received(&hearing, second - skew, second);
            }
            assert!(hearing.is_good(at(12_999)), "{skew}");
            received(&hearing, 13_000 - skew - 180, 13_000);
            assert!(!hearing.is_good(at(13_000)), "{skew}");
        }
        let hearing = Hearing::default();
        assert!(!hearing.is_good(at(10_000)));
        received(&hearing, 10_000, 13_600);
        assert!(!hearing.is_good(at(13_600)), "all there is lies an hour back");
    }
}
