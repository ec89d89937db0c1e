//! The test double is tested too, above all the faults that it exists to inject.

mod queue;
mod rest;
mod spokes;

use std::collections::BTreeSet;

use drs_fleet_domain::ids::AccountId;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::row::Outbox;
use drs_fleet_domain::seen::{JobSeen, QuotaSeen};

use super::*;
use crate::fixture::{Tally, event, posted, tally_key};
use crate::io::{CommitError, Io, JobFilter, RecoveryFilter, ServerFilter, Write};

const NO_WAIT: Duration = Duration::ZERO;

async fn write(io: &MemoryIo, seen: u32, expected: Option<u64>) -> Result<u64, CommitError<Tally>> {
    let row = Tally { id: "a".into(), seen: [seen].into(), ..Tally::default() };
    let outbox = Outbox::new();
    io.commit(Write { row: &row, expected, outbox_before: &outbox, outbox: &outbox, due: None }).await
}

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "eu-central-1".parse().unwrap() }
}

fn job(n: u32) -> JobSeen {
    JobSeen::new(format!("drsjob-{n:017}").parse().unwrap(), "COMPLETED")
}

#[tokio::test(start_paused = true)]
async fn a_write_needs_the_revision_and_the_loser_gets_the_item() {
    let io = MemoryIo::default();
    assert_eq!(write(&io, 1, None).await.unwrap(), 1);
    assert_eq!(write(&io, 2, Some(1)).await.unwrap(), 2);
    for expected in [None, Some(1), Some(3)] {
        let Err(CommitError::Conflict(Some(found))) = write(&io, 3, expected).await else {
            panic!("conflict")
        };
        assert_eq!((found.rev, found.row.seen.first()), (2, Some(&2)));
    }
    io.forget(&tally_key("a")).await.unwrap();
    assert!(matches!(write(&io, 3, Some(2)).await, Err(CommitError::Conflict(None))));
}

#[tokio::test(start_paused = true)]
async fn what_was_published_since_the_row_was_read_stays_removed() {
    let io = MemoryIo::default();
    let row = Tally { id: "a".into(), ..Tally::default() };
    let one: Outbox = [("a@1".to_owned(), event("a", 1))].into();
    let both: Outbox = [1, 2].map(|n| (format!("a@{n}"), event("a", n))).into();
    let none = Outbox::new();
    let (first, due) =
        (Write { row: &row, expected: None, outbox_before: &none, outbox: &one, due: None }, None);
    io.commit(first).await.unwrap();
    io.published(&row.key(), 1, &["a@1".to_owned()], due).await.unwrap();
    let second = Write { row: &row, expected: Some(1), outbox_before: &one, outbox: &both, due: None };
    io.commit(second).await.unwrap();
    let stored = io.stored::<Tally>(&row.key()).unwrap().unwrap();
    assert_eq!(stored.outbox.keys().collect::<Vec<_>>(), ["a@2"]);
}

#[tokio::test(start_paused = true)]
async fn a_due_time_is_set_only_at_the_revision_it_was_decided_for() {
    let io = MemoryIo::default();
    write(&io, 1, None).await.unwrap();
    let due_of = || io.table()[&tally_key("a")].due;
    io.published(&tally_key("a"), 7, &[], Some(io.now())).await.unwrap();
    assert_eq!(due_of(), None);
    io.published(&tally_key("a"), 1, &[], Some(io.now())).await.unwrap();
    assert_eq!(due_of(), Some(io.now()));
}

