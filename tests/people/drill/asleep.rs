//! What people read of a drill who wanted quiet while it lasted.

use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_domain::notify::{Routes, RoutesRow};
use drs_fleet_domain::own_event::{Happened, IncidentEvent};
use drs_fleet_testkit::company::{place, register};
use jiff::tz::TimeZone;
use serde_json::json;

use super::super::stage::Stage;
use super::{failed, told};

/// Bob, who wants quiet for the next hour, and what he read when it is over.
async fn after_bobs_night(happens: impl AsyncFnOnce(&Stage)) -> Vec<String> {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    bob_wants_quiet(&stage, 60);
    stage.notifier();
    happens(&stage).await;
    tokio::time::sleep(Duration::from_hours(2)).await;
    bob_read(&stage)
}

fn bob_wants_quiet(stage: &Stage, minutes: u64) {
    let clock = |minutes: u64| {
        let at = stage.world.now() + Duration::from_mins(minutes);
        at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
    };
    let quiet = json!({ "from": clock(0), "to": clock(minutes), "zone": "UTC" });
    let topic = json!({ "type": "topic", "arn": "arn:aws:sns:us-west-2:999900001111:drs-fleet-bob" });
    let routes: Routes = serde_json::from_value(json!({
        "channels": { "bob": topic }, "people": [{ "name": "bob", "channels": ["bob"], "quiet": quiet }],
    }))
    .unwrap();
    stage.world.set_row(&RoutesRow { policy: routes, set_by: "kim".into(), set_at: stage.world.now() });
}

fn bob_read(stage: &Stage) -> Vec<String> {
    let first_line = |notice| match notice {
        Notice::Topic { arn: Some(_), body, .. } => body.lines().next().map(str::to_owned),
        _ => None,
    };
    stage.world.notices().into_iter().filter_map(first_line).collect()
}

#[tokio::test(start_paused = true)]
async fn who_slept_through_a_drill_reads_in_the_morning_what_came_of_it_and_of_no_failure_in_it() {
    for is_mended in [false, true] {
        let read = after_bobs_night(async |stage| {
            let started_at = stage.world.now();
            stage.happens(1, told(3, "STARTED", started_at));
            tokio::time::sleep(Duration::from_mins(10)).await;
            stage.happens(2, told(3, "COMPLETED", stage.world.now()));
            let opened = failed(3, stage.world.now());
            stage.happens(3, opened.clone());
            tokio::time::sleep(Duration::from_mins(10)).await;
            if is_mended {
                let (happened, at) = (Happened::Resolved, stage.world.now());
                stage.happens(4, IncidentEvent { happened, at, sequence: 2, ..opened });
            }
        });
        assert_eq!(read.await, ["Drill ended: autumn: 99 of 100 servers launched"], "mended: {is_mended}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_slept_when_a_drill_began_reads_its_start_before_its_first_line_and_nothing_of_what_passed() {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    bob_wants_quiet(&stage, 30);
    stage.notifier();
    for wave in 1..=3 {
        stage.happens(1, told(wave, "STARTED", stage.world.now()));
        tokio::time::sleep(Duration::from_mins(14)).await;
        stage.happens(1, told(wave, "COMPLETED", stage.world.now()));
    }
    tokio::time::sleep(Duration::from_hours(1)).await;
    let wave = "Drill autumn, wave 3: 99 of 100 servers launched";
    let over = "Drill ended: autumn: 299 of 300 servers launched";
    assert_eq!(bob_read(&stage), ["Drill started: autumn", wave, over]);
}
