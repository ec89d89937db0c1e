//! What the sweeps of all workers share: how they are asked for, and when asking is too old to count.

use drs_fleet_domain::event::{SCHEDULE_SOURCE, SWEEP_PLACE, SYNC_TAGS};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::sweep::TICK;
use drs_fleet_domain::tags::TagRequest;
use jiff::Timestamp;
use serde_json::{Value, json};

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
    let detail = json!({ "scheduled": scheduled });
    let now = io.now();
    let messages: Vec<_> = places.iter().map(|place| message(place, now, SWEEP_PLACE, &detail)).collect();
    send(io, &messages).await
}

/// Puts what a person asks of the tag-sync on its queue. A request may name 1,000 servers, which keeps a batch of ten below
/// the 256 KiB that SQS takes.
///
/// # Errors
/// Of the queue; some may have been put on it, which costs nothing when they are asked for again.
pub async fn ask_for_tags<I: Io>(io: &I, requests: &[(Place, TagRequest)]) -> Result<(), IoError> {
    let now = io.now();
    let message = |(place, asked): &(Place, TagRequest)| message(place, now, SYNC_TAGS, &json!(asked));
    send(io, &requests.iter().map(message).collect::<Vec<_>>()).await
}

async fn send<I: Io>(io: &I, messages: &[String]) -> Result<(), IoError> {
    for batch in messages.chunks(10) {
        io.enqueue(batch).await?;
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

fn message(place: &Place, now: Timestamp, what: &str, detail: &Value) -> String {
    json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "source": SCHEDULE_SOURCE,
        "detail-type": what,
        "account": place.account,
        "region": place.region,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "resources": [],
        "detail": detail,
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
