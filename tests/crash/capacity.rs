//! The capacity-tracker's paths.

use std::collections::BTreeMap;
use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_domain::policy::Thresholds;
use drs_fleet_domain::registry::AccountRow;
use drs_fleet_domain::seen::ServerSeen;
use serde_json::json;

use super::Path;
use super::ending::Ending;
use super::scene::{Scene, judges_by, play};
use super::world::{
    account, api_call, disconnect, early, event, heartbeat, instance, now, place, refuse, server, server_id,
    snapshot, stalled, tick, wish,
};

const STRANGER: &str = "444455556666";

pub(super) fn tracker() -> CapacityTracker {
    CapacityTracker::new(RegistryCache::default(), &Metrics::default())
}

fn path(steps: &'static [fn(&Scene)]) -> Path<CapacityTracker> {
    Path { make: tracker, steps }
}

/// Five servers of which one is stalled.
pub(super) fn five(scene: &Scene) {
    let state = |n| if n == 3 { "STALLED" } else { "CONTINUOUS" };
    scene.world.set_servers(&place(), (1..=5).map(|n| server(n, state(n))).collect());
}

fn sweep(scene: &Scene) {
    scene.put(&tick(scene));
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_stall_and_its_end_are_told_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| scene.put(&stalled(1, "STALLED", early(10))),
        |scene| scene.put(&stalled(1, "NOT_STALLED", early(70))),
        |scene| scene.put(&stalled(2, "STALLED", early(80))),
    ];
    let (points, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.published.len(), 3);
    for name in ["receive", "query", "read", "commit", "publish", "published", "delete", "due"] {
        assert!(points.contains(&name), "{name}");
    }
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_heartbeat_and_a_call_bring_a_sweep_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            five(scene);
            scene.put(&heartbeat(early(5)));
        },
        |scene| scene.put(&api_call("DeleteSourceServer", now(scene), &json!(null))),
    ];
    let (points, clean) = path(steps).survives_everything().await;
    assert!(points.contains(&"enqueue") && points.contains(&"source_servers"));
    let told = clean.incidents().into_iter().map(|(_, happened)| happened);
    assert!(told.eq([Happened::Opened]), "the stalled one");
}

#[tokio::test(start_paused = true)]
pub(super) async fn sweeps_find_what_stalled_what_recovered_and_what_is_gone_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.keeps_hearing();
            five(scene);
            sweep(scene);
        },
        |scene| {
            let states = [(1, "STALLED"), (3, "CONTINUOUS"), (4, "CONTINUOUS"), (5, "DISCONNECTED")];
            scene.world.set_servers(&place(), states.map(|(n, state)| server(n, state)).into());
            scene.put(&wish(scene));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    let expected = [
        ((IncidentKind::ReplicationStalled, "Incident Opened"), 2),
        ((IncidentKind::ReplicationStalled, "Incident Resolved"), 1),
        ((IncidentKind::ServerDisconnected, "Incident Opened"), 1),
    ];
    assert_eq!(told(&clean), expected.into());
}

/// How often each was told.
fn told(ending: &Ending) -> BTreeMap<(IncidentKind, &'static str), usize> {
    ending.incidents().into_iter().fold(BTreeMap::new(), |mut all, (kind, happened)| {
        *all.entry((kind, happened.detail_type())).or_default() += 1;
        all
    })
}

#[tokio::test(start_paused = true)]
pub(super) async fn the_link_of_a_server_goes_when_it_is_gone_or_protects_another_instance_wherever_the_tracker_dies()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.set_servers(&place(), (1..=3).map(|n| server(n, "CONTINUOUS")).collect());
            sweep(scene);
        },
        |scene| {
            let moved = ServerSeen { instance: server(7, "").instance, ..server(2, "CONTINUOUS") };
            scene.world.set_servers(&place(), vec![server(1, "CONTINUOUS"), moved]);
            scene.put(&wish(scene));
        },
    ];
    let (points, clean) = path(steps).survives_everything().await;
    assert!(points.contains(&"forget"));
    let of = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
    let links = clean.rows.iter().filter(|(key, _)| key.starts_with("instance#"));
    let links: Vec<_> = links.map(|(_, row)| (of(row, "instance"), of(row, "server"))).collect();
    assert_eq!(links, [(instance(1), server_id(1)), (instance(7), server_id(2))]);
    let details = clean.rows.iter().filter(|(key, _)| key.contains("/details#"));
    let gone: Vec<_> = details.map(|(_, row)| row.get("gone_since").is_some()).collect();
    assert_eq!(gone, [false, false, true], "what the third was made of is kept with it");
}

