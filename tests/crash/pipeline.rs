//! From the tracker to people: what the one tells in any order and more than once, the other tells as it is.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::{Bulletin, DeliveryRow};
use drs_fleet_domain::own_event::{Happened, OwnEvent};
use drs_fleet_testkit::work::work;
use serde_json::Value;

use super::capacity::tracker;
use super::ending::{Ending, told_open};
use super::instances::shuffled;
use super::notices::notifier;
use super::scene::{Scene, play};
use super::world::{early, stalled};
use crate::samples::on_the_bus;

/// What people know who have read all e-mails: which incidents are open, of those that they were ever told of.
fn known(scene: &Scene) -> BTreeMap<String, bool> {
    let mut mails: Vec<DeliveryRow> = Ending::of(scene).all::<DeliveryRow>();
    mails.retain(|row| row.channel.as_str() == "mail" && row.sent_at.is_some());
    mails.sort_by_key(|row| (row.group.clone(), row.number));
    let mut known = BTreeMap::new();
    for row in mails {
        let Bulletin::Digest(digest) = row.bulletin else { panic!("no drill is told of here") };
        for event in digest.first {
            known.insert(event.incident, event.happened != Happened::Resolved);
        }
    }
    known
}

/// Servers 1 and 2 stall and recover, 1 once more; 3 to 6 stay stalled.
fn stalls(scene: &Scene) {
    for server in 1..=6 {
        scene.put(&stalled(server, "STALLED", early(10)));
    }
}

fn recoveries(scene: &Scene) {
    scene.put(&stalled(1, "NOT_STALLED", early(60)));
    scene.put(&stalled(2, "NOT_STALLED", early(70)));
}

fn again(scene: &Scene) {
    scene.put(&stalled(1, "STALLED", early(100)));
}

#[tokio::test(start_paused = true)]
async fn what_is_open_is_told_open_last_and_what_is_over_is_told_closed() {
    let hub = Scene::new().await;
    play(&hub, tracker, &[stalls, recoveries, again]).await;
    let told = hub.world.published_events();
    let envelopes: Vec<Value> = told.iter().enumerate().map(|(n, event)| on_the_bus(n, event)).collect();
    let truth = told_open(&told);
    assert_eq!(truth.values().filter(|open| **open).count(), 5, "{truth:?}");

    for seed in 0..20 {
        let scene = Scene::new().await;
        let instances: Vec<_> =
            (0..2).map(|_| tokio::spawn(work(scene.process().restarted(), notifier()))).collect();
        for envelope in shuffled(&envelopes, seed) {
            scene.put(&envelope);
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        scene.settles(Duration::from_hours(24)).await;
        instances.iter().for_each(tokio::task::JoinHandle::abort);
        assert_told(&scene, &told, &format!("seed {seed}"));
    }
}

fn assert_told(scene: &Scene, told: &[OwnEvent], case: &str) {
    let known = known(scene);
    for (incident, open) in told_open(told) {
        let event = told.iter().filter_map(OwnEvent::incident).find(|e| e.incident == incident).unwrap();
        let row = scene.world.stored::<IncidentRow>(&drs_fleet_domain::notification::key(event)).unwrap();
        let row = row.unwrap().row;
        assert_eq!(row.latest.happened != Happened::Resolved, open, "{incident}: {case}");
        // Whose end came before its beginning was never told, and needs no end.
        assert_eq!(known.get(&incident).copied().unwrap_or(false), open, "{incident}: {case}");
    }
}
