//! What an account and Region counted over time: a row a day, and a fine series of the last two days.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::Row;

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