#[tokio::test(start_paused = true)]
async fn a_fault_before_has_no_effect_one_after_has_and_a_doubled_call_has_two() {
    for (fault, published, ok) in
        [(Fault::Before, 0, false), (Fault::After, 1, false), (Fault::Twice, 2, true)]
    {
        let io = MemoryIo::default();
        io.fail_at(1, fault);
        io.publish(&[]).await.unwrap();
        assert_eq!(io.publish(&[event("a", 1)]).await.is_ok(), ok, "{fault:?}");
        assert_eq!(io.published_events().len(), published, "{fault:?}");
        io.publish(&[]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_which_a_part_fails_takes_the_rest_and_says_which() {
    let io = MemoryIo::default();
    for n in 0..3 {
        io.put_message(n.to_string());
    }
    let messages = io.receive(10, NO_WAIT).await.unwrap();
    for n in 1..=3 {
        io.fail_at(n, Fault::Part);
    }
    let deleted: Vec<_> = io.delete(&messages).await.unwrap().iter().map(Result::is_ok).collect();
    assert_eq!(deleted, [false, true, false]);
    assert!(io.publish(&[event("a", 1), event("a", 2)]).await.is_err());
    assert_eq!(io.published_events().iter().map(OwnEvent::event_id).collect::<Vec<_>>(), ["a@2"]);
    assert!(write(&io, 1, None).await.is_err() && io.table().is_empty(), "a call of one thing fails");
}

#[tokio::test(start_paused = true)]
async fn a_write_done_twice_conflicts_with_itself() {
    let io = MemoryIo::default();
    io.fail_at(0, Fault::Twice);
    assert!(matches!(write(&io, 1, None).await, Err(CommitError::Conflict(Some(found))) if found.rev == 1));
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_nothing_answers_and_the_next_process_sees_what_was_done() {
    for (fault, published) in [(Fault::Before, 0), (Fault::After, 1)] {
        let io = MemoryIo::default();
        io.crash_at(0, fault);
        let events = [event("a", 1)];
        tokio::select! {
            biased;
            _ = io.publish(&events) => panic!("it died"),
            () = io.crashed() => {}
        }
        let dead = tokio::time::timeout(Duration::from_mins(1), io.receive(1, NO_WAIT)).await;
        assert!(dead.is_err());
        let next = io.restarted();
        next.publish(&[]).await.unwrap();
        assert_eq!(next.published_events().len(), published);
    }
}

#[tokio::test(start_paused = true)]
async fn chance_is_the_same_for_the_same_seed() {
    let failures = |seed: u64| async move {
        let io = MemoryIo::default();
        io.fail_by_chance(seed, Chances { before: 0.3, ..Chances::default() });
        let mut failed = Vec::new();
        for _ in 0..100 {
            failed.push(io.publish(&[]).await.is_err());
        }
        failed
    };
    let (one, again, other) = (failures(1).await, failures(1).await, failures(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    let count = one.iter().filter(|failed| **failed).count();
    assert!((15..45).contains(&count), "{count} of 100 failed");
}

#[tokio::test(start_paused = true)]
async fn a_broken_neighbour_fails_until_it_is_mended_and_others_do_not() {
    let io = MemoryIo::default();
    io.break_down(Neighbour::Table, Verdict::Throttled);
    let error = io.read::<Tally>(&[tally_key("a")]).await.unwrap_err();
    assert_eq!((error.neighbour, error.verdict), (Neighbour::Table, Verdict::Throttled));
    io.publish(&[]).await.unwrap();
    io.mend(Neighbour::Table);
    io.read::<Tally>(&[tally_key("a")]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reads_that_lag_show_for_a_second_at_most_what_was_before_and_writes_what_is() {
    let io = MemoryIo::default();
    io.lag_reads(1);
    let read = async || io.read::<Tally>(&[tally_key("a")]).await.unwrap().remove(0).map(|stored| stored.rev);
    let mut late = 0;
    for rev in 0..100 {
        let before = (rev > 0).then_some(rev);
        assert_eq!(write(&io, 1, before).await.unwrap(), rev + 1, "a write knows the newest");
        let shown = read().await;
        assert!(shown == before || shown == Some(rev + 1));
        late += u32::from(shown == before);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(read().await, Some(rev + 1));
    }
    assert!((30..70).contains(&late), "{late} of 100 were late");
}

#[tokio::test(start_paused = true)]
async fn a_partition_throttles_what_is_too_much_in_a_second_and_others_do_not() {
    let io = MemoryIo::default();
    io.limit_writes(Some(2));
    write(&io, 1, None).await.unwrap();
    assert!(matches!(write(&io, 2, None).await, Err(CommitError::Conflict(_))), "that takes room as well");
    let Err(CommitError::Io(error)) = write(&io, 2, Some(1)).await else { panic!("throttled") };
    assert_eq!((error.neighbour, error.verdict), (Neighbour::Table, Verdict::Throttled));
    let elsewhere = Key { pk: "elsewhere".into(), sk: "a".into() };
    io.forget(&elsewhere).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(write(&io, 2, Some(1)).await.unwrap(), 2);
    io.limit_writes(None);
    for rev in 2..9 {
        write(&io, 3, Some(rev)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn every_method_that_may_fail_is_a_point() {
    let io = MemoryIo::default();
    io.put_message("body");
    let message = io.receive(1, NO_WAIT).await.unwrap().remove(0);
    io.hide(&[(message.clone(), NO_WAIT)]).await.unwrap();
    io.dead_letter(&message, &BTreeMap::new()).await.unwrap();
    io.delete(&[message]).await.unwrap();
    io.enqueue(&["body".into()]).await.unwrap();
    io.read::<Tally>(&[]).await.unwrap();
    io.query::<Tally>(&drs_fleet_domain::keys::servers(&place())).await.unwrap();
    write(&io, 1, None).await.unwrap();
    io.published(&tally_key("a"), 1, &[], None).await.unwrap();
    io.forget(&tally_key("a")).await.unwrap();
    io.due("tallier#0", io.now(), 1).await.unwrap();
    io.publish(&[]).await.unwrap();
    call_a_spoke(&io).await;
    io.send(&Notice::Bus { detail_type: "Test".into(), detail: serde_json::Value::Null }).await.unwrap();
    assert!(!io.is_signed(&posted(&format!("v0={}", "0".repeat(64)))).await.unwrap());
    let account: AccountId = "111122223333".parse().unwrap();
    io.evict(&account);
    let passed = io.points();
    let points = points_of_the_seam();
    assert_eq!(passed.iter().copied().collect::<BTreeSet<_>>(), points, "a new one is to be called here");
    assert_eq!(passed.len(), points.len(), "one point each: {passed:?}");
    assert_eq!(io.tags(&place(), "arn")["k"], "v");
    assert_eq!((io.evicted(), io.notices().len()), (vec![account], 1));
}

/// What it answers where nothing is there does not matter.
async fn call_a_spoke(io: &MemoryIo) {
    let (place, server) = (&place(), &"s-12345678901234567".parse().unwrap());
    drop(io.source_servers(place, &ServerFilter::All, None).await);
    drop(io.jobs(place, &JobFilter::All, None).await);
    drop(io.job_log(place, &job(1).id, None).await);
    drop(io.recovery_instances(place, &RecoveryFilter::All, None).await);
    drop(io.quotas(place).await);
    drop(io.extensible_servers(place, &place.account, None).await);
    drop(io.extend(place, "arn", &BTreeMap::new()).await);
    io.tag(place, "arn", &BTreeMap::from([("k".into(), "v".into())])).await.unwrap();
    drop(io.untag(place, "arn", &BTreeSet::new()).await);
    drop(io.tagged_instances(place, None).await);
    drop(io.instance_types(place, &[]).await);
    drop(io.launch_configuration(place, server).await);
    drop(io.copy_tags(place, server).await);
}

#[tokio::test(start_paused = true)]
async fn a_late_call_takes_effect_at_once_and_answers_so_much_later() {
    let (io, began) = (MemoryIo::default(), Instant::now());
    io.fail_at(1, Fault::Late(Duration::from_mins(1)));
    io.publish(&[]).await.unwrap();
    let late = [event("a", 1)];
    let (answer, ()) = tokio::join!(io.publish(&late), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(io.published_events().len(), 1);
    });
    answer.unwrap();
    assert_eq!(began.elapsed(), Duration::from_mins(1));
    assert_eq!(io.pauses(), [(1, Duration::from_mins(1))]);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_process_makes_no_call_and_others_do() {
    let (io, began) = (MemoryIo::default(), Instant::now());
    io.fail_at(0, Fault::Frozen(Duration::from_mins(1)));
    let other = async |io: &MemoryIo| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        io.publish(&[]).await.unwrap();
        began.elapsed().as_secs()
    };
    let neighbour = io.restarted();
    let (answer, same, another) = tokio::join!(io.publish(&[]), other(&io), other(&neighbour));
    answer.unwrap();
    assert_eq!((same, another, began.elapsed().as_secs()), (60, 1, 60));
}
