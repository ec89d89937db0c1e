//! Claims of the store.

use std::collections::BTreeSet;
use std::time::Duration;

use drs_fleet_domain::keys::due_shards;

use super::*;
use crate::fixture::{Tally, add, tally_key};
use crate::memory::{Fault, MemoryIo};

fn seen(io: &MemoryIo, id: &str) -> Vec<u32> {
    let stored = io.stored::<Tally>(&tally_key(id)).unwrap();
    stored.into_iter().flat_map(|stored| stored.row.seen).collect()
}

fn told(io: &MemoryIo) -> Vec<String> {
    io.published_events().into_iter().map(|event| event.event_id().to_owned()).collect()
}

async fn tell_one(store: &Store<Tally>, io: &MemoryIo, n: u32) -> Result<Outcome<Tally>, IoError> {
    store.change(io, &tally_key("a"), |row| add("a", &[n], 100, row)).await
}

async fn due_items(io: &MemoryIo, in_seconds: u64) -> Vec<Key> {
    let until = crate::time::after(io.now(), Duration::from_secs(in_seconds));
    let mut keys = Vec::new();
    for shard in due_shards(Tally::WORKER) {
        keys.extend(io.due(&shard, until, 10).await.unwrap().into_iter().map(|due| due.key));
    }
    keys
}

#[tokio::test(start_paused = true)]
async fn the_warm_road_is_one_write_and_no_read() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    for n in 0..3 {
        let outcome = store.change(&io, &tally_key("a"), |row| add("a", &[n], 0, row)).await.unwrap();
        assert!(outcome.changed());
    }
    assert_eq!(io.points(), ["read", "commit", "commit", "commit"]);
    assert_eq!(seen(&io, "a"), [0, 1, 2]);
    assert!(due_items(&io, 3600).await.is_empty(), "what tells nothing and waits for nothing is not due");
}

#[tokio::test(start_paused = true)]
async fn nothing_new_is_no_write() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    tell_one(&store, &io, 1).await.unwrap();
    let points = io.points().len();
    assert!(!tell_one(&store, &io, 1).await.unwrap().changed());
    assert_eq!(io.points().len(), points);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_late_hides_nothing_that_was_written_meanwhile() {
    let (io, store, key) = (MemoryIo::default(), Store::<Tally>::default(), tally_key("a"));
    let write = async |store: &Store<Tally>, n| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        store.change(&io, &key, |row| add("a", &[n], 0, row)).await.unwrap()
    };
    write(&store, 1).await;
    io.fail_at(io.points().len(), Fault::Late(Duration::from_secs(1)));
    let (read, _) = tokio::join!(store.fresh(&io, &key), write(&store, 2));
    assert_eq!((read.unwrap().unwrap().rev, store.held(&key).unwrap().rev), (1, 2));
    // Nor that to a write: another was made upon it.
    io.fail_at(io.points().len(), Fault::Late(Duration::from_secs(1)));
    let upon = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        store.change_now(&io, &key, |row| add("a", &[4], 0, row)).await.unwrap()
    };
    tokio::join!(write(&store, 3), upon);
    assert_eq!(store.held(&key).unwrap().rev, 4);
    // What another deleted and made anew is as the table says.
    let other = Store::<Tally>::default();
    other.forget(&io, &key).await.unwrap();
    write(&other, 5).await;
    store.fresh(&io, &key).await.unwrap();
    assert_eq!(store.held(&key).unwrap().row.seen, [5].into());
}

