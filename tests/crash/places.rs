//! The capacity-tracker's paths that are about places: quotas and history, sweeps that end early.

use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::counts::{CountsOfDay, CountsOfHour};
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys;
use drs_fleet_domain::own_event::{Happened, OwnEvent};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::policy::DRILL_TAG;
use drs_fleet_domain::quota::Quota;
use drs_fleet_domain::row::Row;
use drs_fleet_domain::seen::{QuotaSeen, ServerSeen};
use drs_fleet_domain::server::ServerRow;
use futures::FutureExt;

use super::Path;
use super::capacity::tracker;
use super::ending::Ending;
use super::scene::{Scene, play};
use super::world::{account, place, server, server_id, tick, wish};

fn path(steps: &'static [fn(&Scene)]) -> Path<CapacityTracker> {
    Path { make: tracker, steps }
}

fn place_row(scene: &Scene) -> PlaceRow {
    scene.world.stored::<PlaceRow>(&keys::place(&place())).unwrap().unwrap().row
}

/// The row of a kind of which there is one.
fn only<R: Row>(ending: &Ending, begin: &str) -> serde_json::Value {
    let mut rows = ending.history.iter().filter(|(key, _)| key.contains(begin)).map(|(_, row)| row);
    let row = rows.next().unwrap().clone();
    assert!(rows.next().is_none(), "one row of {}", R::KIND);
    row
}

/// A server with a tag that opens a window for a drill.
fn tagged(n: u8) -> ServerSeen {
    let tags = [(DRILL_TAG.to_owned(), "spring 2028-01-01T00:00Z/6h".to_owned())].into();
    ServerSeen { tags, ..server(n, "CONTINUOUS") }
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_tag_opens_one_window_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.set_servers(&place(), vec![tagged(1), tagged(2)]);
            scene.put(&tick(scene));
        },
        |scene| {
            scene.world.set_servers(&place(), vec![server(1, "CONTINUOUS"), tagged(2)]);
            scene.put(&wish(scene));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    let mut windows = clean.rows.iter().filter(|(key, _)| key.contains("window#"));
    let (Some((_, window)), None) = (windows.next(), windows.next()) else {
        panic!("one window of one value")
    };
    assert_eq!((&window["name"], &window["author"]), (&"spring".into(), &"tag drs-fleet:drill".into()));
}

fn running(servers: u8) -> Vec<ServerSeen> {
    (1..=servers).map(|n| server(n, "CONTINUOUS")).collect()
}

