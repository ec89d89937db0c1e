//! A stall is told once and closed once; so is an account that locks us out.

use serde_json::Value;

use drs_fleet_domain::notification::IncidentRow;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

/// Waits until all channels have the newest event of the spoke's only incident.
async fn told(hub: &Hub, spoke: usize, open: bool) -> IncidentRow {
    until(format!("an incident of spoke {spoke}, open: {open}, told on all channels"), async || {
        let mut incidents = hub.incidents(spoke).await;
        assert!(incidents.len() <= 1, "{incidents:?}");
        let row = incidents.pop()?;
        (row.is_open() == open && hub.is_told(&row).await).then_some(row)
    })
    .await
}

fn lasted(slack: &Value) -> bool {
    slack.to_string().contains("Lasted")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_is_told_once_on_each_channel_and_its_end_once_with_how_long_it_lasted() {
    let hub = Hub::start(Plan::default()).await;
    let server = hub.servers(0)[0].clone();
    hub.world().drs.stall(hub.world(), hub.site(0), &server, "AGENT_NOT_SEEN").unwrap();

    let row = told(&hub, 0, true).await;
    assert_eq!((row.latest.subject.as_str(), row.latest.account_name.as_str()), (&*server, "Payments"));
    let (slack, mails) = (hub.slack.texts(), hub.mails());
    assert_eq!((slack.len(), mails.len()), (1, 1), "{slack:?} {mails:?}");
    assert!(slack[0].starts_with("Replication stalled: ") && slack[0].ends_with("(Payments)"), "{slack:?}");
    assert!(mails[0].contains("Replication stalled: "), "{mails:?}");

    // Recovery, and later sweeps that see the same again.
    hub.world().drs.recover(hub.world(), hub.site(0), &server).unwrap();
    let closed = told(&hub, 0, false).await;
    assert_eq!(closed.latest.opened_at, row.latest.opened_at, "the same incident");
    assert!(closed.latest.at > closed.latest.opened_at);
    let (slack, mails) = (hub.slack.messages(), hub.mails());
    assert_eq!((slack.len(), mails.len()), (2, 2), "{slack:?} {mails:?}");
    assert!(!lasted(&slack[0]) && lasted(&slack[1]), "{slack:?}");
    assert!(mails[1].starts_with("Resolved: "), "{mails:?}");
    assert!(hub.incidents(1).await.is_empty(), "the other spoke has no part in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_whose_role_is_gone_is_told_once_and_again_when_it_is_back_and_others_go_on() {
    let hub = Hub::start(Plan::default()).await;
    let role_arn = hub.fleet.estate.spokes[0].role_arn.clone();
    let role = hub.world().iam.role(&role_arn).unwrap();
    assert!(hub.world().iam.delete_role(&role_arn));
    hub.fire("drs-fleet-sweep-capacity");
    let row = told(&hub, 0, true).await;
    assert_eq!(row.latest.kind.to_string(), "ACCOUNT_DENIED");

    // Refused again, which is no news; meanwhile the other spoke's stall is told as ever.
    hub.fire("drs-fleet-sweep-capacity");
    let server = hub.servers(1)[0].clone();
    hub.world().drs.stall(hub.world(), hub.site(1), &server, "UNSTABLE_NETWORK").unwrap();
    told(&hub, 1, true).await;
    let texts = hub.slack.texts();
    assert_eq!(texts.iter().filter(|text| text.contains("Account refuses access")).count(), 1, "{texts:?}");

    hub.world().iam.put_role(&role_arn, &role.trust, &role.policies).unwrap();
    hub.fire("drs-fleet-sweep-capacity");
    told(&hub, 0, false).await;
    let (slack, mails) = (hub.slack.texts(), hub.mails());
    assert_eq!((slack.len(), mails.len()), (3, 3), "{slack:?} {mails:?}");
    assert!(slack[2].starts_with("Resolved: Account refuses access"), "{slack:?}");
}
