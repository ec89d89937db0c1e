//! Bodies of messages: the envelope, what its event says, and where each worker lines it up.

use std::sync::LazyLock;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::Message;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::envelope::{Envelope, Rejected};
use drs_fleet_domain::explain::explain;
use jiff::Timestamp;
use job_monitor::JobMonitor;
use notifier::Notifier;
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};
use tag_sync::TagSync;

use super::{Checked, text};

pub(super) const TAKES_EVENTS: bool = true;
pub(super) const WORDS: &[&str] = &[
    "\"detail\":",
    "aws.drs",
    "drs-fleet",
    "drs-fleet.schedule",
    "drs-fleet.slack",
    "Sweep Place",
    "Sync Tags",
    "Incident Opened",
    "Job Completed",
    "AWS API Call via CloudTrail",
    "STALLED",
    "TRUE",
    "arn:aws:drs:us-west-2:111122223333:source-server/s-12345678901234567",
    "2016-08-22T20:12:19Z",
    "-009999-01-01T00:00:00Z",
    "9999-12-30T22:00:00Z",
];

/// A sort key of DynamoDB has at most 1,024 bytes, and what a lane is called by becomes a part of keys.
const LANE: usize = 800;
/// 80 characters that are escaped, and words.
const REASON: usize = 1_200;
/// Longer pieces of a body are never repeated.
const QUOTED: usize = 100;

struct Workers {
    capacity: CapacityTracker,
    jobs: JobMonitor,
    tags: TagSync,
    notifier: Notifier,
}

static WORKERS: LazyLock<Workers> = LazyLock::new(|| {
    let (registry, metrics) = (RegistryCache::default(), Metrics::default());
    Workers {
        capacity: CapacityTracker::new(registry.clone(), &metrics),
        jobs: JobMonitor::new(registry.clone(), &metrics),
        tags: TagSync::new(registry.clone(), &metrics),
        notifier: Notifier::new(true, registry, &metrics).with_buttons(true),
    }
});

pub(super) fn check(input: &[u8]) -> Checked {
    let body = text(input);
    match Envelope::parse(&body) {
        Ok(envelope) => says_what_it_is_given(&envelope, &body)?,
        Err(rejected) => is_short(&rejected, &body)?,
    }
    let message = Message {
        id: "1".to_owned(),
        receipt: "1".to_owned(),
        body: body.clone().into_owned(),
        receive_count: 1,
        sent_at: Timestamp::UNIX_EPOCH,
    };
    let received = Received::read(&message);
    if let Err(rejected) = &received {
        is_short(rejected, &body)?;
    }
    prop_assert_eq!(explain(&body).map(drop), received.map(drop), "`explain` and the workers differ");
    lines_up(&WORKERS.capacity, &message)?;
    lines_up(&WORKERS.jobs, &message)?;
    lines_up(&WORKERS.tags, &message)?;
    lines_up(&WORKERS.notifier, &message)
}

/// Read once more by who knows nothing of events; what is no text is none of our members.
fn says_what_it_is_given(envelope: &Envelope, body: &str) -> Checked {
    let Ok(given) = serde_json::from_str::<Value>(body) else { return Ok(()) };
    prop_assert_eq!(&json!(envelope.id), &given["id"]);
    prop_assert_eq!(&json!(envelope.source), &given["source"]);
    prop_assert_eq!(&json!(envelope.detail_type), &given["detail-type"]);
    prop_assert_eq!(&json!(envelope.account), &given["account"]);
    prop_assert_eq!(&json!(envelope.region), &given["region"]);
    prop_assert_eq!(given["time"].as_str().and_then(|time| time.parse().ok()), Some(envelope.time));
    let or = |member: &str, absent: Value| given.get(member).cloned().unwrap_or(absent);
    prop_assert_eq!(json!(envelope.resources), or("resources", json!([])));
    prop_assert_eq!(json!(envelope.detail), or("detail", json!({})));
    Ok(())
}

fn is_short(rejected: &Rejected, body: &str) -> Checked {
    let reason = rejected.to_string();
    prop_assert!(reason.chars().count() <= REASON, "the reason is {} long", reason.len());
    prop_assert!(!reason.contains(char::is_control), "the reason breaks lines: {:?}", reason);
    let reason: Vec<char> = reason.chars().collect();
    for piece in reason.windows(QUOTED) {
        prop_assert!(!body.contains(&piece.iter().collect::<String>()), "the body is repeated: {:?}", reason);
    }
    Ok(())
}

fn lines_up<W: Worker>(worker: &W, message: &Message) -> Checked {
    match worker.sort(message) {
        Ok(sorted) => prop_assert!(sorted.lane.len() <= LANE, "{}: a lane of {}", W::NAME, sorted.lane.len()),
        Err(rejected) => is_short(&rejected, &message.body)?,
    }
    Ok(())
}
