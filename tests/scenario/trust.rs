//! What a spoke may send to the hub, it may send as itself only.

use drs_fleet_local::call::Principal;
use drs_fleet_local::events::ServiceEvent;
use serde_json::json;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn an_own_event_that_a_spoke_forges_tells_nobody() {
    let hub = Hub::start(Plan::default()).await;
    let (account, region) = hub.site(0);
    let forged = ServiceEvent {
        source: "drs-fleet".to_owned(),
        detail_type: "Incident Opened".to_owned(),
        time: None,
        resources: Vec::new(),
        detail: json!({
            "eventId": "forged", "incident": "forged", "happened": "OPENED", "kind": "ACCOUNT_DENIED",
            "severity": "CRITICAL", "accountId": account, "accountName": "Payments", "region": region,
            "subject": account, "subjectName": "forged", "openedAt": "2026-01-01T00:00:00Z",
            "at": "2026-01-01T00:00:00Z", "sequence": 1, "reason": "forged",
        }),
    };
    let spoke = Principal::Operator { account: account.to_owned() };
    let bus = hub.fleet.estate.output("BusArn");
    hub.world().events.put(hub.world(), &spoke, bus, &forged).unwrap();

    // What comes after it is told, and nothing else is.
    let server = hub.servers(0)[0].clone();
    hub.world().drs.stall(hub.world(), hub.site(0), &server, "AGENT_NOT_SEEN").unwrap();
    until("the message about a real stall", async || hub.slack.texts().into_iter().next()).await;
    assert!(hub.slack.texts().iter().all(|text| text.starts_with("Replication stalled")));
    assert_eq!(hub.incidents(0).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_cannot_write_to_the_hubs_queues() {
    let hub = Hub::start(Plan::default()).await;
    let queue = &hub.fleet.settings().workers["notifier"].queue_url;
    let body = json!({"QueueUrl": queue, "MessageBody": "{}"});
    let refusal = hub.call(hub.site(0), ("sqs", "SendMessage"), &body).await.unwrap_err();
    assert!(refusal.code.contains("AccessDenied"), "{refusal:?}");
}
