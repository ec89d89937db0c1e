//! How full an account and Region is: the ladder of statuses over the quotas of DRS.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::policy::Limits;

/// How full it is; greater is worse, but for what could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// It could not be read, or was never counted.
    #[default]
    Unknown,
    /// Below the target.
    Ok,
    /// At the target: new servers belong elsewhere.
    Info,
    /// Nearly full.
    Warning,
    /// Full: no further server can replicate.
    Critical,
}

impl Level {
    /// As stored, published and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Ok => "OK",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The quota that the thresholds of [`Limits`] are written for.
const WRITTEN_FOR: u64 = 300;

/// A threshold that is written for a quota of 300, scaled to `quota` and rounded up: 300 stays exactly all of it.
pub fn scaled(of_300: u32, quota: u32) -> u32 {
    let scaled = (u64::from(of_300) * u64::from(quota)).div_ceil(WRITTEN_FOR);
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

/// The thresholds of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// From these counts on: INFO, WARNING, CRITICAL.
    from: [(u32, Level); 3],
    hysteresis: u32,
}

impl Ladder {
    /// The thresholds [`scaled`] to a quota: what is CRITICAL at 300 of 300 is so when any quota is used up.
    pub fn new(limits: &Limits, quota: u32) -> Self {
        let scaled = |of_300: u32| scaled(of_300, quota);
        let Limits { info_at, warning_at, critical_at, hysteresis, .. } = *limits;
        let from = [
            (scaled(info_at), Level::Info),
            (scaled(warning_at), Level::Warning),
            (scaled(critical_at), Level::Critical),
        ];
        Self { from, hysteresis: scaled(hysteresis) }
    }

    /// The level of `count`, where it was `before`: it rises at a threshold, and falls only when the count is the
    /// hysteresis below it.
    pub fn level(&self, before: Level, count: u32) -> Level {
        let holds = |(from, level): &(u32, Level)| {
            let held = *level <= before && count.saturating_add(self.hysteresis) > *from;
            count >= *from || held
        };
        self.from.iter().rev().find(|rung| holds(rung)).map_or(Level::Ok, |(_, level)| *level)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUNGS: [Level; 4] = [Level::Ok, Level::Info, Level::Warning, Level::Critical];

    fn before() -> impl Strategy<Value = Level> {
        prop::sample::select([&[Level::Unknown], &RUNGS[..]].concat())
    }

    /// Thresholds that a policy may have.
    fn limits() -> impl Strategy<Value = Limits> {
        (1_u32..=300, 1_u32..=300, 1_u32..=300).prop_flat_map(|(a, b, c)| {
            let mut at = [a, b, c];
            at.sort_unstable();
            let [info_at, warning_at, critical_at] = at;
            (0..info_at).prop_map(move |hysteresis| Limits {
                info_at,
                warning_at,
                critical_at,
                hysteresis,
                ..Limits::default()
            })
        })
    }

    #[test]
    fn thresholds_are_exact_for_300_and_scale_with_the_quota() {
        let first = |quota, level| {
            let ladder = Ladder::new(&Limits::default(), quota);
            (0..=quota).find(|count| ladder.level(Level::Ok, *count) == level)
        };
        let of = |quota| [Level::Info, Level::Warning, Level::Critical].map(|level| first(quota, level));
        assert_eq!(of(300), [Some(250), Some(280), Some(300)]);
        assert_eq!(of(4000), [Some(3334), Some(3734), Some(4000)]);
        assert_eq!(of(9), [Some(8), None, Some(9)], "of few, two thresholds may fall together");
    }

    proptest! {
        #[test]
        fn the_ladder_never_flaps_inside_the_band(
            limits in limits(), quota in 1_u32..5000, level in before(), counts in prop::collection::vec(0_u32..5000, 1..20),
        ) {
            let ladder = Ladder::new(&limits, quota);
            let held = ladder.level(level, counts[0]);
            // The counts within the band of the level that is held.
            let from = ladder.from.iter().find(|(_, l)| *l == held).map_or(0, |(from, _)| *from);
            let next = ladder.from.iter().find(|(_, l)| *l > held).map_or(u32::MAX, |(from, _)| *from);
            let band = (from.saturating_sub(ladder.hysteresis) + u32::from(from > 0))..next;
            let within = counts.iter().filter(|count| band.contains(count));
            prop_assert!(within.into_iter().all(|count| ladder.level(held, *count) == held));
        }

        #[test]
        fn more_servers_never_lower_the_level_and_nothing_does_twice(
            limits in limits(), quota in 0_u32..5000, level in before(), count in 0_u32..5000, more in 0_u32..5000,
        ) {
            let ladder = Ladder::new(&limits, quota);
            let now = ladder.level(level, count);
            prop_assert!(now <= ladder.level(level, count.saturating_add(more)));
            prop_assert_eq!(ladder.level(now, count), now);
            prop_assert!(now != Level::Unknown);
            prop_assert!(now >= ladder.level(Level::Ok, count), "a rise is told at once");
        }
    }
}
