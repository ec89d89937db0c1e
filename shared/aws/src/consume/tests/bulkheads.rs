use super::*;

fn put_away(io: &MemoryIo, messages: usize) {
    for n in 0..messages {
        io.put_message(format!("s{n}/1/away"));
    }
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_changes_of_an_account_that_is_away_leave_room_for_another() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_away(&io, 600);
    let (_stop, _running) = start(&io, &worker);
    seconds(5).await;
    assert!(io.hidden() > 500, "received and hidden again");
    for n in 0..200 {
        io.put_message(format!("other{n}/1"));
    }
    seconds(2).await;
    let late: Vec<_> = (0..200).filter(|n| worker.finished(&format!("other{n}")).is_empty()).collect();
    assert!(late.is_empty(), "{} wait for the account that is away", late.len());
}

#[tokio::test(start_paused = true)]
async fn half_a_day_of_a_spokes_trouble_leads_no_message_to_the_dead_letter_queue() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    io.redrive_after(10);
    put_away(&io, 70);
    let (_stop, _running) = start(&io, &worker);
    seconds(12 * 3600).await;
    let most = io.receive_counts().into_values().max().unwrap_or_default();
    assert_eq!((io.queued(), io.dead_letters().len()), (70, 0), "at most {most} receives");
    assert!(most <= 9, "{most} receives");
}

#[tokio::test(start_paused = true)]
async fn a_few_changes_of_a_spoke_that_is_away_wait_in_memory_and_spend_no_delivery() {
    let (io, worker) = (MemoryIo::default(), Tallier::default());
    put_away(&io, 60);
    let (_stop, _running) = start(&io, &worker);
    seconds(100).await;
    assert!(io.receive_counts().into_values().all(|receives| receives == 1));
}
