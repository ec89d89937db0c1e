//! The notifier's timers, served one by one: what an earlier release left, looks that take long or that somebody died of.

use std::time::Duration;

use drs_fleet_aws::memory::{Fault, MemoryIo};
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::notification::{self, IncidentRow};
use drs_fleet_domain::notify::{DeliveryRow, MemberRow};
use drs_fleet_testkit::work::work;
use serde_json::Value;
use tokio::time::sleep;

use super::ending::Ending;
use super::everywhere;
use super::notices::{envelope, life, notifier};
use super::scene::Scene;
use super::told::mutes;

const FAULTS: [Fault; 3] = [Fault::Before, Fault::After, Fault::Twice];

/// Has a notifier serve a key that is due, of which a call may fail, and once more where it did; answers how many calls it
/// made.
async fn serves(io: &MemoryIo, key: &Key, fault: Option<(usize, Fault)>) -> usize {
    if let Some((point, fault)) = fault {
        io.fail_at(point, fault);
    }
    let worker = notifier();
    let failed = worker.wake(io, key).await.is_err();
    let calls = io.points().len();
    if failed {
        worker.wake(io, key).await.unwrap();
    }
    calls
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_an_earlier_release_stored_joins_its_groups_wherever_a_call_fails() {
    async fn joins(fault: Option<(usize, Fault)>) -> usize {
        let scene = Scene::new().await;
        let row = IncidentRow { latest: life()[0].clone(), groups: Vec::new(), left: Vec::new(), ack: None };
        scene.world.set_row(&row);
        let calls = serves(&scene.process(), &notification::key(&row.latest), fault).await;
        assert_eq!(Ending::of(&scene).all::<MemberRow>().len(), 1, "{fault:?}");
        calls
    }
    let all = joins(None).await;
    everywhere(0..all, &FAULTS, |fault| joins(Some(fault))).await;
}

/// An incident has joined its group, which is to be looked at.
async fn joined() -> (Scene, Key) {
    let scene = Scene::new().await;
    works(&scene, &envelope(0)).await;
    sleep(Duration::from_mins(1)).await;
    let key = scene.world.table().into_keys().find(|key| key.sk == "group").unwrap();
    (scene, key)
}

/// A notifier takes a message, and ends before any look at a group is due.
async fn works(scene: &Scene, message: &Value) {
    scene.put(message);
    let working = tokio::spawn(work(scene.process().restarted(), notifier()));
    sleep(Duration::from_secs(5)).await;
    working.abort();
}

/// The look is claimed anew on the way, for each call takes seven seconds.
#[tokio::test(start_paused = true)]
pub(super) async fn a_look_that_takes_long_tells_all_wherever_a_call_fails() {
    async fn told(fault: Option<(usize, Fault)>) -> usize {
        let (scene, key) = joined().await;
        let slow = scene.tried().with_latency(Duration::from_secs(7));
        tells(&scene, &slow, &key, fault).await
    }
    let all = told(None).await;
    everywhere(0..all, &FAULTS, |fault| told(Some(fault))).await;
}

/// The look is claimed anew when that is done.
#[tokio::test(start_paused = true)]
pub(super) async fn a_look_whose_mark_takes_long_tells_all_wherever_a_call_fails() {
    async fn told(mark: usize, fault: Option<(usize, Fault)>) -> usize {
        let (scene, key) = joined().await;
        let io = scene.tried();
        io.fail_at(mark, Fault::Late(Duration::from_secs(35)));
        tells(&scene, &io, &key, fault).await
    }
    let mark = write_of_a_look(1).await;
    let all = told(mark, None).await;
    let others = (0..all).filter(|point| *point != mark);
    everywhere(others, &FAULTS, |fault| told(mark, Some(fault))).await;
}

/// Has a notifier look at a group, of which a call may fail, and another one work afterwards: people are told, once more
/// at most. Answers how many calls the look made.
async fn tells(scene: &Scene, io: &MemoryIo, key: &Key, fault: Option<(usize, Fault)>) -> usize {
    let calls = serves(io, key, fault).await;
    let working = tokio::spawn(work(scene.process().restarted(), notifier()));
    scene.settles(Duration::from_mins(10)).await;
    working.abort();
    let ending = Ending::of(scene);
    assert!((2..=3).contains(&ending.notices.len()), "{fault:?}: {:?}", ending.notices);
    assert!(ending.all::<DeliveryRow>().iter().all(|row| row.sent_at.is_some()), "{fault:?}");
    calls
}

/// At which call a look makes its first write, or a later one: of its claim, of what is new, of what it found, of what
/// goes to the first channel.
async fn write_of_a_look(number: usize) -> usize {
    let (scene, key) = joined().await;
    let io = scene.process().restarted();
    serves(&io, &key, None).await;
    let points = io.points();
    let mut writes = (0..points.len()).filter(|n| points[*n] == "commit");
    writes.nth(number).unwrap()
}

/// Whoever died of a look is taken for dead after this.
const CLAIM: Duration = Duration::from_secs(70);

/// A notifier that looks at the group dies at this call.
async fn dies_of_a_look(scene: &Scene, key: &Key, point: usize) {
    let io = scene.process().restarted();
    io.crash_at(point, Fault::Before);
    let (dying, group) = (io.clone(), key.clone());
    let dying = tokio::spawn(async move { notifier().wake(&dying, &group).await });
    io.crashed().await;
    dying.abort();
}

/// Whoever looked at the group first died before it had handed to the channels what it had put together.
#[tokio::test(start_paused = true)]
pub(super) async fn what_was_put_together_is_handed_over_by_the_next_wherever_a_call_fails() {
    async fn told(store: usize, fault: Option<(usize, Fault)>) -> usize {
        let (scene, key) = joined().await;
        dies_of_a_look(&scene, &key, store).await;
        sleep(CLAIM).await;
        assert_eq!(Ending::of(&scene).all::<DeliveryRow>().len(), 0, "it died too late");
        tells(&scene, &scene.tried(), &key, fault).await
    }
    let store = write_of_a_look(3).await;
    let all = told(store, None).await;
    everywhere(0..all, &FAULTS, |fault| told(store, Some(fault))).await;
}

/// Whoever looked at the group first died after it had marked what it was to tell, and that has become worse since.
#[tokio::test(start_paused = true)]
pub(super) async fn what_was_marked_and_is_worse_and_muted_since_is_told_to_nobody_wherever_a_call_fails() {
    async fn held(found: usize, fault: Option<(usize, Fault)>) -> usize {
        let (scene, key) = joined().await;
        dies_of_a_look(&scene, &key, found).await;
        let is_marked = |scene: &Scene| Ending::of(scene).all::<MemberRow>()[0].told.is_some();
        assert!(is_marked(&scene), "it died too early");
        mutes(&scene);
        works(&scene, &envelope(1)).await;
        sleep(CLAIM).await;
        let calls = serves(&scene.tried(), &key, fault).await;
        // Who lost the answer to its claim waits as well.
        sleep(CLAIM).await;
        notifier().wake(&scene.process().restarted(), &key).await.unwrap();
        assert!(!is_marked(&scene), "{fault:?}");
        assert_eq!(Ending::of(&scene).notices, [], "{fault:?}");
        calls
    }
    let found = write_of_a_look(2).await;
    let all = held(found, None).await;
    everywhere(0..all, &FAULTS, |fault| held(found, Some(fault))).await;
}
