use super::*;
use crate::io::Io;
use crate::memory::Fault;

#[tokio::test(start_paused = true)]
async fn leases_are_extended_while_work_goes_on_and_while_it_waits() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["slow/1/sleep/1000"]);
    let (_stop, _running) = start(&io, &worker);
    seconds(1).await;
    put_all(&io, &["slow/2", "slow/3"]);
    seconds(1100).await;
    assert_eq!(worker.calls(), [("slow".to_owned(), vec![1]), ("slow".to_owned(), vec![2, 3])]);
    assert_eq!(io.queued(), 0);
    assert!(io.points().iter().filter(|point| **point == "hide").count() >= 8);
}

#[tokio::test(start_paused = true)]
async fn a_failed_extension_is_tried_again_before_the_lease_ends() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["slow/1/sleep/300"]);
    let (_stop, _running) = start(&io, &worker);
    seconds(1).await;
    io.break_down(crate::verdict::Neighbour::Queue, crate::verdict::Verdict::Transient);
    seconds(90).await;
    io.mend(crate::verdict::Neighbour::Queue);
    seconds(300).await;
    assert_eq!(worker.calls().len(), 1, "never delivered to anyone else");
    assert_eq!(io.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_no_longer_ours_is_not_settled() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["slow/1/sleep/100"]);
    let (stop, running) = start(&io, &worker);
    seconds(1).await;
    // Someone else releases and takes it; the next extension is refused.
    let other = io.restarted();
    let ours = crate::io::Message {
        id: "m-000000".into(),
        receipt: "m-000000/1".into(),
        body: String::new(),
        receive_count: 1,
        sent_at: io.now(),
    };
    other.hide(&[(ours, Duration::ZERO)]).await.unwrap();
    let taken = other.receive(1, Duration::ZERO).await.unwrap();
    assert_eq!(taken.len(), 1);
    seconds(110).await;
    assert_eq!(io.queued(), 1);
    assert!(!io.points().contains(&"delete"));
    stop.cancel();
    assert_eq!(running.await.unwrap().lost, 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_delivery_of_what_is_in_hand_is_not_handled_twice() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["slow/1/sleep/30"]);
    // A receive that is repeated by the client: the first answer is lost, the message comes back later.
    io.fail_at(0, Fault::Twice);
    let (_stop, _running) = start(&io, &worker);
    seconds(300).await;
    assert_eq!((worker.calls().len(), io.queued()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_delete_is_only_a_redelivery() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/1"]);
    let (_stop, _running) = start(&io, &worker);
    io.break_down(crate::verdict::Neighbour::Queue, crate::verdict::Verdict::Transient);
    io.mend(crate::verdict::Neighbour::Queue);
    // receive, (second receive), read, commit, then the deletes.
    for point in 3..12 {
        io.fail_at(point, Fault::Before);
    }
    seconds(600).await;
    assert_eq!(io.queued(), 0);
    assert_eq!(worker.finished("a"), [1]);
    let row = io.stored::<crate::fixture::Tally>(&crate::fixture::tally_key("a")).unwrap().unwrap();
    assert_eq!(row.rev, 1, "the second time there was nothing to write");
}
