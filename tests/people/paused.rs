//! R15: of three notifiers one is paused for longer than its claims, wherever it was, and finds that others went on.

use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::memory::Fault;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_tests::company::place;

use super::stage::{Stage, stall};

/// So many calls it takes at most until an alert is told.
const POINTS: usize = 40;

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

#[tokio::test(start_paused = true)]
async fn a_notifier_that_is_paused_anywhere_makes_two_of_an_alert_at_most() {
    for point in 0..POINTS {
        let stage = Stage::new();
        let paused = stage.notifier();
        // It has the message before the others are there.
        stage.happens(1, stall(&place(1), 1, Severity::Critical, (Happened::Opened, 1), stage.world.now()));
        paused.fail_at(point, Fault::Late(Duration::from_mins(4)));
        tokio::time::sleep(Duration::from_secs(1)).await;
        stage.notifier();
        stage.notifier();
        tokio::time::sleep(Duration::from_mins(10)).await;
        let (mails, messages) = (told(&stage, is_mail), told(&stage, is_slack));
        assert!(
            (1..=2).contains(&mails) && (1..=2).contains(&messages),
            "{mails}, {messages}: point {point}"
        );
    }
}
