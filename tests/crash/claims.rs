//! Whose a sweep is, while its pages are waited for: two instances do not sweep one place at once, and each minds what
//! the other swept.

use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::{Io, Message};
use drs_fleet_aws::memory::{Fault, MemoryIo};
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::keys;
use drs_fleet_domain::place::PlaceRow;
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::capacity::tracker;
use super::scene::Scene;
use super::world::{place, server, wish};
use super::{Path, everywhere, worth_trying};

/// A place of which each page but the first is throttled, for so long a time that a claim would run out meanwhile.
fn throttle(world: &MemoryIo) {
    world.set_page_size(&place(), Some(2));
    world.set_servers(&place(), (1..=5).map(|n| server(n, "CONTINUOUS")).collect());
    let throttled = IoError::new(Neighbour::Spoke, "DescribeSourceServers", Verdict::Throttled, "slower");
    let retry_after = Some(Duration::from_secs(30));
    world.set_page_failure(&place(), Some((2, IoError { retry_after, ..throttled })));
}

/// An instance with its own view of the world.
pub(super) struct Instance(pub(super) MemoryIo, CapacityTracker);

impl Instance {
    pub(super) fn of(scene: &Scene) -> Self {
        Self(scene.process().restarted(), tracker())
    }

    /// Of which calls fail.
    pub(super) fn tried(scene: &Scene) -> Self {
        Self(scene.tried(), tracker())
    }

    /// Takes a request for a sweep that was put on the queue at `sent_at`.
    pub(super) fn takes(&self, scene: &Scene, sent_at: Timestamp) -> JoinHandle<Result<(), IoError>> {
        self.takes_together(&[wish(scene)], sent_at)
    }

    /// Takes messages of one lane.
    pub(super) fn takes_together(
        &self,
        bodies: &[Value],
        sent_at: Timestamp,
    ) -> JoinHandle<Result<(), IoError>> {
        let (io, worker) = (self.0.clone(), self.1.clone());
        let message = |body: &Value| Message {
            id: "m".to_owned(),
            receipt: String::new(),
            body: body.to_string(),
            receive_count: 1,
            sent_at,
        };
        let work = bodies.iter().map(|body| worker.sort(&message(body)).unwrap().work).collect();
        tokio::spawn(async move { worker.handle(&io, work).await })
    }

    fn pages(&self) -> usize {
        self.0.points().iter().filter(|point| **point == "source_servers").count()
    }
}

fn counted(scene: &Scene) -> Option<u32> {
    let row = scene.world.stored::<PlaceRow>(&keys::place(&place())).unwrap()?.row;
    row.counted.map(|counted| counted.servers)
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_waits_long_for_a_throttled_page_is_not_begun_by_another_instance() {
    let scene = Scene::new().await;
    throttle(&scene.world);
    let (first, second) = (Instance::of(&scene), Instance::of(&scene));
    let sweeping = first.takes(&scene, scene.world.now());
    sleep(Duration::from_secs(130)).await;
    second.takes(&scene, scene.world.now()).await.unwrap().unwrap();
    assert_eq!(second.pages(), 0, "it is under way");
    scene.world.set_page_failure(&place(), None);
    sweeping.await.unwrap().unwrap();
    assert_eq!(counted(&scene), Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_was_taken_over_ends_and_leaves_the_rest_to_the_other() {
    let scene = Scene::new().await;
    throttle(&scene.world);
    let (first, second) = (Instance::of(&scene), Instance::of(&scene));
    let asked = scene.world.now();
    let overtaken = first.takes(&scene, asked);
    sleep(Duration::from_secs(10)).await;
    let sweeping = second.takes(&scene, asked);
    overtaken.await.unwrap().unwrap();
    let (pages, at) = (first.pages(), scene.world.now());
    assert!(at < asked + Duration::from_mins(1), "it found out at its next page: {at}");
    assert_eq!(counted(&scene), None);
    scene.world.set_page_failure(&place(), None);
    sweeping.await.unwrap().unwrap();
    assert_eq!((counted(&scene), first.pages()), (Some(5), pages));
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_sweep_that_is_given_up_since_it_was_asked_for_too_long_ago_is_asked_for_again_wherever_a_call_fails()
 {
    let all = given_up(None).await;
    everywhere(0..all, &[Fault::Before, Fault::After], |fault| given_up(Some(fault))).await;
}

/// Has a second instance take a request that a first one claimed and died of, a quarter of an hour later, and once more where
/// it fails; answers how many calls it made.
async fn given_up(fault: Option<(usize, Fault)>) -> usize {
    let scene = Scene::new().await;
    throttle(&scene.world);
    let (first, second) = (Instance::of(&scene), Instance::tried(&scene));
    let (request, asked) = ([wish(&scene)], scene.world.now());
    let sweeping = first.takes_together(&request, asked);
    sleep(Duration::from_secs(1)).await;
    sweeping.abort();
    sleep(Duration::from_mins(16)).await;
    if let Some((point, fault)) = fault {
        second.0.fail_at(point, fault);
    }
    if second.takes_together(&request, asked).await.unwrap().is_err() {
        second.takes_together(&request, asked).await.unwrap().unwrap();
    }
    let calls = second.0.points().len();
    let wish = look_at(&scene);
    assert_eq!((second.pages(), wish.is_some()), (0, true), "{fault:?}");
    sleep(Duration::from_secs(1)).await;
    second.takes_together(&request, asked - Duration::from_secs(1)).await.unwrap().unwrap();
    assert_eq!(look_at(&scene), wish, "nobody was turned away for this one");
    calls
}

pub(super) fn look_at(scene: &Scene) -> Option<Timestamp> {
    scene.world.stored::<PlaceRow>(&keys::place(&place())).unwrap().unwrap().row.look_at
}

/// A server that was just extended is INITIATING, and where it replicates is not told before it is listed once more.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_listed_for_the_first_time_is_so_too_where_the_tracker_dies_and_sweeps_again() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.set_servers(&place(), (1..=2).map(|n| server(n, "CONTINUOUS")).collect());
            scene.put(&wish(scene));
        },
        |scene| {
            let fresh = (3..=4).map(|n| server(n, "INITIATING"));
            scene
                .world
                .set_servers(&place(), (1..=2).map(|n| server(n, "CONTINUOUS")).chain(fresh).collect());
            scene.put(&wish(scene));
        },
    ];
    let path = Path { make: tracker, steps };
    let (points, clean) = path.played(|_| {}).await;
    let (_, row) = clean.rows.iter().find(|(key, _)| key.ends_with("/place")).unwrap();
    assert_eq!((&row["counted"]["replicating"], &row["counted"]["servers"]), (&2.into(), &4.into()));
    // The last one completes the sweep: who dies later sweeps a second time.
    let completes = points.iter().rposition(|point| *point == "commit").unwrap();
    for point in worth_trying(&points).into_iter().filter(|point| *point <= completes) {
        let (_, ending) = path.played(|io| io.crash_at(point, Fault::Before)).await;
        ending.assert_same(&clean, &format!("crash at point {point} of {}", points.len()));
    }
}
