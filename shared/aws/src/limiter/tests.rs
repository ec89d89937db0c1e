use futures::future::join_all;
use tokio::time::sleep;

use super::*;

fn account(n: u64) -> AccountId {
    format!("{n:012}").parse().unwrap()
}

fn throttled(retry_after: Option<u64>) -> Result<(), IoError> {
    let error = IoError::new(Neighbour::Spoke, "Call", Verdict::Throttled, "slow down");
    Err(IoError { retry_after: retry_after.map(Duration::from_secs), ..error })
}

/// As a call that meets its time limit.
async fn hang() -> Result<(), IoError> {
    sleep(Duration::from_secs(10)).await;
    Err(IoError::new(Neighbour::Spoke, "Call", Verdict::Transient, "timed out"))
}

#[tokio::test(start_paused = true)]
async fn four_calls_of_an_account_are_under_way_at_a_time() {
    let (limiter, now, most) = (Limiter::default(), &AtomicUsize::new(0), &AtomicUsize::new(0));
    let call = async || {
        most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        sleep(Duration::from_millis(100)).await;
        now.fetch_sub(1, Ordering::Relaxed);
        Ok::<_, IoError>(())
    };
    let one = account(1);
    let ended = join_all((0..16).map(|_| limiter.call(&one, Service::Drs, "Call", call()))).await;
    assert!(ended.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::Relaxed), AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_calls_into_an_account_that_hangs_four_hang_and_twelve_wait_five_seconds() {
    let (limiter, one, began) = (Limiter::default(), account(1), Instant::now());
    let ended = join_all((0..100).map(|_| async {
        let answer = limiter.call(&one, Service::Drs, "Call", hang()).await;
        (began.elapsed().as_secs(), answer.unwrap_err())
    }))
    .await;
    let count = |seconds, verdict| {
        ended.iter().filter(|(after, error)| *after == seconds && error.verdict == verdict).count()
    };
    assert_eq!(count(10, Verdict::Transient), AT_ONCE);
    assert_eq!(count(5, Verdict::Throttled), WAITING);
    assert_eq!(count(0, Verdict::Throttled), 100 - AT_ONCE - WAITING);
    let refused = ended.iter().filter(|(_, error)| error.verdict == Verdict::Throttled);
    assert!(
        refused.clone().all(|(_, error)| error.retry_after.is_some() && error.message.contains(one.as_str()))
    );
}

#[tokio::test(start_paused = true)]
async fn where_calls_are_known_to_hang_hardly_any_is_queued() {
    let (limiter, one) = (Limiter::default(), account(1));
    for _ in 0..3 {
        join_all((0..4).map(|_| limiter.call(&one, Service::Drs, "Call", hang()))).await;
    }
    let began = Instant::now();
    let ended = join_all((0..60).map(|_| async {
        limiter.call(&one, Service::Drs, "Call", hang()).await.unwrap_err();
        began.elapsed().is_zero()
    }))
    .await;
    let queued = ended.iter().filter(|at_once| !**at_once).count() - AT_ONCE;
    assert!(queued <= 2, "{queued} wait for what hangs");
}

#[tokio::test(start_paused = true)]
async fn where_calls_are_quick_one_too_many_comes_back_soon() {
    let (limiter, one) = (Limiter::default(), account(1));
    let call = async || {
        sleep(Duration::from_millis(100)).await;
        Ok::<_, IoError>(())
    };
    limiter.call(&one, Service::Drs, "Call", call()).await.unwrap();
    let ended = join_all((0..60).map(|_| limiter.call(&one, Service::Drs, "Call", call()))).await;
    let refused: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 60 - AT_ONCE - WAITING);
    assert!(refused.iter().all(|error| error.retry_after < Some(Duration::from_secs(1))));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_hangs_or_throttles_costs_another_no_time() {
    let (limiter, began) = (Limiter::default(), Instant::now());
    limiter.call(&account(2), Service::Drs, "Call", async { throttled(Some(60)) }).await.unwrap_err();
    let hanging: Vec<_> = (0..20)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move { limiter.call(&account(1), Service::Drs, "Call", hang()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    for _ in 0..100 {
        limiter.call(&account(3), Service::Drs, "Call", async { Ok(()) }).await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    join_all(hanging).await;
}

#[tokio::test(start_paused = true)]
async fn what_would_wait_longer_than_five_seconds_fails_at_once_with_the_time_that_is_left() {
    let (limiter, one, began) = (Limiter::default(), account(1), Instant::now());
    limiter.call(&one, Service::Drs, "Call", async { throttled(Some(30)) }).await.unwrap_err();
    sleep(Duration::from_secs(10)).await;
    let refused = limiter.call(&one, Service::Drs, "Call", async { Ok(()) }).await.unwrap_err();
    assert_eq!((refused.verdict, refused.retry_after), (Verdict::Throttled, Some(Duration::from_secs(20))));
    assert_eq!(began.elapsed().as_secs(), 10);
    sleep(Duration::from_secs(17)).await;
    limiter.call(&one, Service::Drs, "Call", async { Ok(()) }).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 30, "it waited the last three seconds");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_turn_heeds_a_wish_that_comes_meanwhile() {
    let (limiter, one, began) = (Limiter::default(), account(1), Instant::now());
    for _ in 0..5 {
        limiter.call(&one, Service::Drs, "Call", async { Ok(()) }).await.unwrap();
    }
    limiter.call(&one, Service::Drs, "Call", async { throttled(None) }).await.unwrap_err();
    let told_later = async {
        sleep(Duration::from_millis(500)).await;
        limiter.of(&one).pace(Service::Drs).throttled(began, Some(Duration::from_secs(3)), Instant::now());
    };
    let (answer, ()) = tokio::join!(limiter.call(&one, Service::Drs, "Call", async { Ok(()) }), told_later);
    answer.unwrap();
    assert_eq!(began.elapsed().as_millis(), 3500, "not after the second that the pace alone would take");
}

#[tokio::test(start_paused = true)]
async fn a_throttling_account_is_called_at_about_the_rate_that_it_bears() {
    let (limiter, one, began) = (Limiter::default(), account(1), Instant::now());
    let (mut passed, mut slowed) = (0_u32, 0_u32);
    let mut last = None;
    while began.elapsed() < Duration::from_mins(2) {
        // It bears ten calls a second.
        let answer = limiter
            .call(&one, Service::Drs, "Call", async {
                sleep(Duration::from_millis(10)).await;
                let now = Instant::now();
                let too_soon = last.is_some_and(|last| now - last < Duration::from_millis(90));
                last = Some(now);
                if too_soon { throttled(None) } else { Ok(()) }
            })
            .await;
        match answer {
            Ok(()) => passed += 1,
            Err(_) => slowed += 1,
        }
    }
    assert!(passed > 600, "at least half of what it bears, not {passed}");
    assert!(slowed * 20 < passed, "{slowed} of {passed}");
}

#[tokio::test(start_paused = true)]
async fn service_quotas_that_throttle_slow_no_call_of_drs() {
    let (limiter, one, began) = (Limiter::default(), account(1), Instant::now());
    limiter.call(&one, Service::Quotas, "Call", async { throttled(Some(60)) }).await.unwrap_err();
    for _ in 0..100 {
        limiter.call(&one, Service::Drs, "Call", async { Ok(()) }).await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    limiter.call(&one, Service::Quotas, "Call", async { Ok(()) }).await.unwrap_err();
}
