//! Events that can be read and must not be acted on: they are recorded.

use std::time::Duration;

use drs_fleet_domain::ids::Region;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys;
use drs_fleet_domain::unhandled::{Reason, UnhandledRow};
use drs_fleet_local::events::ServiceEvent;
use jiff::Timestamp;
use serde_json::json;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

const STALLED: &str = "DRS Source Server Data Replication Stalled Change";

fn event(hub: &Hub, spoke: usize, detail_type: &str, time: Option<Timestamp>) -> ServiceEvent {
    let (account, region) = hub.site(spoke);
    let server = &hub.servers(spoke)[0];
    ServiceEvent {
        source: "aws.drs".to_owned(),
        detail_type: detail_type.to_owned(),
        time,
        resources: vec![format!("arn:aws:drs:{region}:{account}:source-server/{server}")],
        detail: json!({"state": "STALLED"}),
    }
}

async fn recorded(hub: &Hub, reason: Reason) -> UnhandledRow {
    until(format!("a row of events set aside as {}", reason.as_str()), async || {
        for range in keys::all_unhandled("capacity-tracker") {
            let found = hub.rows::<UnhandledRow>(&range).await.into_iter().find(|row| row.reason == reason);
            if found.is_some() {
                return found;
            }
        }
        None
    })
    .await
}

async fn nobody_was_told(hub: &Hub) {
    for spoke in 0..2 {
        assert_eq!(hub.incidents(spoke).await, [], "spoke {spoke}");
    }
    assert_eq!((hub.slack.texts().len(), hub.mails().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_an_unregistered_account_are_counted_and_told_and_not_acted_on() {
    let hub = Hub::start(Plan { registered: 1, ..Plan::default() }).await;
    hub.emit(1, &event(&hub, 1, STALLED, None));
    let row = recorded(&hub, Reason::Unregistered).await;
    assert_eq!((row.account.as_str(), row.subject.as_str()), hub.site(1));
    let told = until("the message that it is not registered", async || hub.slack.texts().into_iter().next());
    assert!(told.await.starts_with("Unregistered account sends events"));
    assert_eq!(row.regions.keys().map(Region::as_str).collect::<Vec<_>>(), [hub.site(1).1]);
    let incidents = hub.incidents(1).await;
    let kinds: Vec<_> = incidents.iter().map(|incident| incident.latest.kind).collect();
    assert_eq!(kinds, [IncidentKind::UnregisteredAccount]);
    assert!(hub.rows::<drs_fleet_domain::server::ServerRow>(&keys::servers(&hub.place(1))).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_type_that_aws_adds_is_counted_and_not_an_error() {
    let hub = Hub::start(Plan::default()).await;
    hub.emit(0, &event(&hub, 0, "DRS Recovery Plan Execution State Change", None));
    let row = recorded(&hub, Reason::UnknownType).await;
    assert_eq!(row.count, 1);
    assert_eq!(row.subject, "aws.drs/DRS Recovery Plan Execution State Change");
    nobody_was_told(&hub).await;
    assert!(hub.queued("drs-fleet-capacity-dlq").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_from_the_future_is_counted_and_not_acted_on() {
    // Real time, so that what lies ahead does not come to pass while the test runs.
    let hub = Hub::start(Plan { speed: 1.0, ..Plan::default() }).await;
    let ahead = hub.world().clock.now().checked_add(Duration::from_mins(20)).unwrap();
    hub.emit(0, &event(&hub, 0, STALLED, Some(ahead)));
    assert_eq!(recorded(&hub, Reason::FromTheFuture).await.count, 1);
    nobody_was_told(&hub).await;
}
