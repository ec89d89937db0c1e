use super::*;
use crate::consume::settle::give_back;
use crate::io::Io;
use crate::memory::Fault;

#[tokio::test(start_paused = true)]
async fn stopping_finishes_what_runs_and_releases_what_waits() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/1/sleep/5"]);
    let (stop, running) = start(&io, &worker);
    seconds(1).await;
    put_all(&io, &["a/2", "a/3"]);
    seconds(1).await;
    assert_eq!(io.hidden(), 3);
    stop.cancel();
    let counted = running.await.unwrap();
    assert_eq!(worker.finished("a"), [1]);
    assert_eq!((io.queued(), io.hidden()), (2, 0), "the finished one is deleted, the others are free");
    assert_eq!(counted.handled, 1);
    assert!(counted.released >= 2, "the last poll may take them once more");
}

#[tokio::test(start_paused = true)]
async fn stopping_takes_ten_seconds_at_most_even_if_a_handler_hangs() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/1/sleep/100000"]);
    let (stop, running) = start(&io, &worker);
    seconds(1).await;
    let began = tokio::time::Instant::now();
    stop.cancel();
    running.await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(10));
    assert_eq!(io.queued(), 1, "it comes back");
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_stops_when_its_last_poll_ends_and_what_that_brings_is_released() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    let (stop, running) = start(&io, &worker);
    seconds(1).await;
    stop.cancel();
    seconds(1).await;
    put_all(&io, &["a/1"]);
    let counted = running.await.unwrap();
    assert_eq!((io.queued(), io.hidden(), counted.released), (1, 0, 1));
    assert!(worker.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_finished_is_delivered_again() {
    let (io, worker) = (MemoryIo::default().with_latency(Duration::from_millis(10)), Tallier::default());
    for n in 0..2000 {
        io.put_message(format!("s{n}/1"));
    }
    let (stop, running) = start(&io, &worker);
    tokio::time::sleep(Duration::from_millis(150)).await;
    stop.cancel();
    let counted = running.await.unwrap();
    assert!(counted.handled > 0 && io.queued() > 0);
    assert_eq!(io.queued() as u64, 2000 - counted.handled);
    assert_eq!(io.hidden(), 0, "all others are free at once");
}

#[tokio::test(start_paused = true)]
async fn once_ends_by_itself_with_an_empty_queue() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_all(&io, &["a/1/sleep/100", "b/1"]);
    let consuming = consume_all(&io, &worker);
    let counted = tokio::time::timeout(A_WHILE + Duration::from_secs(100), consuming).await.unwrap();
    assert_eq!((counted.handled, io.queued()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_batch_left_over_is_given_back_as_well() {
    let io = MemoryIo::default();
    put_all(&io, &["a/1", "b/1", "c/1"]);
    let messages = io.receive(10, Duration::ZERO).await.unwrap();
    io.fail_at(1, Fault::Part);
    give_back(&io, messages.into_iter().map(|message| (message, Duration::ZERO)).collect()).await;
    assert_eq!((io.queued(), io.hidden()), (3, 0));
}
