//! R15: of three notifiers one is paused for longer than its claims, wherever it was, and finds that others went on.

use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::memory::{Fault, MemoryIo};
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_testkit::company::place;

use super::stage::{Stage, stall};

fn told(stage: &Stage, is_of: fn(&Notice) -> bool) -> usize {
    stage.world.notices().iter().filter(|notice| is_of(notice)).count()
}

fn is_mail(notice: &Notice) -> bool {
    matches!(notice, Notice::Topic { .. })
}

fn is_slack(notice: &Notice) -> bool {
    matches!(notice, Notice::SlackWebhook { .. })
}

async fn alert(stage: &Stage) {
    stage.happens(1, stall(&place(1), 1, Severity::Critical, (Happened::Opened, 1), stage.world.now()));
    tokio::time::sleep(Duration::from_mins(4)).await;
}

#[tokio::test(start_paused = true)]
async fn three_notifiers_tell_an_alert_once() {
    let stage = Stage::new();
    (0..3).for_each(|_| drop(stage.notifier()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    alert(&stage).await;
    assert_eq!((told(&stage, is_mail), told(&stage, is_slack)), (1, 1));
}

/// A notifier has the message before the others are there.
async fn alone(pause: Option<(usize, Fault)>) -> (Stage, MemoryIo) {
    let stage = Stage::new();
    let first = stage.notifier();
    stage.happens(1, stall(&place(1), 1, Severity::Critical, (Happened::Opened, 1), stage.world.now()));
    if let Some((point, pause)) = pause {
        first.fail_at(point, pause);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    (stage, first)
}

/// The points that a notifier passes until an alert is told and noted as such.
async fn points() -> usize {
    let (stage, first) = alone(None).await;
    assert_eq!((told(&stage, is_mail), told(&stage, is_slack)), (1, 1), "within the second");
    let points = first.points();
    let sent = points.iter().rposition(|name| *name == "send").unwrap();
    sent + 1 + points[sent..].iter().position(|name| *name == "commit").unwrap()
}

/// Pauses it at each of them.
async fn assert_two_at_most(way: fn(Duration) -> Fault, pause: Duration) {
    for point in 0..points().await {
        let (stage, paused) = alone(Some((point, way(pause)))).await;
        assert_eq!(paused.pauses(), [(point, pause)], "it was paused there, and nowhere else");
        stage.notifier();
        stage.notifier();
        // Longer than the longest claim.
        tokio::time::sleep(pause.max(Duration::from_mins(3)) + Duration::from_mins(1)).await;
        let (mails, messages) = (told(&stage, is_mail), told(&stage, is_slack));
        assert!(
            (1..=2).contains(&mails) && (1..=2).contains(&messages),
            "{mails}, {messages}: point {point}, {}",
            paused.points()[point]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_notifier_that_is_paused_for_a_minute_anywhere_makes_two_of_an_alert_at_most() {
    assert_two_at_most(Fault::Frozen, Duration::from_mins(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_notifier_that_is_paused_for_longer_than_any_claim_makes_two_of_an_alert_at_most() {
    assert_two_at_most(Fault::Frozen, Duration::from_mins(4)).await;
}

/// It goes on meanwhile: serves timers, and keeps its messages.
#[tokio::test(start_paused = true)]
async fn a_notifier_one_call_of_which_hangs_for_longer_than_any_claim_makes_two_of_an_alert_at_most() {
    assert_two_at_most(Fault::Late, Duration::from_mins(4)).await;
}

/// Those of its look at the group: after the incident, its member and the group were written, and before it is told.
async fn look() -> std::ops::Range<usize> {
    let (_, first) = alone(None).await;
    let points = first.points();
    let mut commits =
        points.iter().enumerate().filter(|(_, name)| **name == "commit").map(|(point, _)| point);
    commits.nth(3).unwrap()..points.iter().position(|name| *name == "send").unwrap()
}

/// Whoever was paused does not take what came since for what it was about to tell.
#[tokio::test(start_paused = true)]
async fn what_ends_while_a_notifier_is_paused_anywhere_is_told_to_be_over() {
    let pause = Duration::from_secs(150);
    for point in look().await {
        let (stage, paused) = alone(Some((point, Fault::Late(pause)))).await;
        stage.notifier();
        tokio::time::sleep(Duration::from_secs(100)).await;
        // One of them comes to the other.
        let over = stall(&place(1), 1, Severity::Critical, (Happened::Resolved, 2), stage.world.now());
        for n in 2..8 {
            stage.happens(n, over.clone());
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        tokio::time::sleep(Duration::from_mins(8)).await;
        let told = stage.digests("mail");
        let is_over = told.last().is_none_or(|(_, post)| post.is_over());
        assert!(is_over, "{told:#?}: point {point}, {}", paused.points()[point]);
    }
}
