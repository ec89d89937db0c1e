//! A sample that somebody sends to test a channel takes the road of every message.

use drs_fleet_aws::io::Io;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::notify::{ChannelName, DeliveryRow, SampleEvent};
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::row::Row;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_arrives_in_the_mailbox_marked_as_a_test_and_is_recorded_as_sent() {
    let hub = Hub::start(Plan::default()).await;
    let operator = hub.fleet.operator.clone();
    let place = hub.place(0);
    let asked = SampleEvent {
        event_id: "1".to_owned(),
        channel: ChannelName::try_from("mail".to_owned()).unwrap(),
        kind: IncidentKind::JobFailed,
        severity: Severity::Critical,
        incidents: 1,
        account_id: place.account,
        region: place.region,
        at: operator.now(),
    };
    let key = asked.delivery().key();
    // Twice, as the bus may bring it.
    let events = [(); 2].map(|()| OwnEvent::Sample(Box::new(asked.clone())));
    operator.publish(&events).await.unwrap();
    let sent = until("the sample was sent", async || {
        hub.row::<DeliveryRow>(&key).await.filter(|row| row.sent_at.is_some())
    })
    .await;
    assert_eq!((sent.attempts, sent.error), (1, None));
    let mails = hub.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].starts_with("Test: nothing is wrong - [CRITICAL] Failures in job"), "{mails:?}");
}
