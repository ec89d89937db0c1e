//! Claims of the due task.

use drs_fleet_domain::row::{Change, Row};
use tokio::task::JoinHandle;

use super::*;
use crate::consume::Options;
use crate::fixture::{Tallier, Tally, add, tally_key};
use crate::memory::MemoryIo;
use crate::process::work;
use crate::verdict::{Neighbour, Verdict};

async fn set_timer(io: &MemoryIo, id: &str, seconds: u64) {
    let wake_at = Some(after(io.now(), Duration::from_secs(seconds)));
    let row = Tally { id: id.into(), wake_at, ..Tally::default() };
    let set = |_: Option<&Tally>| Some(Change { row: row.clone(), tell: vec![] });
    Tallier::default().store.change(io, &row.key(), set).await.unwrap();
}

fn start(io: &MemoryIo) -> (CancellationToken, JoinHandle<()>) {
    let stop = CancellationToken::new();
    (stop.clone(), tokio::spawn(serve_due(io.clone(), Tallier::default(), stop)))
}

fn rang(io: &MemoryIo, id: &str) -> bool {
    io.stored::<Tally>(&tally_key(id)).unwrap().unwrap().row.seen.contains(&999)
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_rings_within_a_second_or_two_and_not_before() {
    let io = MemoryIo::default();
    set_timer(&io, "a", 10).await;
    let (_stop, _running) = start(&io);
    seconds(9).await;
    assert!(!rang(&io, "a"));
    seconds(3).await;
    assert!(rang(&io, "a"));
}

#[tokio::test(start_paused = true)]
async fn where_time_runs_fast_the_index_is_asked_once_a_grain() {
    let io = MemoryIo::default().with_grain(Duration::from_secs(10));
    set_timer(&io, "a", 1).await;
    let (_stop, _running) = start(&io);
    seconds(9).await;
    assert!(!rang(&io, "a"));
    seconds(2).await;
    assert!(rang(&io, "a"));
}

#[tokio::test(start_paused = true)]
async fn a_timer_rings_once_though_several_instances_ask() {
    let io = MemoryIo::default().with_latency(Duration::from_millis(10));
    for n in 0..50 {
        set_timer(&io, &format!("s{n}"), 10).await;
    }
    let running: Vec<_> = (0..3).map(|_| start(&io)).collect();
    seconds(20).await;
    assert!((0..50).all(|n| rang(&io, &format!("s{n}"))));
    assert!(io.table().values().all(|item| item.rev == 2 && item.due.is_none()));
    drop(running);
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_instance_did_not_publish_is_published() {
    let io = MemoryIo::default();
    io.break_down(Neighbour::Bus, Verdict::Transient);
    let key = tally_key("a");
    Tallier::default().store.change(&io, &key, |row| add("a", &[1], 100, row)).await.unwrap();
    io.mend(Neighbour::Bus);
    let (_stop, _running) = start(&io);
    seconds(40).await;
    assert_eq!(io.published_events().len(), 1);
    assert!(io.table().values().all(|item| item.outbox.is_empty() && item.due.is_none()));
}

#[tokio::test(start_paused = true)]
async fn an_index_that_fails_is_asked_less_often_and_then_serves() {
    let io = MemoryIo::default();
    set_timer(&io, "a", 10).await;
    io.break_down(Neighbour::Table, Verdict::Transient);
    let (_stop, _running) = start(&io);
    seconds(600).await;
    let asked = io.points().iter().filter(|point| **point == "due").count();
    assert!(asked < 4 * 40, "asked {asked} times");
    io.mend(Neighbour::Table);
    seconds(61).await;
    assert!(rang(&io, "a"));
}

#[test]
fn an_item_that_fails_waits_longer_each_time_and_alone() {
    let (mut failing, now) = (Failing::default(), Timestamp::UNIX_EPOCH);
    let (bad, good) = (tally_key("bad"), tally_key("good"));
    let mut delays = Vec::new();
    for _ in 0..3 {
        failing.count(bad.clone(), Some("no".into()), now);
        delays.push(failing.0[&bad].1);
    }
    assert!(delays.is_sorted());
    assert!(!failing.may_try(&bad, now) && failing.may_try(&good, now));
    assert!(failing.may_try(&bad, delays[2]));
    failing.count(bad.clone(), None, now);
    assert!(failing.may_try(&bad, now));
}

/// Serves its items like a [`Tallier`], apart from those that always fail or take for ever.
#[derive(Clone, Default)]
struct Odd(Tallier);

impl Worker for Odd {
    const NAME: &'static str = Tallier::NAME;
    type Work = <Tallier as Worker>::Work;

    fn sort(
        &self,
        message: &crate::io::Message,
    ) -> Result<crate::worker::Sorted<Self::Work>, drs_fleet_domain::envelope::Rejected> {
        self.0.sort(message)
    }

    async fn handle<I: Io>(&self, io: &I, work: Vec<Self::Work>) -> Result<(), crate::verdict::IoError> {
        self.0.handle(io, work).await
    }

    async fn wake<I: Io>(&self, io: &I, key: &Key) -> Result<(), crate::verdict::IoError> {
        match key.sk.chars().next() {
            Some('f') => {
                Err(crate::verdict::IoError::new(Neighbour::Table, "wake", Verdict::Permanent, "as planned"))
            }
            Some('s') => std::future::pending().await,
            _ => self.0.wake(io, key).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn items_that_keep_failing_or_take_long_hide_none_behind_them() {
    let io = MemoryIo::default();
    // Enough of them to fill more than a page of every shard.
    for n in 0..2000 {
        set_timer(&io, &format!("f{n}"), 1).await;
    }
    for n in 0..Odd::DUE_AT_ONCE / 2 {
        set_timer(&io, &format!("s{n}"), 1).await;
    }
    for n in 0..50 {
        set_timer(&io, &format!("a{n}"), 5).await;
    }
    let _running = tokio::spawn(serve_due(io.clone(), Odd::default(), CancellationToken::new()));
    seconds(120).await;
    assert!((0..50).all(|n| rang(&io, &format!("a{n}"))));
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_it() {
    let io = MemoryIo::default();
    let (stop, running) = start(&io);
    seconds(3).await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn stopping_a_worker_begins_nothing_that_is_due_and_waits_ten_seconds_at_most_for_what_hangs() {
    let io = MemoryIo::default();
    set_timer(&io, "s", 1).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(work(io.clone(), Odd::default(), Options::default(), false, stop.clone()));
    seconds(5).await;
    let began = tokio::time::Instant::now();
    stop.cancel();
    set_timer(&io, "a", 1).await;
    running.await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(10));
    assert!(!rang(&io, "a"), "it rings for the next process");
}
