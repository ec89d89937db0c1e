use std::collections::BTreeSet;

use super::*;
use crate::due::serve_due;
use crate::fixture::{Tally, tally_key};
use crate::memory::{Chances, Fault};
use crate::verdict::{Neighbour, Verdict};

#[tokio::test(start_paused = true)]
async fn a_spoke_that_is_away_is_waited_for_in_memory_and_then_in_the_queue() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/1/away", "b/1"]);
    let (_stop, _running) = start(&io, &worker);
    seconds(60).await;
    assert_eq!(worker.finished("b"), [1]);
    assert_eq!(io.receive_counts()["m-000000"], 1, "in memory no delivery is spent");
    seconds(120).await;
    assert_eq!(io.receive_counts()["m-000000"], 2, "given back, and delivered again");
}

#[tokio::test(start_paused = true)]
async fn a_denied_message_comes_back_after_five_minutes() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/1/denied"]);
    let (_stop, _running) = start(&io, &worker);
    seconds(290).await;
    assert_eq!(worker.calls().len(), 1);
    seconds(20).await;
    assert_eq!(worker.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_the_table_is_down_receiving_stops_and_afterwards_everything_is_handled() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    io.redrive_after(10);
    io.break_down(Neighbour::Table, Verdict::Transient);
    for n in 0..500 {
        io.put_message(format!("s{n}/1"));
    }
    let (_stop, _running) = start(&io, &worker);
    seconds(60).await;
    let (receives, calls) = (receives(&io), worker.calls().len());
    seconds(540).await;
    assert_eq!(self::receives(&io), receives, "no receive while the table is down");
    let probes = worker.calls().len() - calls;
    assert!((54..200).contains(&probes), "one probe each ten seconds or so, not {probes}");
    assert_eq!(io.queued(), 500, "nothing is deleted");
    io.mend(Neighbour::Table);
    seconds(30).await;
    assert_eq!((io.queued(), io.dead_letters().len()), (0, 0));
    assert!(io.table().values().all(|item| item.rev == 1));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_refuses_us_empties_nothing_into_the_dead_letter_queue() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    io.redrive_after(3);
    io.break_down(Neighbour::Table, Verdict::Denied);
    for n in 0..100 {
        io.put_message(format!("s{n}/1"));
    }
    let (_stop, _running) = start(&io, &worker);
    seconds(60).await;
    let receives = self::receives(&io);
    seconds(3600).await;
    assert_eq!(self::receives(&io), receives, "no receive while the table refuses");
    io.mend(Neighbour::Table);
    seconds(30).await;
    assert_eq!((io.queued(), io.dead_letters().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_loop_shows_that_it_turns_and_that_it_is_paused() {
    let (io, pulse) = (MemoryIo::default(), crate::consume::Pulse::default());
    io.break_down(Neighbour::Table, Verdict::Transient);
    for n in 0..20 {
        io.put_message(format!("s{n}/1"));
    }
    let options = Options { pulse: pulse.clone(), ..Options::default() };
    let stop = CancellationToken::new();
    let _running = tokio::spawn(consume(io.clone(), Tallier::default(), options, stop.clone()));
    seconds(60).await;
    assert!(pulse.last().is_some_and(|turn| turn.paused));
    io.mend(Neighbour::Table);
    seconds(60).await;
    assert!(pulse.last().is_some_and(|turn| !turn.paused));
}

fn receives(io: &MemoryIo) -> usize {
    io.points().iter().filter(|point| **point == "receive").count()
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_fails_is_asked_again_later() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    io.break_down(Neighbour::Queue, Verdict::Transient);
    put_all(&io, &["a/1"]);
    let (_stop, _running) = start(&io, &worker);
    seconds(600).await;
    assert!(receives(&io) < 60, "with pauses");
    io.mend(Neighbour::Queue);
    seconds(60).await;
    assert_eq!(io.queued(), 0);
}

/// What the messages below come to, however often any of them is delivered.
fn assert_all_done(io: &MemoryIo, case: &str) {
    assert_eq!(io.queued(), 0, "{case}: nothing left");
    let seen = |id: &str| {
        let stored = io.stored::<Tally>(&tally_key(id)).unwrap();
        stored.into_iter().flat_map(|stored| stored.row.seen).collect::<Vec<_>>()
    };
    assert_eq!((seen("a"), seen("b")), (vec![1, 2, 3], vec![1]), "{case}: nothing lost");
    let buried: BTreeSet<String> = io.dead_letters().into_iter().map(|buried| buried.message.body).collect();
    assert_eq!(buried, ["{".to_owned()].into(), "{case}: exactly the poison");
}

const MESSAGES: [&str; 5] = ["a/1", "{", "a/2", "b/1", "a/3"];

fn telling() -> Tallier {
    Tallier::telling(3)
}

/// As a second instance does: takes what comes back, and looks at what is due.
async fn clean_up(io: &MemoryIo, worker: &Tallier) {
    let stop = CancellationToken::new();
    let due = tokio::spawn(serve_due(io.clone(), worker.clone(), stop.clone()));
    seconds(130).await;
    consume_all(io, worker).await;
    stop.cancel();
    due.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fault_or_crash_at_any_point_of_the_loop_loses_nothing() {
    let clean = MemoryIo::default();
    put_all(&clean, &MESSAGES);
    consume_all(&clean, &telling()).await;
    let points = clean.points();
    let names: BTreeSet<_> = points.iter().copied().collect();
    let expected = ["commit", "dead_letter", "delete", "publish", "published", "read", "receive"];
    assert_eq!(names, expected.into(), "a new point is proved here too");
    for (point, name) in points.iter().enumerate() {
        for (fault, dies) in Fault::ALL.into_iter().flat_map(|fault| [(fault, false), (fault, true)]) {
            let (io, worker) = (MemoryIo::default(), telling());
            put_all(&io, &MESSAGES);
            if dies {
                io.crash_at(point, fault);
            } else {
                io.fail_at(point, fault);
            }
            tokio::select! {
                biased;
                _ = consume_all(&io, &worker) => {}
                () = io.crashed() => {}
            }
            clean_up(&io.restarted(), &telling()).await;
            let case = format!("{fault:?} at {point} ({name}), dies: {dies}");
            assert_all_done(&io, &case);
            assert_all_told(&io, &case);
        }
    }
}

fn assert_all_told(io: &MemoryIo, case: &str) {
    let told: BTreeSet<String> =
        io.published_events().into_iter().map(|event| event.event_id().to_owned()).collect();
    assert_eq!(told, ["a@1", "a@2", "b@1"].map(str::to_owned).into(), "{case}: everything told");
    let quiet = io.table().values().all(|item| item.outbox.is_empty() && item.due.is_none());
    assert!(quiet, "{case}: nothing left to tell");
}

#[tokio::test(start_paused = true)]
async fn faults_by_chance_lose_nothing() {
    for seed in 0..200 {
        let io = MemoryIo::default();
        put_all(&io, &MESSAGES);
        io.fail_by_chance(seed, Chances { before: 0.2, after: 0.1, twice: 0.1, ..Chances::default() });
        for _ in 0..5 {
            consume_all(&io, &telling()).await;
            seconds(130).await;
        }
        clean_up(&io.restarted(), &telling()).await;
        assert_all_done(&io, &format!("seed {seed}"));
        assert_all_told(&io, &format!("seed {seed}"));
    }
}

#[tokio::test(start_paused = true)]
async fn two_instances_killed_again_and_again_under_faults_lose_nothing() {
    for seed in 0..6 {
        let world = MemoryIo::default();
        for n in 1..=10 {
            for subject in 0..100 {
                world.put_message(format!("s{subject}/{n}"));
            }
        }
        for kill in 0..6 {
            let instances = [0, 1].map(|instance| {
                let io = world.restarted().with_latency(Duration::from_millis(10));
                let chances = Chances { before: 0.05, after: 0.02, twice: 0.02, ..Chances::default() };
                io.fail_by_chance(seed * 100 + kill * 10 + instance, chances);
                let worker = Tallier::telling(100);
                tokio::spawn(consume(io, worker, Options::default(), CancellationToken::new()))
            });
            tokio::time::sleep(Duration::from_millis(40 + (seed * 13 + kill * 17) % 60)).await;
            instances.iter().for_each(JoinHandle::abort);
        }
        let midway = !world.published_events().is_empty() && world.queued() > 0;
        assert!(midway, "seed {seed}: killed midway");
        clean_up(&world.restarted(), &Tallier::telling(100)).await;
        assert_eq!((world.queued(), world.dead_letters().len()), (0, 0), "seed {seed}");
        let told: BTreeSet<String> =
            world.published_events().into_iter().map(|event| event.event_id().to_owned()).collect();
        assert_eq!(told.len(), 1000, "seed {seed}: everything told");
        for subject in 0..100 {
            let row = world.stored::<Tally>(&tally_key(&format!("s{subject}"))).unwrap().unwrap().row;
            assert_eq!(row.seen.len(), 10, "seed {seed}: nothing lost of s{subject}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_threads_handle_everything_once() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    for n in 0..500 {
        io.put_message(format!("s{}/{n}", n % 50));
    }
    let options = Options { once: true, poll: Duration::from_millis(1), ..Options::default() };
    let counted = consume(io.clone(), worker, options, CancellationToken::new()).await;
    assert_eq!((counted.handled, io.queued()), (500, 0));
    assert_eq!(io.table().len(), 50);
}
