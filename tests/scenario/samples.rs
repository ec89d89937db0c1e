//! A sample that somebody sends to test a channel takes the road of every message.

use drs_fleet_aws::deliveries::DeliveryEditor;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::message;
use drs_fleet_domain::notify::{ChannelName, DeliveryRow};
use drs_fleet_domain::row::Row;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_arrives_in_the_mailbox_marked_as_a_test_and_is_recorded_as_sent() {
    let hub = Hub::start(Plan::default()).await;
    let operator = hub.fleet.operator.clone();
    let sample =
        message::sample(IncidentKind::JobFailed, Severity::Critical, 1, &hub.place(0), operator.now());
    let mail = ChannelName::try_from("mail".to_owned()).unwrap();
    let row = DeliveryRow::new(("test/1", 1), &mail, sample.into(), None);
    let editor = DeliveryEditor::new(operator, WriteToken::for_command_of_a_person());
    editor.send(&row).await.unwrap();
    let sent = until("the sample was sent", async || {
        hub.row::<DeliveryRow>(&row.key()).await.filter(|row| row.sent_at.is_some())
    })
    .await;
    assert_eq!((sent.attempts, sent.error), (1, None));
    let mails = hub.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].starts_with("Test: nothing is wrong - [CRITICAL] Failures in job"), "{mails:?}");
}