#[tokio::test(start_paused = true)]
async fn what_is_told_is_stored_then_published_then_removed() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    tell_one(&store, &io, 1).await.unwrap();
    assert_eq!(io.points(), ["read", "commit", "publish", "published"]);
    assert_eq!(told(&io), ["a@1"]);
    let stored = io.stored::<Tally>(&tally_key("a")).unwrap().unwrap();
    assert!(stored.outbox.is_empty());
    assert!(due_items(&io, 3600).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn items_of_a_query_need_no_read_and_never_replace_newer_ones() {
    let io = MemoryIo::default();
    let (writer, sweeper) = (Store::<Tally>::default(), Store::<Tally>::default());
    tell_one(&writer, &io, 1).await.unwrap();
    let range = drs_fleet_domain::keys::Range { pk: tally_key("a").pk, sk_prefix: String::new() };
    let items = io.query::<Tally>(&range).await.unwrap();
    sweeper.remember(items.clone());
    tell_one(&sweeper, &io, 2).await.unwrap();
    sweeper.remember(items);
    tell_one(&sweeper, &io, 3).await.unwrap();
    let of = |name: &str| io.points().iter().filter(|point| **point == name).count();
    assert_eq!((of("read"), of("commit")), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn the_loser_of_a_race_decides_again_on_what_the_winner_stored() {
    let io = MemoryIo::default();
    let (ours, theirs) = (Store::<Tally>::default(), Store::<Tally>::default());
    tell_one(&ours, &io, 1).await.unwrap();
    tell_one(&theirs, &io, 2).await.unwrap();
    tell_one(&ours, &io, 3).await.unwrap();
    assert_eq!(seen(&io, "a"), [1, 2, 3]);
    assert_eq!(told(&io), ["a@1", "a@2", "a@3"]);
    assert_eq!(
        io.points().iter().filter(|point| **point == "read").count(),
        2,
        "the conflict brought the item"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deleted_item_is_created_anew() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    tell_one(&store, &io, 1).await.unwrap();
    io.forget(&tally_key("a")).await.unwrap();
    tell_one(&store, &io, 2).await.unwrap();
    assert_eq!(seen(&io, "a"), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_publish_does_not_fail_the_change_and_the_due_index_has_it() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    io.break_down(Neighbour::Bus, Verdict::Transient);
    assert!(tell_one(&store, &io, 1).await.unwrap().changed());
    assert!(due_items(&io, 29).await.is_empty());
    assert_eq!(due_items(&io, 30).await, [tally_key("a")]);

    io.mend(Neighbour::Bus);
    tokio::time::sleep(Duration::from_secs(31)).await;
    Store::<Tally>::default().wake(&io, &tally_key("a"), |_| None).await.unwrap();
    assert_eq!(told(&io), ["a@1"]);
    assert!(due_items(&io, 3600).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_published_is_not_published_again_because_a_call_failed_once() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    tell_one(&store, &io, 1).await.unwrap();
    let recorded = io.points().iter().position(|point| *point == "published").unwrap();
    for fault in [Fault::Before, Fault::After] {
        let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
        io.fail_at(recorded, fault);
        tell_one(&store, &io, 1).await.unwrap();
        tell_one(&store, &io, 2).await.unwrap();
        assert_eq!(told(&io), ["a@1", "a@2"], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn leftovers_are_published_by_whoever_loads_the_item_next() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    io.break_down(Neighbour::Bus, Verdict::Transient);
    tell_one(&store, &io, 1).await.unwrap();
    io.mend(Neighbour::Bus);
    let next = Store::<Tally>::default();
    tell_one(&next, &io, 1).await.unwrap();
    assert_eq!(told(&io), ["a@1"]);
    tell_one(&next, &io, 2).await.unwrap();
    assert_eq!(told(&io), ["a@1", "a@2"]);
}

#[tokio::test(start_paused = true)]
async fn an_outbox_never_outgrows_its_limit_and_loses_nothing() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    io.break_down(Neighbour::Bus, Verdict::Transient);
    let mut refused = Vec::new();
    for n in 0..40 {
        if tell_one(&store, &io, n).await.is_err() {
            refused.push(n);
        }
    }
    let stored = io.stored::<Tally>(&tally_key("a")).unwrap().unwrap();
    assert_eq!((stored.outbox.len(), refused.len()), (OUTBOX_LIMIT, 8));
    io.mend(Neighbour::Bus);
    for n in refused {
        tell_one(&store, &io, n).await.unwrap();
    }
    assert_eq!(told(&io).into_iter().collect::<BTreeSet<_>>().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn of_two_instances_one_serves_a_timer() {
    let io = MemoryIo::default().with_latency(Duration::from_millis(10));
    let rings = Tally { id: "a".into(), wake_at: Some(io.now()), ..Tally::default() };
    let set = |_: Option<&Tally>| Some(Change { row: rings.clone(), tell: vec![] });
    Store::default().change(&io, &tally_key("a"), set).await.unwrap();
    assert_eq!(due_items(&io, 1).await.len(), 1);

    let rang = |row: &Tally| Some(Change { row: Tally { wake_at: None, ..row.clone() }, tell: vec![] });
    let key = tally_key("a");
    let (one, other) = (Store::<Tally>::default(), Store::<Tally>::default());
    let (one, other) = tokio::join!(one.wake(&io, &key, rang), other.wake(&io, &key, rang));
    assert_eq!(u8::from(one.unwrap().changed()) + u8::from(other.unwrap().changed()), 1);
    assert!(due_items(&io, 3600).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_two_instances_one_publishes_an_unfinished_outbox() {
    let io = MemoryIo::default().with_latency(Duration::from_millis(10));
    io.break_down(Neighbour::Bus, Verdict::Transient);
    tell_one(&Store::default(), &io, 1).await.unwrap();
    io.mend(Neighbour::Bus);
    let key = tally_key("a");
    let (one, other) = (Store::<Tally>::default(), Store::<Tally>::default());
    let (one, other) = tokio::join!(one.wake(&io, &key, |_| None), other.wake(&io, &key, |_| None));
    one.and(other).unwrap();
    assert_eq!(told(&io), ["a@1"]);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_nobody_moves_does_not_ring_each_second() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    let rings = Tally { id: "a".into(), wake_at: Some(io.now()), ..Tally::default() };
    let set = |_: Option<&Tally>| Some(Change { row: rings.clone(), tell: vec![] });
    store.change(&io, &tally_key("a"), set).await.unwrap();
    store.wake(&io, &tally_key("a"), |_| None).await.unwrap();
    assert!(due_items(&io, 29).await.is_empty());
    assert_eq!(due_items(&io, 30).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn waking_what_is_gone_does_nothing() {
    let (io, store) = (MemoryIo::default(), Store::<Tally>::default());
    assert!(store.wake(&io, &tally_key("a"), |_| None).await.unwrap().row().is_none());
    assert_eq!(io.points(), ["read"]);
}

/// Two changes that tell, with a fault at one I/O point, each tried until it goes through as the loop does.
async fn two_changes(io: &MemoryIo) {
    let store = Store::<Tally>::default();
    for n in [1, 2] {
        while tell_one(&store, io, n).await.is_err() {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_or_crash_at_any_point_of_a_change_ends_in_the_same_row_and_everything_told() {
    let clean = MemoryIo::default();
    two_changes(&clean).await;
    let points = clean.points();
    assert_eq!(
        points.iter().copied().collect::<BTreeSet<_>>(),
        ["commit", "publish", "published", "read"].into()
    );

    for (point, name) in points.iter().enumerate() {
        for (fault, dies) in Fault::ALL.into_iter().flat_map(|fault| [(fault, false), (fault, true)]) {
            let io = MemoryIo::default();
            if dies {
                io.crash_at(point, fault);
            } else {
                io.fail_at(point, fault);
            }
            tokio::select! {
                biased;
                () = two_changes(&io) => {}
                () = io.crashed() => {}
            }
            // The messages are delivered again, and half a minute later the due task looks.
            let next = io.restarted();
            two_changes(&next).await;
            tokio::time::sleep(Duration::from_secs(31)).await;
            for key in due_items(&next, 0).await {
                Store::<Tally>::default().wake(&next, &key, |_| None).await.unwrap();
            }
            let case = format!("{fault:?} at {point} ({name}), dies: {dies}");
            assert_eq!(seen(&next, "a"), [1, 2], "{case}");
            let told: BTreeSet<String> = told(&next).into_iter().collect();
            assert_eq!(told, ["a@1".to_owned(), "a@2".to_owned()].into(), "{case}");
            assert!(next.table().values().all(|item| item.outbox.is_empty() && item.due.is_none()), "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_decided_now_is_decided_on_what_another_process_stored_just_before() {
    let io = MemoryIo::default();
    io.lag_reads(1);
    let (writer, late) = (Store::<Tally>::default(), Store::<Tally>::default());
    for n in 1..50 {
        tell_one(&writer, &io, n).await.unwrap();
        let outcome = late.change_now(&io, &tally_key("a"), |_| None).await.unwrap();
        assert!(outcome.row().unwrap().seen.contains(&n), "{n}");
        let fresh = late.fresh(&io, &tally_key("a")).await.unwrap();
        assert!(fresh.unwrap().row.seen.contains(&n), "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_late_takes_the_place_of_nothing_that_this_process_wrote() {
    let io = MemoryIo::default();
    io.lag_reads(1);
    let store = Store::<Tally>::default();
    tell_one(&store, &io, 0).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for n in 1..50 {
        tell_one(&store, &io, n).await.unwrap();
        store.wake(&io, &tally_key("a"), |_| None).await.unwrap();
        assert!(store.held(&tally_key("a")).is_some_and(|held| held.row.seen.contains(&n)), "{n}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
