//! Whoever clicks on a message in Slack acknowledges what it shows; whoever only claims to be Slack does nothing.

use std::time::Duration;

use drs_fleet_aws::ack::Acknowledger;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_domain::notification::{Ack, IncidentRow};
use drs_fleet_domain::notify::routes::Escalation;
use drs_fleet_domain::notify::{ChannelName, Routes};
use drs_fleet_domain::row::Row;
use drs_fleet_local::slack::{self, Interaction, User};
use reqwest::StatusCode;
use serde_json::Value;

use super::threads::{CHANNEL, messages, to_the_team};
use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

const ADA: User<'_> = User { id: "U0ADA", name: "ada" };

/// What nobody acknowledges for so long is told by mail.
const ESCALATES_AFTER: Duration = Duration::from_mins(10);

fn escalating() -> Routes {
    let mut routes = to_the_team();
    let mail = ChannelName::try_from("mail".to_owned()).unwrap();
    routes.default.escalate = Some(vec![Escalation { after: ESCALATES_AFTER.into(), channels: vec![mail] }]);
    routes
}

/// A hub whose team was told of a stall.
async fn stalled() -> (Hub, Value) {
    let hub = Hub::start(Plan { routes: escalating(), speed: 60.0, ..Plan::default() }).await;
    hub.workspace.set_channel(CHANNEL, slack::Channel::Open);
    let server = hub.servers(0)[0].clone();
    hub.world().drs.stall(hub.world(), hub.site(0), &server, "AGENT_NOT_SEEN").unwrap();
    let root = messages(&hub, 1).await.remove(0);
    (hub, root)
}

fn click(hub: &Hub, root: &Value, user: User<'_>) -> Interaction {
    hub.workspace.click(root["ts"].as_str().unwrap(), user, hub.world().clock.now()).unwrap()
}

async fn post(hub: &Hub, Interaction { timestamp, signature, body }: Interaction) -> StatusCode {
    let fleet = &hub.fleet;
    let url = fleet.estate.slack_interactivity_url(fleet.endpoint()).unwrap();
    let request = reqwest::Client::builder().no_proxy().build().unwrap().post(url).body(body);
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    let request =
        request.header("X-Slack-Request-Timestamp", timestamp).header("X-Slack-Signature", signature);
    request.send().await.unwrap().status()
}

async fn incident(hub: &Hub) -> IncidentRow {
    hub.incidents(0).await.remove(0)
}

fn has_button(message: &Value) -> bool {
    message.to_string().contains("drs-fleet.acknowledge")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_click_acknowledges_and_a_forged_one_does_nothing() {
    let (hub, root) = stalled().await;
    assert!(has_button(&root), "{root}");

    let honest = click(&hub, &root, User { id: "U0MALLORY", name: "mallory" });
    let forged = slack::signature("a secret of somebody else's", &honest.timestamp, &honest.body);
    let other_body = honest.body.replace("mallory", "somebody");
    let old = (hub.world().clock.now().as_second() - 3_600).to_string();
    let replayed = slack::signature(&hub.workspace.signing_secret(), &old, &honest.body);
    for dropped in [
        Interaction { signature: forged, ..honest.clone() },
        Interaction { body: other_body, ..honest.clone() },
        Interaction { signature: String::new(), ..honest.clone() },
        Interaction { timestamp: old, signature: replayed, ..honest },
    ] {
        assert_eq!(post(&hub, dropped).await, StatusCode::OK, "the endpoint does not know");
    }
    let empty = async || hub.queued("drs-fleet-notifications").is_empty().then_some(());
    until("the queue to be empty", empty).await;
    assert_eq!(incident(&hub).await.ack, None);
    assert!(hub.queued("drs-fleet-notifications-dlq").is_empty(), "no stranger fills the dead letters");
    assert_eq!(hub.workspace.messages().len(), 1);

    assert_eq!(post(&hub, click(&hub, &root, ADA)).await, StatusCode::OK);
    let all = messages(&hub, 2).await;
    let row = incident(&hub).await;
    assert_eq!(row.ack.as_ref().map(|ack| ack.by.as_str()), Some("slack:ada (U0ADA)"));
    assert!(!has_button(&all[0]) && all[0].to_string().contains("by slack:ada (U0ADA)"), "{}", all[0]);
    assert_eq!(all[1]["thread_ts"], root["ts"], "a reply in the thread says so too");

    let escalates = row.latest.opened_at + ESCALATES_AFTER + Duration::from_mins(2);
    until("the time of the escalation to pass", async || (hub.world().clock.now() > escalates).then_some(()))
        .await;
    assert_eq!(hub.mails(), [""; 0], "nothing is escalated that somebody sees to");
    assert_eq!(hub.workspace.messages().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_at_the_command_line_takes_the_button_away_as_well() {
    let (hub, _) = stalled().await;
    let acknowledger = Acknowledger::new(hub.fleet.operator.clone(), WriteToken::for_command_of_a_person());
    let ack = Ack { by: "ben".to_owned(), at: hub.fleet.operator.now(), note: None };
    acknowledger.acknowledge(&[incident(&hub).await.key()], &ack).await.unwrap();
    let all = messages(&hub, 2).await;
    assert!(!has_button(&all[0]) && all[0].to_string().contains("Acknowledged: "), "{}", all[0]);
}
