//! Ends of stalls that are told late: one is believed where no sweep overtook it, and looked at again by a sweep that begins
//! later, whatever other instances do meanwhile.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::Fault;
use drs_fleet_domain::keys;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_testkit::work::work;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::time::sleep;

use super::capacity::tracker;
use super::claims::{Instance, look_at};
use super::everywhere;
use super::scene::Scene;
use super::world::{now, place, scheduled, server, server_id, stalled, wish};

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
    state(&scene, 1)
}

#[tokio::test(start_paused = true)]
async fn what_another_instances_sweep_overtook_is_not_believed() {
    for ago in [&[30][..], &[30, 90], &[90, 30], &[90]] {
        assert_eq!(told_late_of_an_end(ago).await, "STALLED", "{ago:?} seconds ago");
    }
    assert_eq!(told_late_of_an_end(&[0]).await, "NOT_STALLED", "it is newer");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_believed_is_looked_at_again_by_a_sweep_that_begins_later() {
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
pub(super) async fn an_end_that_is_believed_is_looked_at_again_wherever_a_call_fails() {
    let (points, _) = believes(None).await;
    let faults = [Fault::Before, Fault::After];
    let ends = everywhere(0..points.len(), &faults, |fault| believes(Some(fault))).await;
    let failed = ends.iter().filter(|(_, has_failed)| *has_failed).count();
    assert!(2 * failed >= ends.len(), "{failed} of {}", ends.len());
}

/// Between the wish and the belief.
#[tokio::test(start_paused = true)]
pub(super) async fn an_end_that_a_sweep_overtook_unseen_is_looked_at_again_wherever_a_call_fails() {
    let (points, _) = believes(None).await;
    let wish = points.iter().position(|point| *point == "commit").unwrap();
    let all = overtaken(wish, None, false).await;
    let others = (0..all).filter(|point| *point != wish);
    everywhere(others, &[Fault::Before, Fault::After, Fault::Twice], |fault| async move {
        for comes_to_another in [false, true] {
            overtaken(wish, Some(fault), comes_to_another).await;
        }
    })
    .await;
}

/// An instance that takes an end stops when it has wished, and goes on when another has swept; one of its calls may fail,
/// and then the end comes once more, to it or to another. Answers how many calls it made.
async fn overtaken(wish: usize, fault: Option<(usize, Fault)>, comes_to_another: bool) -> usize {
    let scene = Scene::new().await;
    scene.world.set_servers(&place(), vec![server(1, "STALLED")]);
    let (first, second) = swept_long_ago(&scene).await;
    first.0.fail_at(wish, Fault::Frozen(Duration::from_secs(12)));
    if let Some((point, fault)) = fault {
        first.0.fail_at(point, fault);
    }
    let end = late_end(&scene, 1);
    let taking = first.takes_together(&end, scene.world.now());
    sleep(Duration::from_millis(10_500)).await;
    second.takes(&scene, scene.world.now()).await.unwrap().unwrap();
    let has_failed = taking.await.unwrap().is_err();
    let calls = first.0.points().len();
    if has_failed {
        let again = if comes_to_another { Instance::of(&scene) } else { first };
        again.takes_together(&end, scene.world.now()).await.unwrap().unwrap();
    }
    assert!(state(&scene, 1) == "STALLED" || look_at(&scene).is_some(), "{fault:?}, {comes_to_another}");
    calls
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_comes_and_goes_while_an_end_is_handled_leaves_nothing_wrong_that_is_not_looked_at_again()
 {
    let all = believes(None).await.0.len();
    let mut wrong = 0;
    for point in 0..all {
        let scene = Scene::new().await;
        scene.world.set_servers(&place(), vec![server(1, "STALLED")]);
        let (first, second) = swept_long_ago(&scene).await;
        let end = late_end(&scene, 1);
        first.0.fail_at(point, Fault::Frozen(Duration::from_secs(20)));
        let taking = first.takes_together(&end, scene.world.now());
        sleep(Duration::from_secs(10)).await;
        second.takes(&scene, scene.world.now()).await.unwrap().unwrap();
        taking.await.unwrap().unwrap();
        if state(&scene, 1) != "STALLED" {
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
        for last in 1..=12 {
            let scene = Scene::new().await;
            scene.world.set_servers(&place(), (1..=12).map(|n| server(n, "STALLED")).collect());
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

#[tokio::test(start_paused = true)]
async fn a_sweep_that_is_relied_on_sees_an_end_that_was_believed_just_before_it_where_reads_lag() {
    let (seeds, mut missed) = (0..8, 0);
    for (seed, request) in seeds.flat_map(|seed| [wish, scheduled].map(|request| (seed, request))) {
        let scene = Scene::new().await;
        scene.world.set_servers(&place(), vec![server(1, "STALLED")]);
        let (first, second) = swept_long_ago(&scene).await;
        scene.world.lag_reads(seed);
        first.takes_together(&late_end(&scene, 1), scene.world.now()).await.unwrap().unwrap();
        assert_eq!(state(&scene, 1), "NOT_STALLED");
        let lagging = second.0.query::<ServerRow>(&keys::servers(&place())).await.unwrap();
        missed += usize::from(lagging[0].row.replication.state == "STALLED");
        second.takes_together(&[request(&scene)], scene.world.now()).await.unwrap().unwrap();
        assert_eq!(state(&scene, 1), "STALLED", "{seed}");
    }
    assert!(missed > 0, "no read lagged");
}

/// People ask for two sweeps, one after the other, while the first believes one end after the other, and no schedule ticks.
#[tokio::test(start_paused = true)]
async fn two_sweeps_that_people_ask_for_leave_no_late_end_believed_that_is_wrong() {
    for (one, other, last) in (0..24_u64).flat_map(|n| (1..=12_u8).map(move |last| (n % 4, n / 4, last))) {
        let scene = Scene::new().await;
        scene.world.set_servers(&place(), (1..=12).map(|n| server(n, "STALLED")).collect());
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

/// So many servers recover within a minute that begins in this phase of a second, and events tell so much later of it, while
/// another instance sweeps when that is wished for; they are stalled all the same, and in the end so say their rows. Answers the
/// reads and writes of who is told, and how many sweeps there were.
async fn costs(ends: u8, late: Duration, phase: Duration) -> [usize; 3] {
    let scene = Scene::new().await;
    scene.world.set_servers(&place(), (1..=ends).map(|n| server(n, "STALLED")).collect());
    let (first, _) = swept_long_ago(&scene).await;
    sleep(phase).await;
    let sweeps = scene.world.listed_at(&place()).len();
    let working = tokio::spawn(work(scene.process().restarted(), tracker()));
    sleep(late).await;
    for n in 1..=ends {
        let end = stalled(n, "NOT_STALLED", now(&scene) - SignedDuration::try_from(late).unwrap());
        first.takes_together(&[end], scene.world.now()).await.unwrap().unwrap();
        sleep(Duration::from_mins(1) / u32::from(ends)).await;
    }
    let calls = |name: &str| first.0.points().iter().filter(|point| **point == name).count();
    let costs = [calls("read"), calls("commit"), scene.world.listed_at(&place()).len() - sweeps];
    sleep(Duration::from_mins(5)).await;
    working.abort();
    let wrong: Vec<_> = (1..=ends).filter(|n| state(&scene, *n) != "STALLED").collect();
    assert!(late.is_zero() || wrong.is_empty(), "{late:?}, {phase:?}: {wrong:?}");
    costs
}

#[tokio::test(start_paused = true)]
async fn late_ends_cost_a_process_two_reads_and_a_sweep_in_ten_seconds_however_many_they_are() {
    for ends in [12, 60, 240] {
        let [reads, writes, sweeps] = costs(ends, Duration::ZERO, Duration::ZERO).await;
        assert_eq!(sweeps, 1, "the first end has its cause looked for");
        for late in [11, 15, 30, 60] {
            for phase in [0, 250, 500, 750].map(Duration::from_millis) {
                let told_late = costs(ends, Duration::from_secs(late), phase).await;
                let more = [told_late[0] - reads, told_late[1].saturating_sub(writes), told_late[2] - sweeps];
                assert!(
                    (1..=12).contains(&more[0]) && more[1] <= 4 && more[2] <= 4,
                    "{ends}, {late} s, {phase:?}: {more:?}"
                );
                assert!(late >= 60 || more[2] > 0, "nothing was believed: {ends}, {late} s, {phase:?}");
            }
        }
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

/// Has an instance take an end, of which a call may fail; answers its calls, and whether it failed and took the end once
/// more.
async fn believes(fault: Option<(usize, Fault)>) -> (Vec<&'static str>, bool) {
    let scene = Scene::new().await;
    scene.world.set_servers(&place(), vec![server(1, "STALLED")]);
    let (first, _) = swept_long_ago(&scene).await;
    if let Some((point, fault)) = fault {
        first.0.fail_at(point, fault);
    }
    let (end, began) = (late_end(&scene, 1), scene.world.now());
    let has_failed = first.takes_together(&end, began).await.unwrap().is_err();
    let points = first.0.points();
    if has_failed {
        first.takes_together(&end, scene.world.now()).await.unwrap().unwrap();
    }
    assert!(look_at(&scene) > Some(began), "{fault:?}");
    (points, has_failed)
}

/// Two instances, of which the second swept the place ten minutes ago, and nobody has wished for a sweep since.
async fn swept_long_ago(scene: &Scene) -> (Instance, Instance) {
    let (first, second) = (Instance::tried(scene), Instance::of(scene));
    for _ in 0..2 {
        second.takes(scene, scene.world.now()).await.unwrap().unwrap();
        // The first sweep is made again.
        sleep(Duration::from_secs(11)).await;
    }
    sleep(Duration::from_mins(10)).await;
    assert_eq!(look_at(scene), None);
    (first, second)
}
