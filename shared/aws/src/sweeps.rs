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

/// Whether a spoke refuses us, or what opens it is missing, which ends only when a person acts. A request that DRS
/// cannot make sense of is none: see [`is_vain`].
pub fn is_refusal(error: &IoError) -> bool {
    matches!(
        (error.neighbour, error.verdict),
        (Neighbour::Spoke | Neighbour::Secrets, Verdict::Denied) | (Neighbour::Secrets, Verdict::Permanent)
    )
}

/// Whether trying a call into a spoke again soon leads nowhere: it would spend receive counts, and dead-lettering
/// would hide it. The attempt ends, and sweep or timer make the next one.
pub fn is_vain(error: &IoError) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_spoke_refuses_or_a_lost_secret_and_what_a_spoke_cannot_answer_is_only_vain() {
        let judged = |neighbour, verdict| {
            let error = IoError::new(neighbour, "Call", verdict, "no");
            (is_refusal(&error), is_vain(&error))
        };
        for (neighbour, verdict, refusal_and_vain) in [
            (Neighbour::Spoke, Verdict::Denied, (true, true)),
            (Neighbour::Spoke, Verdict::Permanent, (false, true)),
            (Neighbour::Secrets, Verdict::Denied, (true, true)),
            (Neighbour::Secrets, Verdict::Permanent, (true, true)),
        ] {
            assert_eq!(judged(neighbour, verdict), refusal_and_vain, "{neighbour:?} {verdict:?}");
        }
        for neighbour in [Neighbour::Spoke, Neighbour::Secrets] {
            for verdict in [Verdict::Transient, Verdict::Throttled, Verdict::Conflict] {
                assert_eq!(judged(neighbour, verdict), (false, false), "{neighbour:?} {verdict:?}");
            }
        }
        for neighbour in [Neighbour::Table, Neighbour::Queue, Neighbour::Bus, Neighbour::Channel] {
            for verdict in [Verdict::Denied, Verdict::Permanent] {
                assert_eq!(judged(neighbour, verdict), (false, false), "{neighbour:?} {verdict:?}");
            }
        }
    }

    #[test]
    fn asking_counts_for_three_intervals_and_clocks_that_differ_do_no_harm() {
        let asked_at = Timestamp::from_second(1_000_000).unwrap();
        let overtaken =
            |seconds: i64| is_overtaken(asked_at, Timestamp::from_second(1_000_000 + seconds).unwrap());
        assert!(!overtaken(-600) && !overtaken(0) && !overtaken(900));
        assert!(overtaken(901));
        assert!(!is_overtaken(Timestamp::MAX, asked_at), "no overflow at the end of time");
    }
}
