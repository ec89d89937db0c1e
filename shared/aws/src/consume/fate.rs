//! What becomes of a lane's messages when handling them failed: the one place where a verdict becomes an act.

use std::time::Duration;

use jiff::Timestamp;

use super::lanes::Trouble;
use crate::backoff::Delays;
use crate::time::until;
use crate::verdict::{IoError, LONGEST_WISH, Neighbour, Verdict};

/// Between attempts from memory. Short, for what waits takes room, and after an outage the full rate should be
/// back within seconds; a service that wants more says so with `retry_after`.
const FROM_MEMORY: Delays = Delays { first: Duration::from_millis(50), longest: Duration::from_secs(5) };

/// The same for the table, which answers soonest of all, and throttles for moments.
const FOR_THE_TABLE: Delays = Delays { first: Duration::from_millis(25), ..FROM_MEMORY };

/// Between deliveries, by the receive count, so that it survives a restart.
const BETWEEN_DELIVERIES: Delays =
    Delays { first: Duration::from_secs(10), longest: Duration::from_mins(15) };

/// Between deliveries to a spoke that is away or throttles, by the receive count: the first is soon, and they grow
/// fourfold. It is no fault of the message, so the ten receives that the queue allows must outlast the spoke's
/// trouble: from the first to the last of them half a day passes at least.
const UNTIL_BACK: Delays = Delays { first: Duration::from_secs(10), longest: Duration::from_hours(6) };

/// A person has to act first: at least five minutes, at most fifteen.
const UNTIL_ALLOWED: Duration = Duration::from_mins(5);

/// So long a lane waits in memory for a neighbour; longer than this, the messages wait in the queue instead.
const PATIENCE: Duration = Duration::from_mins(2);

/// A lost race is run again at once so often.
const RACES: u32 = 2;

/// What becomes of the messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    /// Tried again from memory after a while; only this lane waits.
    Again(Duration, Trouble),
    /// Each tried alone, to find the one at fault.
    OneByOne,
    /// Given back to the queue, each hidden for a while.
    GiveBack(Wait),
    /// Put on the dead-letter queue.
    Bury,
}

/// What a message waits for in the queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wait {
    /// For another try; the fault may be its own.
    Another,
    /// For a person to allow it.
    Allowed,
    /// For a spoke that is away or throttles, so long at least.
    Spoke(Duration),
    /// For so long, as a service asked.
    For(Duration),
}

/// Judges a failure of `together` messages of a lane that had `trouble` before. `crowded`: what
/// waits for spokes leaves too little room in memory.
pub(super) fn of_failure(
    error: &IoError,
    lane: &str,
    together: usize,
    trouble: Trouble,
    crowded: bool,
    now: Timestamp,
) -> Fate {
    // While the table is away nothing could be recorded anywhere: its lanes hold what they have, for each
    // delivery would only spend the redrive count. Of a queue that takes nothing the same is true.
    let of_hub = matches!(error.neighbour, Neighbour::Table | Neighbour::Queue);
    let of_spoke = error.neighbour == Neighbour::Spoke;
    match error.verdict {
        Verdict::Permanent if together > 1 => Fate::OneByOne,
        Verdict::Permanent => Fate::Bury,
        Verdict::Denied if !of_hub => Fate::GiveBack(Wait::Allowed),
        Verdict::Conflict if trouble.conflicts < RACES => {
            Fate::Again(Duration::ZERO, Trouble { conflicts: trouble.conflicts + 1, ..trouble })
        }
        Verdict::Transient | Verdict::Throttled | Verdict::Conflict | Verdict::Denied => {
            let since = trouble.since.unwrap_or(now);
            let wish = error.retry_after.unwrap_or_default();
            let too_long = wish > PATIENCE || until(since, now) >= PATIENCE;
            if of_spoke && (too_long || crowded) {
                return Fate::GiveBack(Wait::Spoke(wish.min(LONGEST_WISH)));
            }
            if !of_hub && too_long {
                let asked = wish > PATIENCE;
                return Fate::GiveBack(if asked { Wait::For(wish.min(LONGEST_WISH)) } else { Wait::Another });
            }
            let attempts = trouble.attempts + 1;
            let of_table = error.neighbour == Neighbour::Table;
            let delays = if of_table { FOR_THE_TABLE } else { FROM_MEMORY };
            let delay = delays.after(attempts, &lane).max(wish.min(PATIENCE));
            Fate::Again(delay, Trouble { attempts, since: Some(since), of_table, of_spoke, ..trouble })
        }
    }
}

/// Judges a panic of the handler: one message at fault must not take its neighbours along.
pub(super) fn of_panic(together: usize) -> Fate {
    if together > 1 { Fate::OneByOne } else { Fate::GiveBack(Wait::Another) }
}

