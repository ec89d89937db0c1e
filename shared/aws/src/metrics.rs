//! What a worker counts, and the line by which CloudWatch learns of it (embedded metric format, EMF).

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drs_fleet_domain::own_event::OwnEvent;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::io::{Io, Message};

/// How often a worker reports.
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// The namespace of all metrics.
pub const NAMESPACE: &str = "drs-fleet";

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Messages received.
    pub received: u64,
    /// Messages handled to the end.
    pub handled: u64,
    /// Messages that were handled together with an earlier one of their lane.
    pub coalesced: u64,
    /// Decisions that found nothing to change: repetitions and stale observations.
    pub stale: u64,
    /// Attempts of a lane that failed and are repeated from memory.
    pub retried: u64,
    /// Messages given back to the queue to be delivered again later.
    pub redriven: u64,
    /// Messages put on the dead-letter queue.
    pub dead_lettered: u64,
    /// Messages given back untouched when the worker stopped.
    pub released: u64,
    /// Messages whose lease ran out or was lost while they were in hand; they come back.
    pub lost: u64,
    /// Deletes that failed; their messages come back.
    pub failed_deletes: u64,
    /// Handlers that panicked.
    pub panicked: u64,
    /// Clicks in Slack that were dropped: forged, stale, unreadable, or not to be verified.
    pub refused_clicks: u64,
    /// Own events published.
    pub published: u64,
    /// Greatest age of a message when received, in milliseconds.
    pub oldest_message_ms: u64,
    /// Greatest time from the cause of an own event to its publication, in milliseconds.
    pub publish_lag_ms: u64,
}

/// The counters of one worker. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    in_all: Snapshot,
    since_report: Snapshot,
}

impl Metrics {
    /// What was counted since the start.
    pub fn in_all(&self) -> Snapshot {
        self.lock().in_all
    }

    /// What was counted since the last call of this function.
    pub fn take(&self) -> Snapshot {
        std::mem::take(&mut self.lock().since_report)
    }

    /// A click in Slack was dropped.
    pub fn count_refused_click(&self) {
        self.count(|counted| counted.refused_clicks += 1);
    }

    pub(crate) fn count(&self, count: impl Fn(&mut Snapshot)) {
        let mut counted = self.lock();
        count(&mut counted.in_all);
        count(&mut counted.since_report);
    }

    pub(crate) fn count_received(&self, messages: &[Message], now: Timestamp) {
        let oldest = messages.iter().map(|message| millis_between(message.sent_at, now)).max().unwrap_or(0);
        self.count(|counted| {
            counted.received += messages.len() as u64;
            counted.oldest_message_ms = counted.oldest_message_ms.max(oldest);
        });
    }

    pub(crate) fn count_published(&self, events: &[OwnEvent], now: Timestamp) {
        let lag = events.iter().map(|event| millis_between(event.at(), now)).max().unwrap_or(0);
        self.count(|counted| {
            counted.published += events.len() as u64;
            counted.publish_lag_ms = counted.publish_lag_ms.max(lag);
        });
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Plain numbers: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a line of metrics each minute; ends only by being dropped.
pub async fn report<I: Io>(io: I, worker: &'static str, metrics: Metrics, mut out: impl Write + Send) {
    loop {
        io.sleep(REPORT_EVERY).await;
        if let Err(error) = write_line(&mut out, &emf(worker, &metrics.take(), io.now())) {
            tracing::warn!(%error, "metrics could not be written");
        }
    }
}

/// One line of JSON.
///
/// # Errors
/// Those of `out`.
pub fn write_line(out: &mut impl Write, line: &Value) -> io::Result<()> {
    writeln!(out, "{line}")?;
    out.flush()
}

/// The snapshot in CloudWatch's embedded metric format, with the worker as dimension.
pub fn emf(worker: &str, counted: &Snapshot, now: Timestamp) -> Value {
    let counts = [
        ("Received", counted.received),
        ("Handled", counted.handled),
        ("Coalesced", counted.coalesced),
        ("Stale", counted.stale),
        ("Retried", counted.retried),
        ("Redriven", counted.redriven),
        ("DeadLettered", counted.dead_lettered),
        ("Released", counted.released),
        ("Lost", counted.lost),
        ("FailedDeletes", counted.failed_deletes),
        ("Panicked", counted.panicked),
        ("RefusedClicks", counted.refused_clicks),
        ("Published", counted.published),
    ];
    let ages = [("OldestMessage", counted.oldest_message_ms), ("PublishLag", counted.publish_lag_ms)];
    let named = |unit: &'static str| move |(name, _): &(&str, u64)| json!({ "Name": name, "Unit": unit });
    let definitions: Vec<Value> =
        counts.iter().map(named("Count")).chain(ages.iter().map(named("Milliseconds"))).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [
                { "Namespace": NAMESPACE, "Dimensions": [["worker"]], "Metrics": definitions }
            ],
        },
        "worker": worker,
    });
    for (name, value) in counts.into_iter().chain(ages) {
        line[name] = value.into();
    }
    line
}

fn millis_between(from: Timestamp, to: Timestamp) -> u64 {
    // Clocks differ: what seems to lie ahead has no age.
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_every_counter_in_its_definition_and_as_a_value() {
        let counted = Snapshot { received: 7, publish_lag_ms: 1200, ..Snapshot::default() };
        let line = emf("tag-sync", &counted, Timestamp::from_millisecond(1_700_000_000_123).unwrap());
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_123_i64);
        let definition = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(definition["Namespace"], "drs-fleet");
        assert_eq!(definition["Dimensions"], json!([["worker"]]));
        assert_eq!(
            (&line["worker"], &line["Received"], &line["PublishLag"]),
            (&json!("tag-sync"), &json!(7), &json!(1200))
        );
        for metric in definition["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric} has a value");
        }
    }

    #[test]
    fn taking_starts_anew_and_keeps_the_sum() {
        let metrics = Metrics::default();
        metrics.count(|counted| counted.handled += 2);
        assert_eq!(metrics.take().handled, 2);
        metrics.clone().count(|counted| counted.handled += 1);
        assert_eq!((metrics.take().handled, metrics.take().handled, metrics.in_all().handled), (1, 0, 3));
    }

    #[test]
    fn a_line_is_one_line() {
        let mut out = Vec::new();
        write_line(&mut out, &emf("notifier", &Snapshot::default(), Timestamp::UNIX_EPOCH)).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 1);
    }

    #[test]
    fn a_message_from_the_future_has_no_age() {
        let ahead = Timestamp::from_second(60).unwrap();
        assert_eq!(millis_between(ahead, Timestamp::UNIX_EPOCH), 0);
        assert_eq!(millis_between(Timestamp::UNIX_EPOCH, ahead), 60_000);
    }
}
