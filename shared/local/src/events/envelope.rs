//! The envelope that a bus puts around an event.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ServiceEvent;

/// An event on its way, with whether it has already gone from one bus to another.
#[derive(Clone, Debug)]
pub struct Travelling {
    pub event: Value,
    pub hopped: bool,
}

/// Stamps an event with the sender's account; the hop to another account keeps all of it.
pub fn stamp(event: &ServiceEvent, account: &str, region: &str, now: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": event.detail_type,
        "source": event.source,
        "account": account,
        "time": whole_seconds(event.time.unwrap_or(now)),
        "region": region,
        "resources": event.resources,
        "detail": event.detail,
    })
}

/// `EventBridge` time has a resolution of one second.
fn whole_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
