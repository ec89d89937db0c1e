//! The capacity-tracker's paths on which spokes fall silent, or seem to.

use std::time::Duration;

use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::own_event::Happened;
use serde_json::json;

use super::Path;
use super::capacity::tracker;
use super::ending::Ending;
use super::jobs::monitor;
use super::scene::{Scene, listens_for, play};
use super::tags::sync;
use super::world::{api_call, heartbeat, now, tick};

/// Five minutes of the schedule.
fn ticks(scene: &Scene) {
    scene.put(&tick(scene));
    scene.lets_pass(Duration::from_mins(5));
}

#[tokio::test(start_paused = true)]
pub(super) async fn silence_and_its_end_are_told_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            listens_for(&scene.world, Duration::from_mins(3));
            scene.put(&heartbeat(now(scene)));
            scene.put(&tick(scene));
        },
        // Who has just begun to work again hears for six minutes before it judges.
        ticks,
        |scene| {
            ticks(scene);
        },
        ticks,
        ticks,
        |scene| scene.put(&heartbeat(now(scene))),
    ];
    let (_, clean) = Path { make: tracker, steps }.survives_everything().await;
    let silent = |happened| (IncidentKind::SpokeSilent, happened);
    // The other place is the Region of the source machines, from which nothing ever came.
    let expected = [silent(Happened::Opened), silent(Happened::Opened), silent(Happened::Resolved)];
    assert_eq!(clean.incidents(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_tracker_that_gets_no_messages_reports_no_silence() {
    let scene = Scene::new().await;
    let steps: &[fn(&Scene)] = &[|scene| {
        listens_for(&scene.world, Duration::from_mins(15));
        scene.put(&heartbeat(now(scene)));
        scene.put(&tick(scene));
        scene.lets_pass(Duration::from_mins(40));
    }];
    play(&scene, tracker, steps).await;
    assert_eq!(Ending::of(&scene).incidents(), []);
}

/// Each Region of the account sends what another worker than the tracker gets, and what asks for nothing.
async fn others_hear(scene: &Scene) {
    let refused: &[fn(&Scene)] = &[|scene| {
        let mut call = api_call("StartRecovery", now(scene), &json!(null));
        call["detail"]["errorCode"] = "AccessDeniedException".into();
        scene.put(&call);
    }];
    play(scene, monitor, refused).await;
    let tagged: &[fn(&Scene)] = &[|scene| {
        let mut call = api_call("TagResource", now(scene), &json!(null));
        call["region"] = "us-east-1".into();
        scene.put(&call);
    }];
    play(scene, sync, tagged).await;
}

/// What is told of a spoke whose heartbeats stop; twelve minutes later [`others_hear`] it, or not.
async fn told_without_heartbeats(heard: bool) -> Vec<(IncidentKind, Happened)> {
    let scene = Scene::new().await;
    let known: &[fn(&Scene)] = &[|scene| {
        listens_for(&scene.world, Duration::from_mins(15));
        scene.put(&heartbeat(now(scene)));
        scene.put(&tick(scene));
        scene.lets_pass(Duration::from_mins(12));
    }];
    play(&scene, tracker, known).await;
    if heard {
        others_hear(&scene).await;
    }
    play(&scene, tracker, &[ticks, ticks]).await;
    Ending::of(&scene).incidents()
}

#[tokio::test(start_paused = true)]
async fn a_spoke_that_other_workers_hear_is_not_silent_though_its_heartbeats_are_lost() {
    let opened = (IncidentKind::SpokeSilent, Happened::Opened);
    assert_eq!(told_without_heartbeats(false).await, [opened, opened], "one for each Region");
    assert_eq!(told_without_heartbeats(true).await, []);
}
