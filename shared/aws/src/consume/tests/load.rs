use super::*;

fn count(io: &MemoryIo, name: &str) -> usize {
    io.points().iter().filter(|point| **point == name).count()
}

/// 3,000 events, four of each of 750 subjects within 100 messages, on a table and a queue that take 10 ms.
fn storm() -> MemoryIo {
    let io = MemoryIo::default().with_latency(Duration::from_millis(10));
    for block in 0..30 {
        for n in 0..4 {
            for subject in 0..25 {
                io.put_message(format!("s{}/{n}", block * 25 + subject));
            }
        }
    }
    io
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_takes_two_calls_for_ten_messages_and_one_write_for_one_subject() {
    let (io, worker) = (storm(), Tallier::default());
    let began = tokio::time::Instant::now();
    let counted = consume_all(&io, &worker).await;
    let took = began.elapsed().saturating_sub(Options::default().poll);
    let (receives, deletes, writes) = (count(&io, "receive"), count(&io, "delete"), count(&io, "commit"));
    println!("{receives} receives, {deletes} deletes, {writes} writes in {took:?}; {counted:?}");
    assert!(receives + deletes <= 630, "P3: 0.21 calls of the queue for each message");
    assert!(writes <= 758, "P3: 1.01 writes for each subject");
    assert!(took < Duration::from_millis(800), "P4: 30,000 in 8 s");
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
    let spent = |chance: f64| async move {
        let (io, worker) = (storm(), Tallier::default());
        io.fail_by_chance(7, crate::memory::Chances { before: chance, ..Default::default() });
        let began = tokio::time::Instant::now();
        let counted = consume_all(&io, &worker).await;
        assert_eq!((io.queued(), io.dead_letters().len()), (0, 0));
        (began.elapsed().saturating_sub(Options::default().poll), counted)
    };
    let (clean, _) = spent(0.0).await;
    let (faulty, counted) = spent(0.05).await;
    println!("{clean:?} clean, {faulty:?} with faults; {counted:?}");
    assert!(counted.retried > 0);
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
