//! In Slack as a bot, a group is one thread, whose first message shows how the group stands.

use drs_fleet_domain::notify::{Channel, ChannelName, Routes};
use drs_fleet_local::slack;
use serde_json::Value;

use crate::support::hub::{Hub, Plan, each_at_once};
use crate::support::wait::until;

pub(super) const CHANNEL: &str = "C0123456789";

pub(super) fn to_the_team() -> Routes {
    let name = ChannelName::try_from("team".to_owned()).unwrap();
    let team = Channel::Slack { secret: "drs-fleet/slack-bot".to_owned(), channel: CHANNEL.to_owned() };
    let mut routes = each_at_once();
    routes.default.channels = Some(vec![name.clone()]);
    routes.channels.insert(name, team);
    routes
}

pub(super) async fn messages(hub: &Hub, count: usize) -> Vec<Value> {
    until(format!("{count} messages"), async || {
        let all = hub.workspace.messages();
        (all.len() == count).then_some(all)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_stall_is_a_reply_and_turns_the_first_message() {
    let hub = Hub::start(Plan { routes: to_the_team(), ..Plan::default() }).await;
    hub.workspace.set_channel(CHANNEL, slack::Channel::Open);
    let server = hub.servers(0)[0].clone();
    hub.world().drs.stall(hub.world(), hub.site(0), &server, "AGENT_NOT_SEEN").unwrap();
    let opened = messages(&hub, 1).await.remove(0);
    assert_eq!((opened["channel"].as_str(), opened.get("thread_ts")), (Some(CHANNEL), None));
    assert!(opened["text"].as_str().unwrap().starts_with("Replication stalled: "), "{opened}");

    hub.world().drs.recover(hub.world(), hub.site(0), &server).unwrap();
    let all = messages(&hub, 2).await;
    assert_eq!(all[1]["thread_ts"], opened["ts"], "a reply in its thread");
    assert!(
        all[0]["text"].as_str().unwrap().starts_with("Resolved: "),
        "the first message turned: {}",
        all[0]
    );
    let color = |message: &Value| message["attachments"][0]["color"].as_str().map(str::to_owned);
    assert_eq!((color(&opened), color(&all[0])), (Some("#ffcc00".into()), Some("#36a64f".into())));
}
