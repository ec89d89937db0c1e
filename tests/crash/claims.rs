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
use drs_fleet_domain::server::ServerRow;
use drs_fleet_tests::work::work;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::capacity::tracker;
use super::scene::Scene;
use super::world::{now, place, server, server_id, stalled, wish};
use super::{Path, worth_trying};

/// A place of which each page but the first is throttled, for so long a time that a claim would run out meanwhile.
fn throttle(world: &MemoryIo) {
    world.set_page_size(&place(), Some(2));
    world.set_servers(&place(), (1..=5).map(|n| server(n, "CONTINUOUS")).collect());
    let throttled = IoError::new(Neighbour::Spoke, "DescribeSourceServers", Verdict::Throttled, "slower");
    let retry_after = Some(Duration::from_secs(30));
    world.set_page_failure(&place(), Some((2, IoError { retry_after, ..throttled })));
}

/// An instance with its own view of the world.
struct Instance(MemoryIo, CapacityTracker);

impl Instance {
    fn of(scene: &Scene) -> Self {
        Self(scene.process().restarted(), tracker())
    }

    /// Takes a request for a sweep that was put on the queue at `sent_at`.
    fn takes(&self, scene: &Scene, sent_at: Timestamp) -> JoinHandle<Result<(), IoError>> {
        self.takes_together(&[wish(scene)], sent_at)
    }

