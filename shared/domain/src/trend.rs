//! Where the count of a place goes: servers a day, and the days until a limit, by its daily rows.
//!
//! The slope is that of Theil and Sen, the median of the slopes between all pairs of days: less than 29 % of days that
//! are far off, such as those of a migration that was rolled back, do not move it.

use jiff::civil::Date;
use serde::Serialize;

use crate::counts::CountsOfDay;

/// A forecast needs as many days with data.
pub const DAYS_NEEDED: usize = 7;

/// Where the count of a place goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// Servers more each day; fewer when negative.
    pub servers_a_day: f64,
    /// How many days have data.
    pub days: usize,
    /// The last of them.
    pub last_day: Date,
    /// What was counted last on it.
    pub last: u32,
}

impl Trend {
    /// The trend of some days, in any order; `None` under [`DAYS_NEEDED`] different days with data.
    pub fn of(days: &[CountsOfDay]) -> Option<Self> {
        let mut points: Vec<_> = days.iter().map(|row| (row.day, row.last)).collect();
        points.sort_unstable();
        points.dedup_by_key(|(day, _)| *day);
        let (last_day, last) = *points.last().filter(|_| points.len() >= DAYS_NEEDED)?;
        Some(Self { servers_a_day: median(slopes(&points))?, days: points.len(), last_day, last })
    }

    /// Days from the last day with data until `limit` is reached: 0 when it is; `None` when the count stays or falls.
    pub fn days_to(&self, limit: u32) -> Option<f64> {
        if self.last >= limit {
            return Some(0.0);
        }
        (self.servers_a_day > 0.0).then(|| f64::from(limit - self.last) / self.servers_a_day)
    }
}

/// Between all pairs of days.
fn slopes(points: &[(Date, u32)]) -> Vec<f64> {
    let pair = |&(from, before): &(Date, u32), &(to, after): &(Date, u32)| {
        let days = f64::from((to - from).get_days());
        (f64::from(after) - f64::from(before)) / days
    };
    let later = |(n, from)| points[n + 1..].iter().map(move |to| pair(from, to));
    points.iter().enumerate().flat_map(later).collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    let lower = if values.len().is_multiple_of(2) { *values.get(middle.checked_sub(1)?)? } else { upper };
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan};
    use proptest::prelude::*;

    use super::*;
    use crate::keys::Place;

    fn row(day: i64, last: u32) -> CountsOfDay {
        let first: Date = "2026-02-20".parse().unwrap();
        CountsOfDay {
            place: Place { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() },
            day: first.checked_add(day.days()).unwrap(),
            min: last,
            max: last,
            last,
            last_at: Timestamp::default(),
            limit: 300,
        }
    }

    fn rows(counts: &[u32]) -> Vec<CountsOfDay> {
        counts.iter().zip(0..).map(|(last, day)| row(day, *last)).collect()
    }

    fn about(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn two_servers_a_day_fill_a_hundred_slots_in_fifty_days() {
        let trend = Trend::of(&rows(&[188, 190, 192, 194, 196, 198, 200])).unwrap();
        assert!(about(trend.servers_a_day, 2.0), "{trend:?}");
        assert_eq!(trend.days_to(300), Some(50.0));
        assert_eq!(trend.days_to(200), Some(0.0), "it is reached");
    }

    #[test]
    fn there_is_no_forecast_under_seven_days_of_data() {
        assert_eq!(Trend::of(&rows(&[1, 2, 3, 4, 5, 6])), None);
        assert!(Trend::of(&rows(&[1, 2, 3, 4, 5, 6, 7])).is_some());
        let same_day_again = [rows(&[1, 2, 3, 4, 5, 6]), rows(&[1])].concat();
        assert_eq!(Trend::of(&same_day_again), None, "a day counts once");
        assert_eq!(Trend::of(&[]), None);
    }

    #[test]
    fn what_stays_or_falls_never_reaches_the_limit() {
        let days_to = |counts: &[u32]| Trend::of(&rows(counts)).unwrap().days_to(300);
        assert_eq!(days_to(&[200; 10]), None);
        assert_eq!(days_to(&[207, 206, 205, 204, 203, 202, 201]), None);
        assert_eq!(days_to(&[301, 301, 301, 301, 301, 301, 300]), Some(0.0), "it is full all the same");
    }

    #[test]
    fn days_without_data_are_time_that_passed() {
        let days: Vec<_> = (0..7).map(|n| row(n * 3, 100 + u32::try_from(n).unwrap() * 3)).collect();
        assert!(about(Trend::of(&days).unwrap().servers_a_day, 1.0));
    }

    proptest! {
        #[test]
        fn one_day_that_is_far_off_moves_nothing(
            start in 0_u32..200, step in 0_u32..10, days in 7_usize..40, at in any::<prop::sample::Index>(), odd in 0_u32..4_000,
        ) {
            let mut counts: Vec<_> = (0..days).map(|n| start + step * u32::try_from(n).unwrap()).collect();
            let at = at.index(days);
            counts[at] = odd;
            let trend = Trend::of(&rows(&counts)).unwrap();
            prop_assert!(about(trend.servers_a_day, f64::from(step)), "{trend:?} of {counts:?}");
        }

        #[test]
        fn the_order_of_rows_is_nothing_and_the_slope_is_none_that_never_was(
            counts in prop::collection::vec(0_u32..300, 7..20), seed in any::<prop::sample::Index>(),
        ) {
            let days = rows(&counts);
            let mut turned = days.clone();
            turned.rotate_left(seed.index(days.len()));
            let trend = Trend::of(&days).unwrap();
            prop_assert_eq!(Trend::of(&turned), Some(trend));
            let steps = || counts.windows(2).map(|pair| f64::from(pair[1]) - f64::from(pair[0]));
            let (least, most) = (steps().fold(f64::MAX, f64::min), steps().fold(f64::MIN, f64::max));
            prop_assert!((least - 1e-9..=most + 1e-9).contains(&trend.servers_a_day), "{trend:?} of {counts:?}");
        }
    }
}