#[tokio::test(start_paused = true)]
pub(super) async fn levels_by_the_applied_quota_and_their_history_are_kept_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            let code = Quota::Replicating.code().to_owned();
            scene.world.set_quotas(&place(), vec![QuotaSeen { code, value: 3, applied: true }]);
            scene.world.set_servers(&place(), running(2));
            scene.put(&tick(scene));
        },
        |scene| {
            scene.world.set_servers(&place(), running(3));
            scene.put(&wish(scene));
        },
    ];
    let (points, clean) = path(steps).survives_everything().await;
    assert!(points.contains(&"quotas"));
    let levels = |event: &OwnEvent| match event {
        OwnEvent::Capacity(event) => Some((event.before, event.status, event.limit)),
        _ => None,
    };
    let told: Vec<_> = clean.published.iter().filter_map(levels).collect();
    assert_eq!(told, [(Level::Unknown, Level::Ok, 3), (Level::Ok, Level::Critical, 3)]);
    assert_eq!(clean.incidents(), [(IncidentKind::CapacityReplicating, Happened::Opened)]);
    let day = only::<CountsOfDay>(&clean, "counts#day#");
    assert_eq!((&day["min"], &day["max"], &day["last"]), (&2.into(), &3.into(), &3.into()));
    let hour = only::<CountsOfHour>(&clean, "counts#hour#");
    assert_eq!(hour["points"], serde_json::json!([2, 3]));
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_sweep_that_ends_early_keeps_what_it_saw_and_says_so_wherever_the_tracker_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.set_page_size(&place(), Some(2));
            scene.world.set_servers(&place(), running(5));
            scene.put(&wish(scene));
        },
        |scene| {
            let states = [(1, "STALLED"), (2, "CONTINUOUS"), (3, "STALLED"), (4, "CONTINUOUS")];
            scene.world.set_servers(&place(), states.map(|(n, state)| server(n, state)).into());
            let revoked = IoError::new(Neighbour::Spoke, "DescribeSourceServers", Verdict::Denied, "revoked");
            scene.world.set_page_failure(&place(), Some((2, revoked)));
            scene.put(&wish(scene));
        },
        |scene| {
            let row = place_row(scene);
            assert_eq!(row.partial.map(|p| (p.servers, p.reason)), Some((2, "revoked".to_owned())));
            assert_eq!((row.status.level, row.counted.unwrap().servers), (Level::Unknown, 5));
            let stored = |n| {
                let key = keys::server(&place(), &server_id(n).parse().unwrap());
                scene.world.stored::<ServerRow>(&key).unwrap().unwrap().row
            };
            assert_eq!(stored(1).replication.state, "STALLED", "the page that was read");
            assert_eq!(stored(3).replication.state, "CONTINUOUS", "the page that was not");
            assert_eq!(stored(5).gone_since, None, "nobody knows");
            scene.world.set_page_failure(&place(), None);
            scene.put(&wish(scene));
        },
        |scene| {
            let row = place_row(scene);
            assert_eq!((row.partial, row.status.level, row.counted.unwrap().servers), (None, Level::Ok, 4));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    let denied = |happened| (IncidentKind::AccountDenied, happened);
    let stalled = (IncidentKind::ReplicationStalled, Happened::Opened);
    let expected = [stalled, denied(Happened::Opened), stalled, denied(Happened::Resolved)];
    assert_eq!(clean.incidents(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_sweep_is_tried_again_and_says_what_it_read_meanwhile() {
    let scene = Scene::new().await;
    let steps: &[fn(&Scene)] = &[|scene| {
        scene.world.set_page_size(&place(), Some(2));
        scene.world.set_servers(&place(), running(5));
        let throttled = IoError::new(Neighbour::Spoke, "DescribeSourceServers", Verdict::Throttled, "slower");
        scene.world.set_page_failure(&place(), Some((4, throttled)));
        scene.put(&tick(scene));
        let world = scene.world.clone();
        tokio::spawn(async move {
            // Its page was asked for again for half a minute.
            tokio::time::sleep(Duration::from_secs(40)).await;
            let row = world.stored::<PlaceRow>(&keys::place(&place())).unwrap().unwrap().row;
            assert_eq!(row.partial.map(|p| (p.servers, p.reason)), Some((4, "slower".to_owned())));
            world.set_page_failure(&place(), None);
        });
    }];
    play(&scene, tracker, steps).await;
    let row = place_row(&scene);
    assert_eq!((row.partial, row.counted.unwrap().servers), (None, 5));
}

#[tokio::test(start_paused = true)]
pub(super) async fn all_that_is_known_of_servers_of_a_removed_account_is_forgotten_in_the_end_wherever_the_tracker_dies()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.set_servers(&place(), running(2));
            scene.put(&wish(scene));
        },
        |scene| {
            scene.world.forget(&account().key()).now_or_never().unwrap().unwrap();
            scene.put(&wish(scene));
        },
        // Where the registry could not be read again, the last one did.
        |scene| scene.put(&wish(scene)),
    ];
    let (_, clean) = path(steps).survives_everything().await;
    for kind in ["/server#", "/details#"] {
        let rows: Vec<_> =
            clean.rows.iter().filter(|(key, _)| key.starts_with("place#") && key.contains(kind)).collect();
        assert_eq!(rows.len(), 2, "{kind}");
        assert!(rows.iter().all(|(_, row)| !row["forget_at"].is_null()), "{rows:?}");
    }
}

#[tokio::test(start_paused = true)]
pub(super) async fn ticks_that_piled_up_are_asked_for_together() {
    let steps: &[fn(&Scene)] = &[|scene| {
        scene.world.set_servers(&place(), running(3));
        (0..20).for_each(|_| scene.put(&tick(scene)));
    }];
    let (points, _) = path(steps).survives_everything().await;
    let calls = |name| points.iter().filter(|point| **point == name).count();
    assert_eq!(calls("source_servers"), 2, "for all of them, and once more since it was the first sweep");
    assert!(calls("enqueue") <= 3, "{} requests for 20 ticks", calls("enqueue"));
}