#[tokio::test(start_paused = true)]
async fn the_link_of_a_server_comes_back_with_it_though_an_event_told_first() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.set_servers(&place(), vec![server(1, "CONTINUOUS")]);
            sweep(scene);
        },
        |scene| {
            scene.world.set_servers(&place(), Vec::new());
            scene.put(&wish(scene));
        },
        |scene| {
            scene.world.set_servers(&place(), vec![server(1, "STALLED")]);
            scene.put(&stalled(1, "STALLED", now(scene)));
        },
    ];
    let scene = Scene::new().await;
    play(&scene, tracker, steps).await;
    let table = scene.world.table();
    assert_eq!(table.keys().filter(|key| key.pk.starts_with("instance#")).count(), 1);
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_server_that_somebody_disconnects_and_its_last_recovery_point_are_kept_wherever_the_tracker_dies()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.keeps_hearing();
            scene.world.set_servers(&place(), vec![server(1, "CONTINUOUS"), server(2, "CONTINUOUS")]);
            sweep(scene);
        },
        |scene| {
            scene.world.set_servers(&place(), vec![server(1, "DISCONNECTED"), server(2, "DISCONNECTED")]);
            scene.put(&snapshot(1, now(scene)));
            scene.put(&disconnect(1, now(scene)));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(
        clean.incidents(),
        [(IncidentKind::ServerDisconnected, Happened::Opened)],
        "nobody asked for the second"
    );
    let first =
        clean.rows.iter().find(|(key, _)| key.ends_with(&format!("/server#{}", server_id(1)))).unwrap().1;
    assert!(first.get("snapshot_at").is_some() && first.get("disconnect_called_at").is_some());
}

/// Time alone opens and closes nothing twice.
#[tokio::test(start_paused = true)]
pub(super) async fn a_sync_that_is_stuck_and_a_stall_that_lasts_are_told_when_time_says_so_wherever_the_tracker_dies()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.keeps_hearing();
            scene.lets_pass(Duration::from_mins(14));
            scene.world.set_servers(&place(), vec![server(1, "INITIAL_SYNC"), server(2, "STALLED")]);
            let thresholds = Thresholds {
                initial_sync_stuck_after: Some(Duration::from_mins(3).into()),
                stalled_critical_after: Some(Duration::from_mins(2).into()),
                ..Thresholds::default()
            };
            judges_by(&scene.world, &thresholds);
            sweep(scene);
        },
        |scene| scene.put(&wish(scene)),
    ];
    let (_, clean) = path(steps).survives_everything().await;
    let expected = [
        ((IncidentKind::ReplicationStalled, "Incident Opened"), 1),
        ((IncidentKind::ReplicationStalled, "Incident Escalated"), 1),
        ((IncidentKind::InitialSyncStuck, "Incident Opened"), 1),
    ];
    assert_eq!(told(&clean), expected.into());
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_refusal_is_told_and_its_end_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            refuse(scene, &place());
            sweep(scene);
        },
        |scene| {
            scene.world.set_spoke_failure(&place(), None);
            scene.world.set_servers(&place(), vec![server(1, "CONTINUOUS")]);
            sweep(scene);
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.incidents().len(), 2);
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_is_not_acted_on_is_recorded_once_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.put(&event("aws.drs", "Added Later", early(1), "", &json!({})));
            let mut stranger = stalled(1, "STALLED", early(2));
            stranger["account"] = STRANGER.into();
            stranger["resources"] =
                json!([format!("arn:aws:drs:us-west-2:{STRANGER}:source-server/s-12345678901234567")]);
            scene.put(&stranger);
            scene.put(&stalled(2, "STALLED", now(scene) + jiff::SignedDuration::from_hours(1)));
        },
        |scene| {
            scene.world.set_row(&AccountRow { id: STRANGER.parse().unwrap(), ..account() });
            // Its incident is looked at every ten minutes.
            scene.lets_pass(Duration::from_mins(11));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    let recorded = clean.rows.keys().filter(|key| key.starts_with("unhandled#")).count();
    assert_eq!((recorded, clean.published.len()), (3, 2), "the stranger's incident is told, and its end");
}
