use super::*;

#[tokio::test(start_paused = true)]
async fn four_waiting_events_of_one_subject_are_one_call_in_their_order() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/3", "a/1", "b/7", "a/4", "a/2"]);
    let counted = consume_all(&io, &worker).await;
    assert_eq!(worker.calls(), [("a".to_owned(), vec![3, 1, 4, 2]), ("b".to_owned(), vec![7])]);
    assert_eq!((counted.received, counted.handled, counted.coalesced), (5, 5, 3));
    assert_eq!(io.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_lane_never_holds_its_neighbours() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["slow/1/sleep/1000", "a/1", "b/1"]);
    let (_stop, _running) = start(&io, &worker);
    seconds(1).await;
    assert_eq!((worker.finished("a"), worker.finished("b")), (vec![1], vec![1]));
    put_all(&io, &["a/2"]);
    seconds(1).await;
    assert_eq!(worker.finished("a"), [1, 2]);
    assert_eq!(io.queued(), 1, "what is finished is deleted");
}

#[tokio::test(start_paused = true)]
async fn a_lane_is_handled_by_one_task_at_a_time() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/1/sleep/20"]);
    let (_stop, _running) = start(&io, &worker);
    seconds(1).await;
    put_all(&io, &["a/2", "a/3"]);
    seconds(10).await;
    assert_eq!(worker.calls().len(), 1);
    seconds(20).await;
    assert_eq!(worker.calls()[1], ("a".to_owned(), vec![2, 3]));
}

#[tokio::test(start_paused = true)]
async fn a_poison_message_leaves_its_neighbours_untouched() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/1", "{", "a/2", "b/1"]);
    let counted = consume_all(&io, &worker).await;
    assert_eq!((worker.finished("a"), worker.finished("b")), (vec![1, 2], vec![1]));
    let buried = io.dead_letters();
    assert_eq!(buried.len(), 1);
    assert_eq!(buried[0].message.body, "{");
    let attribute = |name: &str| buried[0].attributes[name].clone();
    assert_eq!(attribute("reason"), "NOT_JSON");
    assert_eq!(attribute("worker"), "tallier");
    assert_eq!(attribute("receiveCount"), "1");
    assert_eq!(attribute("messageId"), "m-000001");
    assert_eq!((counted.dead_lettered, io.queued()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_can_never_be_handled_is_buried_without_those_it_came_with() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/1", "a/2/permanent", "a/3"]);
    consume_all(&io, &worker).await;
    assert_eq!(worker.finished("a"), [1, 3]);
    let buried = io.dead_letters();
    assert_eq!(buried.len(), 1);
    assert_eq!(buried[0].message.body, "a/2/permanent");
    assert_eq!(buried[0].attributes["reason"], "PERMANENT");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_harms_only_its_message() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    io.redrive_after(3);
    put_all(&io, &["a/1", "a/2/panic", "b/1", "panic/1"]);
    let (_stop, _running) = start(&io, &worker);
    seconds(3).await;
    assert_eq!((worker.finished("a"), worker.finished("b")), (vec![1], vec![1]));
    assert_eq!((io.queued(), io.hidden()), (2, 2), "given back for later");
    seconds(3600).await;
    assert_eq!(io.dead_letters().len(), 2, "the redrive count is the net");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_dead_lettered_is_kept() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["{"]);
    // The receive is point 0; the next two calls are the attempts to dead-letter.
    io.fail_at(1, crate::memory::Fault::Before);
    io.fail_at(2, crate::memory::Fault::Before);
    consume_all(&io, &worker).await;
    assert_eq!((io.dead_letters().len(), io.queued()), (1, 0));
    assert_eq!(io.points().iter().filter(|point| **point == "dead_letter").count(), 2);
}
