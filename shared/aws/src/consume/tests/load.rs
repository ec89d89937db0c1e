use std::collections::BTreeSet;

use super::*;
use crate::memory::Chances;
use crate::verdict::{Neighbour, Verdict};

fn count(io: &MemoryIo, name: &str) -> usize {
    io.points().iter().filter(|point| **point == name).count()
}

/// 6,000 events, four of each subject within 100 messages, then shuffled within 400.
fn storm_bodies() -> Vec<String> {
    let block = |block: u32| (0..100).map(move |i| format!("s{}/{}", block * 25 + i % 25, i / 25));
    let mut bodies: Vec<String> = (0..60).flat_map(block).collect();
    let mut random = 1_u64;
    for chunk in bodies.chunks_mut(400) {
        for i in (1..chunk.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            chunk.swap(i, usize::try_from(random >> 33).unwrap() % (i + 1));
        }
    }
    bodies
}

/// The storm on a queue and a table that take 10 ms for each call.
fn storm() -> MemoryIo {
    let io = MemoryIo::default().with_latency(Duration::from_millis(10));
    for body in storm_bodies() {
        io.put_message(body);
    }
    io
}

/// How many writes it takes when what lies within 256 messages is handled together.
fn fewest_writes() -> usize {
    let subject = |body: &String| body.split('/').next().unwrap_or_default().to_owned();
    let distinct = |window: &[String]| window.iter().map(subject).collect::<BTreeSet<_>>().len();
    storm_bodies().chunks(256).map(distinct).sum()
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_takes_two_calls_for_ten_messages_and_one_write_for_a_subject_in_the_window() {
    let (io, worker) = (storm(), Tallier::default());
    let began = tokio::time::Instant::now();
    let counted = consume_all(&io, &worker).await;
    let took = began.elapsed().saturating_sub(Options::default().poll);
    let (receives, deletes, writes) = (count(&io, "receive"), count(&io, "delete"), count(&io, "commit"));
    println!(
        "{receives} receives, {deletes} deletes, {writes} writes ({}) in {took:?}; {counted:?}",
        fewest_writes()
    );
    assert!(receives + deletes <= 1260, "P3: 0.21 calls of the queue for each message");
    assert!(writes * 100 <= fewest_writes() * 101, "P3: 1.01/c writes for each message");
    assert!(took < Duration::from_millis(1600), "P4: 30,000 in 8 s");
}

#[tokio::test(start_paused = true)]
async fn where_no_two_messages_are_of_one_subject_they_do_not_wait_for_each_other() {
    let (io, worker) = (MemoryIo::default().with_latency(Duration::from_millis(10)), Tallier::default());
    for n in 0..30_000 {
        io.put_message(format!("s{n}/1"));
    }
    let began = tokio::time::Instant::now();
    consume_all(&io, &worker).await;
    let took = began.elapsed().saturating_sub(Options::default().poll);
    assert!(took < Duration::from_secs(7), "P4: 30,000 in 8 s, and they are work on a processor as well");
}

#[tokio::test(start_paused = true)]
async fn no_more_is_in_hand_than_there_is_room_for() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    for n in 0..1000 {
        io.put_message(format!("s{n}/1/sleep/60"));
    }
    let (_stop, _running) = start(&io, &worker);
    for _ in 0..100 {
        seconds(1).await;
        assert!(io.hidden() <= 256, "{} in hand", io.hidden());
    }
    assert!(io.hidden() > 240);
}

#[tokio::test(start_paused = true)]
async fn throttled_writes_hold_only_their_own_lanes() {
    let spent = async |chance: f64| {
        let (io, worker) = (storm(), Tallier::default());
        let only = Some((Neighbour::Table, Verdict::Throttled));
        io.fail_by_chance(7, Chances { before: chance, only, ..Chances::default() });
        let began = tokio::time::Instant::now();
        consume_all(&io, &worker).await;
        assert_eq!((io.queued(), io.dead_letters().len()), (0, 0));
        began.elapsed().saturating_sub(Options::default().poll)
    };
    let (clean, few, many) = (spent(0.0).await, spent(0.05).await, spent(0.2).await);
    println!("{clean:?} clean, {few:?} with 5 %, {many:?} with 20 %");
    assert!(few * 80 <= clean * 100, "P5: 80 % of the throughput is kept");
    assert!(many * 50 <= clean * 100, "P5: 50 % of the throughput is kept");
}

#[tokio::test(start_paused = true)]
async fn a_trickle_is_handled_and_deleted_at_once() {
    let (io, worker) = (MemoryIo::default().with_latency(Duration::from_millis(10)), Tallier::default());
    let (_stop, _running) = start(&io, &worker);
    seconds(3).await;
    put_all(&io, &["a/1"]);
    // One read, one write, one delete of 10 ms each.
    tokio::time::sleep(Duration::from_millis(32)).await;
    assert_eq!(io.queued(), 0);
}
