//! `EventBridge`: own events onto the hub's bus.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use drs_fleet_domain::own_event::{OwnEvent, SOURCE};
use jiff::Timestamp;
use serde_json::Value;

use super::Answer;
use super::batch::Batcher;
use crate::verdict::{IoError, Neighbour, Verdict, classify, of_code};

const OPERATION: &str = "PutEvents";
/// How long the first event waits for others.
const WINDOW: Duration = Duration::from_millis(5);
/// Entries of one `PutEvents`.
const MAX: usize = 10;

/// What is put on the bus.
#[derive(Clone, Debug)]
struct Entry {
    detail_type: String,
    detail: String,
    /// When its cause happened; `None`: now.
    at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) struct Publisher(Batcher<Entry, ()>);

impl Publisher {
    pub(super) fn new(config: &SdkConfig, bus: Option<String>) -> Self {
        let client = Client::new(config);
        let call = move |entries| put(client.clone(), bus.clone(), entries);
        Self(Batcher::new(Neighbour::Bus, OPERATION, WINDOW, MAX, call))
    }

    pub(super) async fn publish(&self, events: &[OwnEvent]) -> Answer<()> {
        let entries: Answer<Vec<_>> = events.iter().map(entry).collect();
        self.0.ask(entries?).await.into_iter().collect()
    }

    /// Puts a detail of its own type on the bus.
    pub(super) async fn tell(&self, detail_type: &str, detail: &Value) -> Answer<()> {
        let entry = Entry { detail_type: detail_type.to_owned(), detail: detail.to_string(), at: None };
        self.0.ask([entry]).await.into_iter().collect()
    }
}

async fn put(client: Client, bus: Option<String>, entries: Vec<Entry>) -> Vec<Answer<()>> {
    let count = entries.len();
    let Some(bus) = bus else {
        let error = failure(Verdict::Permanent, "this process has no bus");
        return vec![Err(error); count];
    };
    let asked = entries.into_iter().map(|entry| request(&bus, entry)).collect();
    match client.put_events().set_entries(Some(asked)).send().await {
        Ok(answer) => {
            // One result per entry, in order; an `Ok` answer may hold failures.
            let mut results = answer.entries.unwrap_or_default().into_iter();
            (0..count).map(|_| outcome(results.next())).collect()
        }
        Err(error) => vec![Err(classify(Neighbour::Bus, OPERATION, &error)); count],
    }
}

fn entry(event: &OwnEvent) -> Answer<Entry> {
    let detail = event
        .detail()
        .map_err(|e| failure(Verdict::Permanent, format!("event {}: {e}", event.event_id())))?;
    Ok(Entry {
        detail_type: event.detail_type().to_owned(),
        detail: detail.to_string(),
        at: Some(event.at()),
    })
}

fn request(bus: &str, entry: Entry) -> PutEventsRequestEntry {
    PutEventsRequestEntry::builder()
        .event_bus_name(bus)
        .source(SOURCE)
        .detail_type(entry.detail_type)
        .set_time(entry.at.map(|at| DateTime::from_millis(at.as_millisecond())))
        .set_resources(Some(Vec::new()))
        .detail(entry.detail)
        .build()
}

fn outcome(result: Option<PutEventsResultEntry>) -> Answer<()> {
    let Some(result) = result else { return Err(failure(Verdict::Transient, "no word about this event")) };
    let Some(code) = result.error_code else { return Ok(()) };
    // `InternalFailure` and throttling pass; what else there is (such as a malformed detail) does not.
    let message = format!("{code}: {}", result.error_message.unwrap_or_default());
    Err(failure(of_code(&code, 400), message))
}

fn failure(verdict: Verdict, message: impl Into<String>) -> IoError {
    IoError::new(Neighbour::Bus, OPERATION, verdict, message)
}

#[cfg(test)]
mod tests {
    use drs_fleet_domain::own_event::Happened;
    use serde_json::json;

    use super::*;
    use crate::io::Io;
    use crate::sdk::wire;

    fn event(id: &str) -> OwnEvent {
        let detail = json!({
            "eventId": id, "incident": "i", "happened": "OPENED", "kind": "REPLICATION_STALLED", "severity": "HIGH",
            "accountId": "111122223333", "accountName": "Payments", "region": "eu-central-1", "subject": "s",
            "subjectName": "db-1", "openedAt": "2026-01-01T00:00:00Z", "at": "2026-01-01T00:00:00Z",
            "sequence": 1, "reason": "AGENT_NOT_SEEN", "flaps": 0,
        });
        OwnEvent::Incident(serde_json::from_value(detail).unwrap())
    }

    #[tokio::test]
    async fn events_of_one_moment_are_one_call_and_each_caller_hears_of_its_own() {
        let results = json!({ "FailedEntryCount": 1, "Entries": [
            { "EventId": "1" }, { "ErrorCode": "ThrottlingException", "ErrorMessage": "slow" },
        ] });
        let (io, wire) = wire::io(move |_| (200, results.to_string()));
        let (one, other) = ([event("1")], [event("2")]);
        let (one, other) = tokio::join!(io.publish(&one), io.publish(&other));
        assert!(one.is_ok());
        assert_eq!(other.unwrap_err().verdict, Verdict::Throttled);
        let calls = wire.calls("PutEvents");
        assert_eq!(calls.len(), 1);
        let entry = calls[0].json()["Entries"][0].clone();
        assert_eq!(
            (entry["Source"].as_str(), entry["EventBusName"].as_str()),
            (Some("drs-fleet"), Some("drs-fleet"))
        );
        assert_eq!(entry["DetailType"], Happened::Opened.detail_type());
    }

    #[tokio::test]
    async fn more_than_ten_events_are_several_calls() {
        let (io, wire) = wire::io(|call| {
            let count = call.json()["Entries"].as_array().unwrap().len();
            (
                200,
                json!({ "FailedEntryCount": 0, "Entries": vec![json!({ "EventId": "1" }); count] })
                    .to_string(),
            )
        });
        let events: Vec<_> = (0..23).map(|n| event(&n.to_string())).collect();
        io.publish(&events).await.unwrap();
        assert_eq!(wire.calls("PutEvents").len(), 3);
    }

    #[tokio::test]
    async fn an_event_without_a_word_about_it_counts_as_not_published() {
        let (io, _) = wire::io(|_| (200, json!({ "FailedEntryCount": 0, "Entries": [] }).to_string()));
        assert_eq!(io.publish(&[event("1")]).await.unwrap_err().verdict, Verdict::Transient);
    }
}