    /// Takes messages of one lane.
    fn takes_together(&self, bodies: &[Value], sent_at: Timestamp) -> JoinHandle<Result<(), IoError>> {
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
    for fault in [Fault::Before, Fault::After] {
        for point in 0..all {
            given_up(Some((point, fault))).await;
        }
    }
}

/// Has a second instance take a request that a first one claimed and died of, a quarter of an hour later, and once more where
/// it fails; answers how many calls it made.
async fn given_up(fault: Option<(usize, Fault)>) -> usize {
    let scene = Scene::new().await;
    throttle(&scene.world);
    let (first, second) = (Instance::of(&scene), Instance::of(&scene));
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

/// One instance swept a minute ago, and another just now; both saw that server 1 is stalled. Then the first is told of
/// ends of that stall, each so many seconds ago. Answers what the row says.
async fn told_late_of_an_end(seconds_ago: &[i64]) -> String {
    let scene = Scene::new().await;
    scene.world.set_servers(&place(), vec![server(1, "STALLED")]);
    let (first, second) = (Instance::of(&scene), Instance::of(&scene));
    for (instance, pause) in [(&first, 60), (&second, 1)] {
        instance.takes(&scene, scene.world.now()).await.unwrap().unwrap();
        sleep(Duration::from_secs(pause)).await;
    }
    let end = |ago: &i64| stalled(1, "NOT_STALLED", now(&scene) - SignedDuration::from_secs(*ago));
    let ends: Vec<_> = seconds_ago.iter().map(end).collect();
    first.takes_together(&ends, scene.world.now()).await.unwrap().unwrap();
    let key = keys::server(&place(), &server_id(1).parse().unwrap());
    let row = scene.world.stored::<ServerRow>(&key).unwrap().unwrap().row;
    row.replication.state
}

#[tokio::test(start_paused = true)]
async fn what_another_instances_sweep_overtook_is_not_believed() {
    for ago in [&[30][..], &[30, 90], &[90, 30], &[90]] {
        assert_eq!(told_late_of_an_end(ago).await, "STALLED", "{ago:?} seconds ago");
    }
    assert_eq!(told_late_of_an_end(&[0]).await, "NOT_STALLED", "it is newer");
}

#[tokio::test(start_paused = true)]
async fn a_late_end_that_is_believed_is_looked_at_again_by_a_sweep_that_begins_later() {
    let scene = Scene::new().await;
    scene.world.set_servers(&place(), (1..=2).map(|n| server(n, "STALLED")).collect());
    let (first, second) = swept_long_ago(&scene).await;
    // So old that nobody looks for its cause.
    let end = |n, minutes| [stalled(n, "NOT_STALLED", now(&scene) - SignedDuration::from_mins(minutes))];
    first.takes_together(&end(1, 6), scene.world.now()).await.unwrap().unwrap();
    let wish = look_at(&scene);
    assert!(wish.is_some(), "a sweep may have come and gone since it read when the place was swept");
    sleep(Duration::from_secs(1)).await;
    second.takes(&scene, scene.world.now()).await.unwrap().unwrap();
    let calls = first.0.points().len();
    first.takes_together(&end(2, 5), scene.world.now()).await.unwrap().unwrap();
    assert_eq!(look_at(&scene), wish, "the other's sweep began too early for what the first believed since");
    let reads = first.0.points()[calls..].iter().filter(|call| **call == "read").count();
    assert_eq!(reads, 1, "of the server's row: a crowd is one wish");
    sleep(Duration::from_secs(10)).await;
    second.takes(&scene, scene.world.now()).await.unwrap().unwrap();
    assert_eq!(look_at(&scene), None);
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_late_end_that_is_believed_is_looked_at_again_wherever_a_call_fails() {
    let (all, _) = believes(None).await;
    let mut failed = 0;
    for fault in [Fault::Before, Fault::After] {
        for point in 0..all {
            failed += usize::from(believes(Some((point, fault))).await.1);
        }
    }
    assert!(failed >= all, "{failed} of {all} points, each twice");
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_sweep_that_comes_and_goes_while_a_late_end_is_handled_leaves_nothing_wrong_that_is_not_looked_at_again()
 {
    let (all, _) = believes(None).await;
    let mut wrong = 0;
    for point in 0..all {
        let scene = Scene::new().await;
        scene.world.set_servers(&place(), vec![server(1, "STALLED")]);
        let (first, second) = swept_long_ago(&scene).await;
        let end = [stalled(1, "NOT_STALLED", now(&scene) - SignedDuration::from_mins(6))];
        first.0.fail_at(first.0.points().len() + point, Fault::Frozen(Duration::from_secs(20)));
        let taking = first.takes_together(&end, scene.world.now());
        sleep(Duration::from_secs(10)).await;
        second.takes(&scene, scene.world.now()).await.unwrap().unwrap();
        taking.await.unwrap().unwrap();
        let key = keys::server(&place(), &server_id(1).parse().unwrap());
        let row = scene.world.stored::<ServerRow>(&key).unwrap().unwrap().row;
        if row.replication.state != "STALLED" {
            wrong += 1;
            assert!(look_at(&scene).is_some(), "point {point} of {all}");
        }
    }
    assert!(wrong > 0, "the sweep came too early or too late each time");
}

/// The second stops at a call of a sweep, and goes on, while the first believes one end after the other.
#[tokio::test(start_paused = true)]
async fn a_sweep_that_stops_anywhere_takes_no_wish_away_that_the_end_that_is_believed_last_relies_on() {
    let (mut point, mut calls) = (0, 1);
    while point < calls {
        for last in 1..=9 {
            let scene = Scene::new().await;
            scene.world.set_servers(&place(), (1..=9).map(|n| server(n, "STALLED")).collect());
            let (first, second) = swept_long_ago(&scene).await;
            let before = second.0.points().len();
            second.0.fail_at(before + point, Fault::Frozen(Duration::from_secs(5)));
            let sweeping = second.takes(&scene, scene.world.now());
            for n in 1..=last {
                sleep(Duration::from_secs(1)).await;
                first.takes_together(&late_end(&scene, n), scene.world.now()).await.unwrap().unwrap();
            }
            sweeping.await.unwrap().unwrap();
            calls = second.0.points().len() - before;
            let wrong = (1..=last).any(|n| state(&scene, n) != "STALLED");
            assert!(!wrong || look_at(&scene).is_some(), "stopped at {point} of {calls}, {last} ends");
        }
        point += 1;
    }
}

/// People ask for two sweeps, one after the other, while the first believes one end after the other, and no schedule ticks.
#[tokio::test(start_paused = true)]
async fn two_sweeps_that_people_ask_for_leave_no_late_end_believed_that_is_wrong() {
    for (one, other, last) in (0..24_u64).flat_map(|n| (1..=9_u8).map(move |last| (n % 4, n / 4, last))) {
        let scene = Scene::new().await;
        scene.world.set_servers(&place(), (1..=9).map(|n| server(n, "STALLED")).collect());
        let (first, _) = swept_long_ago(&scene).await;
        scene.world.set_spoke_pace(&place(), Some(Duration::from_millis(700)));
        let working = tokio::spawn(work(scene.process().restarted(), tracker()));
        let asks = |half_seconds: u64| {
            scene.later(Duration::from_millis(500 * half_seconds), |scene| scene.put(&wish(scene)));
        };
        asks(one);
        asks(one + other);
        for n in 1..=last {
            first.takes_together(&late_end(&scene, n), scene.world.now()).await.unwrap().unwrap();
            sleep(Duration::from_secs(1)).await;
        }
        sleep(Duration::from_mins(1)).await;
        working.abort();
        let wrong: Vec<_> = (1..=last).filter(|n| state(&scene, *n) != "STALLED").collect();
        assert!(wrong.is_empty(), "asked for after {one} and {other} half seconds, {last} ends: {wrong:?}");
    }
}

/// A server recovered, says an event so old that nobody looks for its cause.
fn late_end(scene: &Scene, n: u8) -> [Value; 1] {
    [stalled(n, "NOT_STALLED", now(scene) - SignedDuration::from_mins(6))]
}

fn state(scene: &Scene, n: u8) -> String {
    let key = keys::server(&place(), &server_id(n).parse().unwrap());
    scene.world.stored::<ServerRow>(&key).unwrap().unwrap().row.replication.state
}

/// Has an instance take an end that is late, of which a call may fail; answers how many calls it made, and whether it failed
/// and took the end once more.
async fn believes(fault: Option<(usize, Fault)>) -> (usize, bool) {
    let scene = Scene::new().await;
    scene.world.set_servers(&place(), vec![server(1, "STALLED")]);
    let (first, _) = swept_long_ago(&scene).await;
    let end = [stalled(1, "NOT_STALLED", now(&scene) - SignedDuration::from_mins(6))];
    let before = first.0.points().len();
    if let Some((point, fault)) = fault {
        first.0.fail_at(before + point, fault);
    }
    let has_failed = first.takes_together(&end, scene.world.now()).await.unwrap().is_err();
    let calls = first.0.points().len() - before;
    if has_failed {
        first.takes_together(&end, scene.world.now()).await.unwrap().unwrap();
    }
    assert!(look_at(&scene).is_some(), "{fault:?}");
    (calls, has_failed)
}

/// Two instances, of which the second swept the place ten minutes ago, and nobody has wished for a sweep since.
async fn swept_long_ago(scene: &Scene) -> (Instance, Instance) {
    let (first, second) = (Instance::of(scene), Instance::of(scene));
    for _ in 0..2 {
        second.takes(scene, scene.world.now()).await.unwrap().unwrap();
        // The first sweep is made again.
        sleep(Duration::from_secs(11)).await;
    }
    sleep(Duration::from_mins(10)).await;
    assert_eq!(look_at(scene), None);
    (first, second)
}

fn look_at(scene: &Scene) -> Option<Timestamp> {
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
