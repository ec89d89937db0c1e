//! What an account and Region counted over time: a row a day, and a fine series of the last two days.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key, Place};
use crate::place::Counted;
use crate::routing::WorkerName;
use crate::row::{Change, Row};

/// Days are kept for 400 days, so that a year can be compared with the one before.
const DAYS_KEPT: Duration = Duration::from_hours(400 * 24);
/// Hours are kept for 48 hours after their end.
const HOURS_KEPT: Duration = Duration::from_hours(49);

/// Replicating servers of a place on one day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsOfDay {
    /// Where.
    pub place: Place,
    /// Which day.
    pub day: Date,
    /// The fewest that a complete sweep counted.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// What the last one counted.
    pub last: u32,
    /// When that was.
    pub last_at: Timestamp,
    /// The applied quota then.
    pub limit: u32,
}

/// Replicating servers of a place within one hour (UTC): what it counted at each minute at which that changed, and at
/// the first of the hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsOfHour {
    /// Where.
    pub place: Place,
    /// Which day.
    pub day: Date,
    /// Which hour of it, 0 to 23.
    pub hour: i8,
    /// By minute.
    pub points: BTreeMap<i8, u32>,
}

impl Row for CountsOfDay {
    const KIND: &'static str = "counts-day";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::counts_of_day(&self.place, self.day)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        beginning(self.day, 0).and_then(|at| at.checked_add(DAYS_KEPT).ok())
    }
}

impl Row for CountsOfHour {
    const KIND: &'static str = "counts-hour";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::counts_of_hour(&self.place, self.day, self.hour)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        beginning(self.day, self.hour).and_then(|at| at.checked_add(HOURS_KEPT).ok())
    }
}

fn beginning(day: Date, hour: i8) -> Option<Timestamp> {
    Some(day.at(hour, 0, 0, 0).to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Takes what a complete sweep counted into its day; `limit` is the quota that applied. The order of sweeps makes no
/// difference.
pub fn decide_day(
    place: &Place,
    counted: &Counted,
    limit: u32,
    stored: Option<&CountsOfDay>,
) -> Option<Change<CountsOfDay>> {
    let (count, at) = (counted.replicating, counted.swept_at);
    let first = CountsOfDay {
        place: place.clone(),
        day: day_of(at),
        min: count,
        max: count,
        last: count,
        last_at: at,
        limit,
    };
    let after = match stored {
        None => first,
        Some(day) => {
            let newest = (at, count, limit).max((day.last_at, day.last, day.limit));
            let (last_at, last, limit) = newest;
            CountsOfDay { min: day.min.min(count), max: day.max.max(count), last, last_at, limit, ..first }
        }
    };
    Change::between(stored, after, Vec::new())
}

/// Takes what a complete sweep counted into its hour: a point where the count changed. Of two sweeps within one
/// minute the one that counted more stays.
pub fn decide_hour(
    place: &Place,
    counted: &Counted,
    stored: Option<&CountsOfHour>,
) -> Option<Change<CountsOfHour>> {
    let at = counted.swept_at.to_zoned(TimeZone::UTC);
    let (day, hour, minute, count) = (at.date(), at.hour(), at.minute(), counted.replicating);
    let mut points = stored.map(|hour| hour.points.clone()).unwrap_or_default();
    let known = points.range(..=minute).next_back();
    if known.is_some_and(|(then, known)| *known == count || (*then == minute && *known > count)) {
        return None;
    }
    points.insert(minute, count);
    Some(Change { row: CountsOfHour { place: place.clone(), day, hour, points }, tell: Vec::new() })
}

/// The day (UTC) of a sweep.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The hour (UTC) of a sweep, 0 to 23.
pub fn hour_of(at: Timestamp) -> i8 {
    at.to_zoned(TimeZone::UTC).hour()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place() -> Place {
        Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
    }

    fn sweep(minute: i64, replicating: u32) -> Counted {
        let at = Timestamp::from_second(1_767_225_600 + 60 * minute).unwrap();
        Counted { replicating, ..Counted::nothing(at, true) }
    }

    fn hour(sweeps: &[(i64, u32)]) -> BTreeMap<i8, u32> {
        let mut row: Option<CountsOfHour> = None;
        for (minute, count) in sweeps {
            row = decide_hour(&place(), &sweep(*minute, *count), row.as_ref()).map(|c| c.row).or(row);
        }
        row.unwrap().points
    }

    #[test]
    fn an_hour_keeps_its_first_count_and_those_that_differ_from_the_one_before() {
        assert_eq!(hour(&[(0, 5), (5, 5), (10, 7), (15, 7), (20, 5)]), [(0, 5), (10, 7), (20, 5)].into());
        assert_eq!(hour(&[(3, 5), (3, 7), (3, 6)]), [(3, 7)].into());
    }

    #[test]
    fn rows_of_history_are_forgotten_by_the_table() {
        let counted = sweep(30, 5);
        let day = decide_day(&place(), &counted, 300, None).unwrap().row;
        let hour = decide_hour(&place(), &counted, None).unwrap().row;
        let days = |end: Option<Timestamp>| end.unwrap().duration_since(counted.swept_at).as_hours() / 24;
        assert_eq!((days(day.expires_at()), days(hour.expires_at())), (399, 2));
        assert_eq!(
            (day.key(), hour.key().sk.as_str()),
            (keys::counts_of_day(&place(), day.day), "counts#hour#2026-01-01T00")
        );
    }

    proptest! {
        #[test]
        fn a_day_is_the_same_however_its_sweeps_arrive(
            sweeps in prop::collection::vec((0_i64..6, 0_u32..5), 1..8), again in prop::collection::vec(0_usize..8, 0..8),
        ) {
            let end = |order: &[usize]| {
                let mut row: Option<CountsOfDay> = None;
                for n in order {
                    let (minute, count) = sweeps[*n];
                    row = decide_day(&place(), &sweep(minute, count), 300, row.as_ref()).map(|c| c.row).or(row);
                    assert_eq!(decide_day(&place(), &sweep(minute, count), 300, row.as_ref()), None);
                }
                row.unwrap()
            };
            let order: Vec<usize> = (0..sweeps.len()).collect();
            let other: Vec<usize> =
                again.into_iter().filter(|n| *n < sweeps.len()).chain(order.iter().rev().copied()).collect();
            let row = end(&order);
            prop_assert_eq!(&row, &end(&other));
            prop_assert_eq!(Some(row.min), sweeps.iter().map(|s| s.1).min());
            prop_assert_eq!(Some(row.last), sweeps.iter().max().map(|s| s.1));
        }
    }
}
