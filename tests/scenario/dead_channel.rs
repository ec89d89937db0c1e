//! A channel that takes nothing is told over the others, until it takes what waited.

use drs_fleet_domain::notify::{ChannelName, Routes};
use drs_fleet_local::slack::Channel;

use super::threads::{CHANNEL, to_the_team};
use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

fn to_team_and_mail() -> Routes {
    let mut routes = to_the_team();
    let mail = ChannelName::try_from("mail".to_owned()).unwrap();
    routes.default.channels.get_or_insert_default().push(mail);
    routes
}

async fn mailed(hub: &Hub, beginning: &str, about: &str) {
    let is_it = |subject: &String| subject.starts_with(beginning) && subject.contains(about);
    let what = format!("a mail that begins with {beginning:?} and is about {about:?}");
    until(what, async || hub.mails().iter().any(is_it).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slack_that_refuses_everything_is_told_by_mail_and_gets_what_waited_once_it_is_mended() {
    let hub = Hub::start(Plan { routes: to_team_and_mail(), speed: 120.0, ..Plan::default() }).await;
    hub.workspace.set_channel(CHANNEL, Channel::Archived);
    let server = hub.servers(0)[0].clone();
    hub.world().drs.stall(hub.world(), hub.site(0), &server, "AGENT_NOT_SEEN").unwrap();
    mailed(&hub, "[HIGH] Replication stalled: ", "Payments").await;
    mailed(&hub, "[", "Channel takes no messages: team").await;
    assert!(hub.workspace.messages().is_empty());

    hub.workspace.set_channel(CHANNEL, Channel::Open);
    mailed(&hub, "Resolved: ", "Channel takes no messages: team").await;
    // How the stall went on meanwhile may be told by now as well, in its thread.
    let told = until("what waited", async || hub.workspace.messages().into_iter().next()).await;
    assert!(told["text"].as_str().unwrap().contains("Replication stalled: "), "{told}");
}