/// For how long a message that is given back stays hidden.
pub(super) fn hidden_for(receive_count: u32, wait: Wait, message_id: &str) -> Duration {
    match wait {
        Wait::Another => BETWEEN_DELIVERIES.after(receive_count, &message_id),
        Wait::Allowed => UNTIL_ALLOWED.saturating_mul(receive_count.clamp(1, 3)),
        // Two doublings for each receive.
        Wait::Spoke(least) => {
            let doublings = receive_count.max(1).saturating_mul(2).saturating_sub(1);
            UNTIL_BACK.after(doublings, &message_id).max(least)
        }
        Wait::For(time) => time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn failure(neighbour: Neighbour, verdict: Verdict) -> IoError {
        IoError::new(neighbour, "Call", verdict, "no")
    }

    fn waited(minutes: i64) -> Trouble {
        let since = Some(Timestamp::from_second(-60 * minutes).unwrap());
        Trouble { attempts: 9, since, ..Trouble::default() }
    }

    #[test]
    fn a_spoke_that_is_away_is_waited_for_two_minutes_and_the_table_for_ever() {
        let away = |neighbour| failure(neighbour, Verdict::Transient);
        let spoke = |trouble| of_failure(&away(Neighbour::Spoke), "lane", 1, trouble, false, NOW);
        assert!(matches!(spoke(waited(1)), Fate::Again(..)));
        assert_eq!(spoke(waited(2)), Fate::GiveBack(Wait::Spoke(Duration::ZERO)));
        assert!(matches!(
            of_failure(&away(Neighbour::Table), "lane", 1, waited(60), false, NOW),
            Fate::Again(..)
        ));
    }

    #[test]
    fn the_table_is_tried_again_in_half_the_time_of_all_else() {
        let first = |neighbour| {
            let error = failure(neighbour, Verdict::Throttled);
            match of_failure(&error, "lane", 1, Trouble::default(), false, NOW) {
                Fate::Again(delay, _) => delay,
                other => panic!("{other:?}"),
            }
        };
        let (table, bus) = (first(Neighbour::Table), first(Neighbour::Bus));
        assert!(
            table <= Duration::from_millis(25) && 2 * table <= bus + Duration::from_millis(2),
            "{table:?} {bus:?}"
        );
    }

    #[test]
    fn what_the_service_asks_for_is_waited() {
        let retry_after = Some(Duration::from_secs(90));
        let error = IoError { retry_after, ..failure(Neighbour::Spoke, Verdict::Throttled) };
        let fate = of_failure(&error, "lane", 1, Trouble::default(), false, NOW);
        assert!(matches!(fate, Fate::Again(delay, _) if delay == Duration::from_secs(90)));
    }

    #[test]
    fn a_longer_wish_is_waited_for_in_the_queue_but_not_for_ever() {
        let fate = |minutes| {
            let retry_after = Some(Duration::from_mins(minutes));
            let error = IoError { retry_after, ..failure(Neighbour::Spoke, Verdict::Throttled) };
            of_failure(&error, "lane", 1, Trouble::default(), false, NOW)
        };
        assert_eq!(fate(5), Fate::GiveBack(Wait::Spoke(Duration::from_mins(5))));
        assert_eq!(fate(600), Fate::GiveBack(Wait::Spoke(Duration::from_mins(15))));
    }

    #[test]
    fn a_spoke_is_not_waited_for_in_memory_where_there_is_no_room_and_the_table_is() {
        let crowded =
            |neighbour| of_failure(&failure(neighbour, Verdict::Throttled), "lane", 1, waited(0), true, NOW);
        assert_eq!(crowded(Neighbour::Spoke), Fate::GiveBack(Wait::Spoke(Duration::ZERO)));
        assert!(matches!(crowded(Neighbour::Table), Fate::Again(..)));
    }

    #[test]
    fn ten_deliveries_outlast_half_a_day_of_a_spokes_trouble_and_each_heeds_its_wish() {
        let waits: Vec<_> =
            (1..=10).map(|count| hidden_for(count, Wait::Spoke(Duration::ZERO), "m")).collect();
        assert!(waits[0] <= Duration::from_secs(10) && waits[3] < Duration::from_mins(11), "{waits:?}");
        assert!(waits.iter().sum::<Duration>() > Duration::from_hours(12), "{waits:?}");
        assert!(
            waits.iter().all(|wait| *wait < Duration::from_hours(11)),
            "SQS hides for twelve hours at most"
        );
        let wish = Duration::from_mins(5);
        assert_eq!(hidden_for(1, Wait::Spoke(wish), "m"), wish);
    }

    #[test]
    fn a_table_or_queue_that_denies_is_waited_for_in_memory() {
        for neighbour in [Neighbour::Table, Neighbour::Queue] {
            let error = failure(neighbour, Verdict::Denied);
            assert!(matches!(of_failure(&error, "lane", 3, waited(60), false, NOW), Fate::Again(..)));
        }
    }

    #[test]
    fn a_lost_race_is_run_again_at_once_but_not_for_ever() {
        let mut trouble = Trouble::default();
        let mut delays = Vec::new();
        for _ in 0..3 {
            let error = failure(Neighbour::Table, Verdict::Conflict);
            let Fate::Again(delay, next) = of_failure(&error, "lane", 1, trouble, false, NOW) else {
                panic!("again")
            };
            trouble = next;
            delays.push(delay.is_zero());
        }
        assert_eq!(delays, [true, true, false]);
    }

    #[test]
    fn only_a_single_message_is_buried() {
        let error = failure(Neighbour::Table, Verdict::Permanent);
        assert_eq!(of_failure(&error, "lane", 3, Trouble::default(), false, NOW), Fate::OneByOne);
        assert_eq!(of_failure(&error, "lane", 1, Trouble::default(), false, NOW), Fate::Bury);
        assert_eq!(of_panic(3), Fate::OneByOne);
        assert_eq!(of_panic(1), Fate::GiveBack(Wait::Another));
    }

    #[test]
    fn a_denied_message_comes_back_after_five_to_fifteen_minutes() {
        let minutes = [1, 2, 3, 10].map(|count| hidden_for(count, Wait::Allowed, "m").as_secs() / 60);
        assert_eq!(minutes, [5, 10, 15, 15]);
        assert!(hidden_for(1, Wait::Another, "m") < hidden_for(5, Wait::Another, "m"));
    }
}
