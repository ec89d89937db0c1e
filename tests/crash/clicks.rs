//! Clicks in Slack, wherever the notifier dies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::memory::SIGNING_SECRET;
use drs_fleet_aws::verdict::{Neighbour, Verdict};
use drs_fleet_domain::click::{ACKNOWLEDGE, BEGINNING};
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::routes::Telling;
use drs_fleet_domain::notify::{Channel, ChannelName, Routes, RoutesRow};
use drs_fleet_local::slack;
use notifier::Notifier;
use serde_json::json;

use super::Path;
use super::ending::Ending;
use super::notices::{envelope, notifier};
use super::scene::{Scene, play};
use super::world::early;

/// Everything is told in Slack, as a bot, and there is somebody who listens to its buttons.
fn notifier_with_buttons() -> Notifier {
    notifier().with_buttons(true)
}

fn in_slack_as_a_bot(scene: &Scene) {
    let name = ChannelName::try_from("team".to_owned()).unwrap();
    let team = Channel::Slack { secret: "drs-fleet/slack-bot".to_owned(), channel: "C0123456789".to_owned() };
    let default = Telling { channels: Some(vec![name.clone()]), ..Telling::default() };
    let policy = Routes { default, channels: [(name, team)].into(), ..Routes::default() };
    scene.world.set_row(&RoutesRow { policy, set_by: "a test".to_owned(), set_at: early(0) });
}

/// What Ada clicks on, as the endpoint puts it on the queue, signed with this secret.
fn clicks(scene: &Scene, secret: &str) {
    let key = scene.world.table().into_keys().find(|key| key.sk == "group").unwrap();
    let payload = json!({
        "type": "block_actions",
        "user": {"id": "U0ADA", "username": "ada"},
        "actions": [{"action_id": ACKNOWLEDGE, "value": format!("{}#1", key.pk.strip_prefix("group#").unwrap())}],
    });
    let body =
        form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
    let timestamp = scene.world.now().as_second().to_string();
    let signature = slack::signature(secret, &timestamp, &body);
    let [timestamp, signature, body] = [timestamp, signature, body].map(|text| STANDARD.encode(text));
    let rest = format!(r#""timestamp":"{timestamp}","signature":"{signature}","body":"{body}"}}"#);
    scene.world.put_message(format!("{BEGINNING}{rest}"));
}

/// Plays it without fault, and with each fault at each point from the click on. A message that is sent again begins another
/// thread here, so endings are not the same to the letter.
async fn survives(steps: &'static [fn(&Scene)], check: impl Fn(&Ending, &str)) {
    let path = Path { make: notifier_with_buttons, steps };
    let (points, clean) = path.played(|_| {}).await;
    check(&clean, "without fault");
    let clicked = points.iter().position(|point| *point == "is_signed").unwrap();
    path.survives(&points, clicked, check).await;
}

fn acknowledged_by(ending: &Ending) -> Vec<Option<String>> {
    ending.all::<IncidentRow>().into_iter().map(|row| row.ack.map(|ack| ack.by)).collect()
}

/// Of each message in Slack, whether it has a button.
fn buttons(ending: &Ending) -> Vec<bool> {
    let messages = ending.notices.iter().map(|notice| match notice {
        Notice::Slack { message, .. } => message.to_string().contains(ACKNOWLEDGE),
        other => panic!("all is told in Slack: {other:?}"),
    });
    messages.collect()
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_click_acknowledges_and_is_shown_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            in_slack_as_a_bot(scene);
            scene.put(&envelope(0));
        },
        |scene| clicks(scene, SIGNING_SECRET),
    ];
    survives(steps, |ending, case| {
        ending.assert_nothing_is_left(case);
        assert_eq!(acknowledged_by(ending), [Some("slack:ada (U0ADA)".to_owned())], "{case}");
        let mut shown = buttons(ending);
        // At most one call may have been made twice.
        shown.dedup();
        assert_eq!(shown, [true, false], "{case}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_forged_click_leaves_no_trace_and_no_dead_letter_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            in_slack_as_a_bot(scene);
            scene.put(&envelope(0));
        },
        |scene| clicks(scene, "a signing secret of somebody else"),
    ];
    survives(steps, |ending, case| {
        ending.assert_nothing_is_left(case);
        assert_eq!((acknowledged_by(ending), buttons(ending)), (vec![None], vec![true]), "{case}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn clicks_that_cannot_be_verified_are_dropped_before_they_become_dead_letters() {
    for verdict in [Verdict::Denied, Verdict::Transient] {
        let scene = Scene::new().await;
        in_slack_as_a_bot(&scene);
        scene.world.redrive_after(10);
        scene.put(&envelope(0));
        play(&scene, notifier_with_buttons, &[|_| {}]).await;
        scene.break_down(Neighbour::Secrets, verdict);
        clicks(&scene, SIGNING_SECRET);
        play(&scene, notifier_with_buttons, &[|_| {}]).await;
        let left = (scene.world.queued(), scene.world.dead_letters().len());
        assert_eq!(left, (0, 0), "{verdict:?}");
    }
}
