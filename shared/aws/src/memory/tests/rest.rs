//! Time passes at once while there is nothing to do, and not a second of it is lost on who has something to do.

use drs_fleet_domain::row::Change;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::due::serve_due;
use crate::fixture::Tallier;

const HOUR: Duration = Duration::from_hours(1);

async fn rings_in(io: &MemoryIo, time: Duration) {
    let row = Tally { id: "a".into(), wake_at: Some(after(io.now(), time)), ..Tally::default() };
    let set = |_: Option<&Tally>| Some(Change { row: row.clone(), tell: vec![] });
    Tallier::default().store.change(io, &row.key(), set).await.unwrap();
}

fn serves(io: &MemoryIo) -> JoinHandle<()> {
    tokio::spawn(serve_due(io.restarted(), Tallier::default(), CancellationToken::new()))
}

/// How long after `began` the timer rang.
async fn rang_after(io: &MemoryIo, began: Instant) -> u64 {
    while io.table()[&tally_key("a")].due.is_some() {
        sleep(Duration::from_millis(100)).await;
    }
    began.elapsed().as_secs()
}

async fn passes(io: &MemoryIo, time: Duration) {
    io.lets_pass(time, || None).await;
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_rest_is_a_few_looks_and_a_timer_in_it_rings_when_it_should() {
    let (io, began) = (MemoryIo::default(), Instant::now());
    rings_in(&io, Duration::from_mins(40)).await;
    let first = io.restarted();
    let _serving = tokio::spawn(serve_due(first.clone(), Tallier::default(), CancellationToken::new()));
    passes(&io, Duration::from_mins(40)).await;
    assert_eq!(rang_after(&io, began).await, 40 * 60);
    passes(&io, Duration::from_mins(20)).await;
    assert_eq!(began.elapsed().as_secs(), 60 * 60);
    let looks = first.points().len();
    assert!((20..400).contains(&looks), "{looks} looks");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_passed_over_while_a_message_waits_or_a_spoke_is_called() {
    let io = MemoryIo::default();
    io.put_message("a");
    let seconds = |time: Duration| time.as_secs();
    assert_eq!(seconds(longest_step(&io).await), 2);
    let hidden = io.receive(1, NO_WAIT).await.unwrap().remove(0);
    assert_eq!(seconds(longest_step(&io).await), 2, "it is in somebody's hands");
    io.delete(&[hidden]).await.unwrap();
    assert!(longest_step(&io).await > HOUR / 2);
    io.set_spoke_hang(&place(), Some(2 * HOUR));
    let (calling, there) = (io.clone(), place());
    let _calls = tokio::spawn(async move { calling.quotas(&there).await });
    assert_eq!(seconds(longest_step(&io).await), 2, "a call hangs");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_passed_over_while_the_index_does_not_answer_or_a_process_is_paused() {
    let io = MemoryIo::default();
    let serving = serves(&io);
    assert!(longest_step(&io).await > HOUR / 2);
    serving.abort();
    let broken = io.restarted();
    broken.break_down(Neighbour::Table, Verdict::Transient);
    let serving = tokio::spawn(serve_due(broken, Tallier::default(), CancellationToken::new()));
    assert_eq!(longest_step(&io).await.as_secs(), 2, "it is asked again within a minute");
    serving.abort();
    for pause in [Fault::Late(2 * HOUR), Fault::Frozen(2 * HOUR)] {
        let paused = io.restarted();
        paused.fail_at(0, pause);
        let writes = tokio::spawn(async move { paused.forget(&tally_key("a")).await });
        assert_eq!(longest_step(&io).await.as_secs(), 2, "{pause:?}");
        writes.abort();
        sleep(HOUR).await;
    }
}

/// The longest time within an hour in which nobody else could have done anything.
async fn longest_step(io: &MemoryIo) -> Duration {
    let (mut last, mut longest, passing) = (Instant::now(), Duration::ZERO, passes(io, HOUR));
    tokio::pin!(passing);
    loop {
        tokio::select! {
            biased;
            () = sleep(Duration::from_secs(2)) => {}
            () = &mut passing => return longest,
        }
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
}

#[tokio::test(start_paused = true)]
async fn an_appointment_is_kept_to_the_moment() {
    let (io, began) = (MemoryIo::default(), Instant::now());
    let at = began + Duration::from_mins(30);
    let kept = tokio::spawn(async move {
        tokio::time::sleep_until(at).await;
        began.elapsed()
    });
    io.lets_pass(HOUR, || (Instant::now() < at).then_some(at)).await;
    assert_eq!(kept.await.unwrap().as_secs(), 30 * 60);
}

#[tokio::test(start_paused = true)]
async fn who_tries_in_vain_does_not_rest() {
    let (io, began) = (MemoryIo::default(), Instant::now());
    rings_in(&io, Duration::from_mins(1)).await;
    let _serving = serves(&io);
    passes(&io, Duration::from_secs(30)).await;
    io.limit_writes(Some(0));
    passes(&io, Duration::from_mins(10)).await;
    io.limit_writes(None);
    // The last of the growing pauses is not made longer by a leap.
    let rang = rang_after(&io, began).await;
    assert!((630..700).contains(&rang), "{rang}");
}
