//! The capacity-tracker's paths.

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::registry::AccountRow;
use serde_json::json;

use super::Path;
use super::scene::Scene;
use super::world::{account, api_call, early, event, heartbeat, now, place, server, stalled, tick, wish};

const STRANGER: &str = "444455556666";

/// After this the schedule's request for a sweep is heeded again, also where the last one had to wait for the queue.
pub(super) const INTERVAL: Duration = Duration::from_mins(8);

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

fn deny(scene: &Scene) {
    let refusal = IoError::new(Neighbour::Spoke, "AssumeRole", Verdict::Denied, "not authorized");
    scene.world.set_spoke_failure(&place(), Some(refusal));
}

#[tokio::test(start_paused = true)]
async fn a_stall_and_its_end_are_told_wherever_the_tracker_dies() {
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
async fn a_heartbeat_and_a_call_bring_a_sweep_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            five(scene);
            scene.put(&heartbeat(early(5)));
        },
        |scene| scene.put(&api_call("DeleteSourceServer", now(scene), &json!(null))),
    ];
    let (points, clean) = path(steps).survives_everything().await;
    assert!(points.contains(&"enqueue") && points.contains(&"source_servers"));
    assert_eq!(clean.incidents().len(), 1, "the stalled one");
}

#[tokio::test(start_paused = true)]
async fn sweeps_find_what_stalled_what_recovered_and_what_is_gone_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
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
    assert_eq!(clean.incidents().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_its_end_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            deny(scene);
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
async fn what_is_not_acted_on_is_recorded_once_wherever_the_tracker_dies() {
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
