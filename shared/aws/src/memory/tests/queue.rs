//! The queue, as SQS is one.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_deleted_is_delivered_again() {
    let io = MemoryIo::default();
    io.put_message("body");
    let first = io.receive(10, NO_WAIT).await.unwrap();
    assert_eq!(first[0].receive_count, 1);
    assert!(io.receive(10, NO_WAIT).await.unwrap().is_empty(), "hidden");
    tokio::time::sleep(QUEUE_VISIBILITY).await;
    let second = io.receive(10, NO_WAIT).await.unwrap();
    assert_eq!((second[0].id.as_str(), second[0].receive_count), (first[0].id.as_str(), 2));
    io.delete(&first).await.unwrap();
    assert_eq!(io.queued(), 1, "an old receipt deletes nothing");
    io.delete(&second).await.unwrap();
    assert_eq!(io.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn hiding_lengthens_or_ends_a_lease_and_is_refused_to_others() {
    let io = MemoryIo::default();
    io.put_message("body");
    let ours = io.receive(10, NO_WAIT).await.unwrap().remove(0);
    io.hide(&[(ours.clone(), Duration::from_mins(10))]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(500)).await;
    assert_eq!(io.hidden(), 1);
    io.hide(&[(ours.clone(), Duration::ZERO)]).await.unwrap();
    assert_eq!(io.receive(10, NO_WAIT).await.unwrap().len(), 1);
    let answers = io.hide(&[(ours, Duration::from_secs(1))]).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap_err().verdict, Verdict::Permanent);
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_the_first_message_or_its_time() {
    let io = MemoryIo::default();
    let began = Instant::now();
    assert!(io.receive(10, Duration::from_secs(8)).await.unwrap().is_empty());
    assert_eq!(began.elapsed().as_secs(), 8);
    let (received, ()) = tokio::join!(io.receive(10, Duration::from_secs(8)), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        io.put_message("body");
    });
    assert_eq!((received.unwrap().len(), began.elapsed().as_secs()), (1, 11));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_what_comes_to_its_own_queue_in_whatever_way() {
    for (way, ends_after) in
        [("enqueued", 3), ("given back", 3), ("published", 3), ("deleted", 8), ("put elsewhere", 8)]
    {
        let ours = MemoryIo::default().on_queue("ours");
        ours.deliver(|_, _| Some(("ours", "delivered".to_owned())));
        ours.put_message("body");
        let held = ours.receive(10, NO_WAIT).await.unwrap().remove(0);
        let began = Instant::now();
        let (received, ()) = tokio::join!(ours.receive(10, Duration::from_secs(8)), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            match way {
                "enqueued" => ours.enqueue(&["body".to_owned()]).await.unwrap(),
                "given back" => drop(ours.hide(&[(held, NO_WAIT)]).await.unwrap()),
                "published" => ours.publish(&[event("a", 1)]).await.unwrap(),
                "deleted" => drop(ours.delete(&[held]).await.unwrap()),
                _ => drop(ours.clone().on_queue("theirs").put_message("body")),
            }
        });
        assert_eq!(received.unwrap().len(), usize::from(ends_after == 3), "{way}");
        assert_eq!(began.elapsed().as_secs(), ends_after, "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_receives_lead_to_the_dead_letter_queue() {
    let io = MemoryIo::default();
    io.redrive_after(2);
    io.put_message("body");
    for _ in 0..2 {
        assert_eq!(io.receive(10, NO_WAIT).await.unwrap().len(), 1);
        tokio::time::sleep(QUEUE_VISIBILITY).await;
    }
    assert!(io.receive(10, NO_WAIT).await.unwrap().is_empty());
    assert_eq!((io.queued(), io.dead_letters().len()), (0, 1));
}
