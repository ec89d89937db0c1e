//! Over which routes a drill is told.

use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::{Label, Matchers, Routes, RoutesRow, WindowRow};
use drs_fleet_domain::own_event::{Happened, IncidentEvent, JobEvent, OwnEvent};
use drs_fleet_testkit::company::{place, register, window};
use serde_json::json;

use super::super::stage::{Stage, stall};
use super::{close_window, editor, job, open_window, told};

/// Three routes that look at drills or at accounts, each with a topic of its own.
fn three_routes(stage: &Stage) {
    let topic = |name| json!({ "type": "topic", "arn": format!("arn:aws:sns:us-west-2:999900001111:drs-fleet-{name}") });
    let routes: Routes = serde_json::from_value(json!({
        "channels": { "audit": topic("audit"), "erp": topic("erp"), "other": topic("other") },
        "routes": [
            { "name": "audit", "match": { "drill": "drill" }, "continue": true, "channels": ["audit"] },
            { "name": "other", "match": { "account": place(2).account }, "channels": ["other"] },
            { "name": "erp", "match": { "account": place(1).account }, "channels": ["erp"] },
        ],
    }))
    .unwrap();
    let set_at = stage.world.now();
    stage.world.set_row(&RoutesRow { policy: routes, set_by: "kim".into(), set_at });
}

/// The topics that were told, by the ends of their names.
fn topics(stage: &Stage) -> Vec<String> {
    let topic = |(_, notice): (_, Notice)| match notice {
        Notice::Topic { arn, .. } => {
            Some(arn.map_or("mail".to_owned(), |arn| arn.rsplit('-').next().unwrap().to_owned()))
        }
        _ => None,
    };
    let mut topics: Vec<_> = stage.world.sent().into_iter().filter_map(topic).collect();
    topics.sort_unstable();
    topics
}

#[tokio::test(start_paused = true)]
async fn a_drill_is_told_over_every_route_that_its_jobs_take_and_a_window_over_those_that_they_would() {
    for by_hand in [false, true] {
        let stage = Stage::new();
        register(&stage.world, &place(1));
        three_routes(&stage);
        stage.notifier();
        if by_hand {
            open_window(&stage).await;
        } else {
            stage.happens(1, told(1, "STARTED", stage.world.now()));
        }
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(topics(&stage), ["audit", "erp"], "by hand: {by_hand}");
    }
}

#[tokio::test(start_paused = true)]
async fn whose_servers_a_window_held_back_hears_of_its_end_and_no_pager_does() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    let topic = |name| json!({ "type": "topic", "arn": format!("arn:aws:sns:us-west-2:999900001111:drs-fleet-{name}") });
    let routes: Routes = serde_json::from_value(json!({
        "channels": { "erp": topic("erp"), "pager": topic("pager") },
        "routes": [
            { "name": "pager", "match": { "severity": "CRITICAL" }, "continue": true, "channels": ["pager"] },
            { "name": "erp", "match": { "application": "ERP" }, "channels": ["erp"] },
        ],
    }))
    .unwrap();
    let now = stage.world.now();
    stage.world.set_row(&RoutesRow { policy: routes, set_by: "kim".into(), set_at: now });
    stage.notifier();
    let matchers = Matchers::of([(Label::Subject, "s-*".to_owned())]);
    editor(&stage).open(&WindowRow { matchers, ..window(&place(1), now) }).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    let now = stage.world.now();
    let stall = stall(&place(1), 1, Severity::Critical, (Happened::Opened, 1), now);
    let stall = IncidentEvent { opened_at: now, application: Some("ERP".to_owned()), ..stall };
    stage.happens(1, stall.clone());
    tokio::time::sleep(Duration::from_mins(5)).await;
    stage.happens(
        2,
        IncidentEvent { happened: Happened::Resolved, sequence: 2, at: stage.world.now(), ..stall },
    );
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(topics(&stage), ["mail"], "its start");
    close_window(&stage).await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(topics(&stage), ["erp", "mail", "mail"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_told_of_failures_alone_reads_of_a_drill_in_which_a_server_failed() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    let topic = json!({ "type": "topic", "arn": "arn:aws:sns:us-west-2:999900001111:drs-fleet-pager" });
    let routes: Routes = serde_json::from_value(json!({
        "channels": { "pager": topic },
        "routes": [{ "name": "pager", "match": { "severity": ">=HIGH" }, "channels": ["pager"] }],
    }))
    .unwrap();
    stage.world.set_row(&RoutesRow { policy: routes, set_by: "kim".into(), set_at: stage.world.now() });
    stage.notifier();
    for wave in [1, 2] {
        stage.happens(1, told(wave, "STARTED", stage.world.now()));
        stage.happens(1, told(wave, "COMPLETED", stage.world.now()));
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(topics(&stage), ["mail", "mail", "mail"], "a start, and two waves in which nothing failed");
    stage.happens(1, told(3, "COMPLETED", stage.world.now()));
    tokio::time::sleep(Duration::from_mins(20)).await;
    let of_pager = topics(&stage).into_iter().filter(|topic| topic == "pager").count();
    assert_eq!(of_pager, 3, "that it is under way, what failed, and how it ended");
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_the_hub_cannot_use_brings_nobody_the_start_of_a_drill_again() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    register(&stage.world, &place(2));
    let alone =
        json!([{ "name": "alone", "match": { "account": place(2).account }, "group_by": ["account"] }]);
    let routes: Routes = serde_json::from_value(json!({ "routes": alone })).unwrap();
    stage.world.set_row(&RoutesRow { policy: routes, set_by: "kim".into(), set_at: stage.world.now() });
    stage.notifier_without_webhook();
    for (wave, account) in [(1, 1), (2, 2)] {
        let started = job(wave, "STARTED", stage.world.now());
        let started = JobEvent { account_id: place(account).account, ..started };
        stage.happens(1, OwnEvent::Job(Box::new(started)));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(topics(&stage), ["mail"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_hears_of_a_drill_late_is_told_of_its_start_once_and_nobody_else_again() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    register(&stage.world, &place(2));
    three_routes(&stage);
    stage.notifier();
    stage.happens(1, told(1, "STARTED", stage.world.now()));
    tokio::time::sleep(Duration::from_mins(1)).await;
    for wave in [2, 3] {
        let elsewhere = JobEvent { account_id: place(2).account, ..job(wave, "STARTED", stage.world.now()) };
        stage.happens(2, OwnEvent::Job(Box::new(elsewhere)));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(topics(&stage), ["audit", "erp", "other"]);
    }
}
