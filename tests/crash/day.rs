//! A day in which much is wrong and nothing changes: rows do not grow, and no timer spins.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_domain::policy::Thresholds;
use drs_fleet_testkit::work::work;

use super::capacity::tracker;
use super::ending::Ending;
use super::scene::{Scene, judges_by};
use super::world::{arn, now, place, server, server_id, stalled, tick};

/// How often the schedule ticks in a day.
const TICKS: u64 = 288;

/// Revisions of each item; each write is one.
fn revisions(scene: &Scene) -> BTreeMap<String, u64> {
    scene.world.table().iter().map(|(key, item)| (format!("{}/{}", key.pk, key.sk), item.rev)).collect()
}

/// A server's revision, and the length of its row.
fn server_item(scene: &Scene, n: u8) -> (u64, usize) {
    let table = scene.world.table();
    let end = format!("server#{}", server_id(n));
    let item = table.iter().find(|(key, _)| key.sk == end).unwrap().1;
    (item.rev, item.json.len())
}

/// The first server's first replication is stuck, the second one is stalled, and the third flaps from tick to tick.
/// Of the Region of the source machines nothing is heard.
#[tokio::test(start_paused = true)]
async fn a_day_in_which_much_is_wrong_is_a_few_writes_and_told_once() {
    let scene = Scene::new().await;
    let thresholds = Thresholds {
        silent_after: Some(Duration::from_mins(15).into()),
        stalled_critical_after: Some(Duration::from_mins(10).into()),
        initial_sync_stuck_after: Some(Duration::from_hours(6).into()),
        ..Thresholds::default()
    };
    judges_by(&scene.world, &thresholds);
    let working = tokio::spawn(work(scene.process(), tracker()));
    let mut length = 0;
    for n in 0..TICKS {
        let (state, event) = [("STALLED", "STALLED"), ("CONTINUOUS", "NOT_STALLED")][usize::from(n % 2 == 1)];
        scene
            .world
            .set_servers(&place(), vec![server(1, "INITIAL_SYNC"), server(2, "STALLED"), server(3, state)]);
        let before: u64 = revisions(&scene).values().sum();
        scene.put(&stalled(3, event, now(&scene)));
        scene.put(&tick(&scene));
        tokio::time::sleep(Duration::from_mins(5)).await;
        let writes = revisions(&scene).values().sum::<u64>() - before;
        assert!(n < 2 || writes <= 16, "{writes} writes between two ticks: {:#?}", revisions(&scene));
        if n == 21 {
            length = server_item(&scene, 3).1;
        }
    }
    let (writes, grown) = server_item(&scene, 3);
    assert!(grown <= length + 8, "the row of {} grew from {length} to {grown} bytes", arn(3));
    assert!(writes <= 3 * TICKS, "{writes} writes of what flaps");
    for n in [1, 2] {
        let (writes, _) = server_item(&scene, n);
        assert!(writes <= 6, "{writes} writes of server {n}, of which nothing changes but time");
    }
    tokio::time::sleep(Duration::from_mins(6)).await;
    working.abort();
    let told =
        Ending::of(&scene).incidents().into_iter().fold(BTreeMap::new(), |mut all, (kind, happened)| {
            *all.entry((kind, happened.detail_type())).or_insert(0) += 1;
            all
        });
    let of = |kind, happened: Happened, times| ((kind, happened.detail_type()), times);
    let stall = IncidentKind::ReplicationStalled;
    let expected = [
        of(stall, Happened::Opened, 2),
        of(stall, Happened::Escalated, 1),
        of(stall, Happened::Resolved, 2),
        of(stall, Happened::Reopened, 1),
        of(IncidentKind::InitialSyncStuck, Happened::Opened, 1),
        of(IncidentKind::SpokeSilent, Happened::Opened, 1),
    ];
    assert_eq!(
        told,
        expected.into(),
        "what flaps is told when it comes back for the first time, and when it is quiet"
    );
}
