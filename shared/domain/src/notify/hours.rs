//! When people want to be told: not in quiet hours, or only once a day or a week.
//!
//! Both go by the clock on the wall of a time zone, whatever daylight saving does to it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousZoned, TimeZone};
use serde::{Deserialize, Serialize};

use crate::incident::Severity;

/// When people want to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hours {
    /// At any time.
    #[default]
    Any,
    /// Not in quiet hours.
    Quiet {
        /// When they begin each day.
        from: Clock,
        /// When they end, on the same day or on the next.
        to: Clock,
        /// Where.
        zone: TimeZone,
        /// What is this bad is told all the same.
        except: Option<Severity>,
    },
    /// At one time of the day.
    Digest {
        /// When.
        at: Clock,
        /// Where.
        zone: TimeZone,
        /// On which days.
        days: Days,
    },
}

/// A time of the day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Clock(Time);

/// On which days a digest comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Days {
    /// Each day.
    #[default]
    Daily,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Hours {
    /// Whether these are quiet hours for something this bad.
    pub fn is_quiet(&self, at: Timestamp, severity: Severity) -> bool {
        let Self::Quiet { from, to, zone, except } = self else { return false };
        except.is_none_or(|least| severity < least) && is_quiet(zone.to_datetime(at).time(), (from.0, to.0))
    }

    /// The first time from `wanted` on at which people want to be told of something this bad.
    pub fn tells_at(&self, wanted: Timestamp, worst: Severity) -> Timestamp {
        match self {
            Self::Quiet { to, zone, .. } => {
                let ends = std::iter::successors(Some(wanted), |at| end_after(*at, to.0, zone));
                ends.take(DAYS).find(|at| !self.is_quiet(*at, worst)).unwrap_or(wanted)
            }
            Self::Any => wanted,
            Self::Digest { at, zone, days } => {
                let wanted_days = dates(wanted, zone).filter(|date| days.include(*date));
                let times = wanted_days.filter_map(|date| shown(date, at.0, zone).compatible().ok());
                times.map(|zoned| zoned.timestamp()).find(|at| *at >= wanted).unwrap_or(wanted)
            }
        }
    }
}

/// Within so many days each day of the week comes, and a change of the clocks before or after it.
const DAYS: usize = 10;

fn is_quiet(time: Time, (from, to): (Time, Time)) -> bool {
    if from <= to { from <= time && time < to } else { from <= time || time < to }
}

/// The day before a time, and those from it on.
fn dates(at: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Date> {
    let first = zone.to_datetime(at).date().yesterday().ok();
    std::iter::successors(first, |date| date.tomorrow().ok()).take(DAYS)
}

/// When the clock shows a time on a day: twice where it is put back, and later where it is put forward over it.
fn shown(date: Date, time: Time, zone: &TimeZone) -> AmbiguousZoned {
    zone.to_ambiguous_zoned(date.to_datetime(time))
}

/// When quiet hours that end at `time` end next.
fn end_after(after: Timestamp, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    let each = [AmbiguousZoned::compatible, AmbiguousZoned::later];
    let ends = dates(after, zone).flat_map(|date| each.map(|choose| choose(shown(date, time, zone)).ok()));
    ends.flatten().map(|zoned| zoned.timestamp()).find(|at| *at > after)
}

impl Days {
    fn include(self, date: Date) -> bool {
        let day = match self {
            Self::Daily => return true,
            Self::Monday => Weekday::Monday,
            Self::Tuesday => Weekday::Tuesday,
            Self::Wednesday => Weekday::Wednesday,
            Self::Thursday => Weekday::Thursday,
            Self::Friday => Weekday::Friday,
            Self::Saturday => Weekday::Saturday,
            Self::Sunday => Weekday::Sunday,
        };
        date.weekday() == day
    }
}

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Time::strptime("%H:%M", text)
            .map(Self)
            .map_err(|_| format!("{text:?} is no time of the day; write 07:30 or 22:00"))
    }
}

impl TryFrom<String> for Clock {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> Self {
        clock.to_string()
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

#[cfg(test)]
mod tests;
