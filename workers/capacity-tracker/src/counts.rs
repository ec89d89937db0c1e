//! The history of a place's counts.

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::counts::{self, CountsOfDay, CountsOfHour};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::Counted;

use crate::CapacityTracker;

/// Keeps what a complete sweep counted. Done before the place's row says that it was swept, so that a crash in between
/// repeats it and loses nothing.
pub(crate) async fn keep<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    counted: &Counted,
    limit: u32,
) -> Result<(), IoError> {
    let (day, hour) = (counts::day_of(counted.swept_at), counts::hour_of(counted.swept_at));
    let of_day = |row: Option<&CountsOfDay>| counts::decide_day(place, counted, limit, row);
    worker.days.change(io, &keys::counts_of_day(place, day), of_day).await?;
    let of_hour = |row: Option<&CountsOfHour>| counts::decide_hour(place, counted, row);
    worker.hours.change(io, &keys::counts_of_hour(place, day, hour), of_hour).await?;
    Ok(())
}
