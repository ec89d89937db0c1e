//! What the sweeps of all workers share: how they are asked for, and when asking is too old to count.

use drs_fleet_domain::event::{SCHEDULE_SOURCE, SWEEP_PLACE};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::sweep::TICK;
use jiff::Timestamp;
use serde_json::json;

use crate::io::Io;
use crate::verdict::{IoError, Neighbour, Verdict};

/// Puts one message per place on the worker's own queue, for any instance to take. There is a reason to sweep now:
/// an event, a person.
///
/// # Errors
/// Of the queue; some may have been put on it, which costs nothing when they are asked for again.
pub async fn ask<I: Io>(io: &I, places: &[Place]) -> Result<(), IoError> {
    enqueue(io, places, false).await
}

/// As [`ask`], because the schedule ticked: places are left out whose interval is not over.
///
/// # Errors
/// As of [`ask`].
pub async fn ask_on_schedule<I: Io>(io: &I, places: &[Place]) -> Result<(), IoError> {
    enqueue(io, places, true).await
}

async fn enqueue<I: Io>(io: &I, places: &[Place], scheduled: bool) -> Result<(), IoError> {
    let now = io.now();
    for batch in places.chunks(10) {
        let messages: Vec<_> = batch.iter().map(|place| message(place, now, scheduled)).collect();
        io.enqueue(&messages).await?;
    }
    Ok(())
}

/// Whether later ticks have asked again by now, so that piled-up ticks cost nothing. Three intervals, for the
/// clocks of queue and worker may be ten minutes apart.
pub fn is_overtaken(asked_at: Timestamp, now: Timestamp) -> bool {
    asked_at.checked_add(TICK * 3).is_ok_and(|end| end < now)
}

/// Whether a spoke refuses us, which ends only when a person acts: trying again spends receive counts, and
/// dead-lettering would hide it. It is recorded instead, and tried again by sweep or timer.
pub fn is_refusal(error: &IoError) -> bool {
    matches!(error.verdict, Verdict::Denied | Verdict::Permanent)
        && matches!(error.neighbour, Neighbour::Spoke | Neighbour::Secrets)
}

fn message(place: &Place, now: Timestamp, scheduled: bool) -> String {
    json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "source": SCHEDULE_SOURCE,
        "detail-type": SWEEP_PLACE,
        "account": place.account,
        "region": place.region,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "resources": [],
        "detail": { "scheduled": scheduled },
    })
    .to_string()
}
