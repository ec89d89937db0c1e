//! How fast one account may be called: a state machine without a clock.
//!
//! AWS publishes no rates for DRS, so none is assumed: there is no limit until an account is throttled for the first
//! time. Then the rate that was just measured was too much, and it goes on with a part of it; from there the rate
//! rises by and by, and each further throttle cuts it again. What AWS calls its adaptive retry mode has the same
//! idea (the client finds the rate by itself, from being throttled); the numbers here are our own choice, made for
//! calls that bring hundreds of servers each.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::verdict::LONGEST_WISH;

/// The rate is measured over so long.
const MEASURED: Duration = Duration::from_secs(5);
/// What a throttle leaves of the rate.
const CUT: f64 = 0.7;
/// Never fewer calls per second: somebody must find out that the throttling is over.
const SLOWEST: f64 = 0.1;
/// So many calls per second more with each second without a throttle.
const RISE: f64 = 0.5;
/// How much of what a call usually takes is what the last one took.
const LAST: f64 = 0.3;
/// After so long without a throttle there is no limit again.
const FORGOTTEN: Duration = Duration::from_mins(10);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When calls began lately.
    begun: VecDeque<Instant>,
    limit: Option<Limit>,
    /// A `Retry-After` holds every call until then.
    held_until: Option<Instant>,
    /// How long a call takes lately.
    takes: Duration,
}

#[derive(Debug)]
struct Limit {
    /// Calls per second right after the last cut.
    rate: f64,
    cut_at: Instant,
    /// When the next call may begin.
    next: Instant,
}

impl Limit {
    fn rate(&self, now: Instant) -> f64 {
        self.rate + RISE * now.saturating_duration_since(self.cut_at).as_secs_f64()
    }
}

impl Pace {
    /// When a call that is asked for now may begin.
    pub(super) fn earliest(&self, now: Instant) -> Instant {
        let next = self.limit.as_ref().map(|limit| limit.next);
        [next, self.held_until].into_iter().flatten().fold(now, Instant::max)
    }

    /// A call takes the next turn and begins at `at`, which [`Pace::earliest`] answered.
    pub(super) fn begin(&mut self, at: Instant) {
        self.begun.push_back(at);
        while self.begun.front().is_some_and(|first| at.saturating_duration_since(*first) > MEASURED) {
            self.begun.pop_front();
        }
        if let Some(limit) = &mut self.limit {
            limit.next = at + Duration::from_secs_f64(1.0 / limit.rate(at));
        }
    }

    /// Whether every call is held until after `at`: what took its turn before the service said so waits too.
    pub(super) fn holds(&self, at: Instant) -> bool {
        self.held_until.is_some_and(|until| at < until)
    }

    /// A call that began at `begun` was throttled.
    pub(super) fn throttled(&mut self, begun: Instant, retry_after: Option<Duration>, now: Instant) {
        if let Some(until) = retry_after.and_then(|time| now.checked_add(time.min(LONGEST_WISH))) {
            self.held_until = Some(self.held_until.map_or(until, |held| held.max(until)));
        }
        // Calls that were under way together and are throttled together are one throttle.
        if self.limit.as_ref().is_some_and(|limit| begun < limit.cut_at) {
            return;
        }
        let measured = self.measured(now);
        let too_fast = self.limit.as_ref().map_or(measured, |limit| limit.rate(now).min(measured));
        let rate = (too_fast * CUT).max(SLOWEST);
        self.limit = Some(Limit { rate, cut_at: now, next: now + Duration::from_secs_f64(1.0 / rate) });
    }

    /// A call came to its end.
    pub(super) fn took(&mut self, time: Duration) {
        self.takes = self.takes.mul_f64(1.0 - LAST) + time.mul_f64(LAST);
    }

    /// How long a call takes lately.
    pub(super) fn takes(&self) -> Duration {
        self.takes
    }

    /// A call went through.
    pub(super) fn went_through(&mut self, now: Instant) {
        let is_old = |limit: &Limit| now.saturating_duration_since(limit.cut_at) >= FORGOTTEN;
        if self.limit.as_ref().is_some_and(is_old) {
            self.limit = None;
        }
    }

    /// Calls per second over the last seconds.
    fn measured(&self, now: Instant) -> f64 {
        let recent = self.begun.iter().filter(|at| now.saturating_duration_since(**at) <= MEASURED).count();
        f64::from(u32::try_from(recent).unwrap_or(u32::MAX)) / MEASURED.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pace that was called `calls` times, evenly over five seconds that end at the answered time.
    fn called(calls: u32) -> (Pace, Instant) {
        let (mut pace, start) = (Pace::default(), Instant::now());
        (0..calls).for_each(|n| pace.begin(start + MEASURED * n / calls));
        (pace, start + MEASURED)
    }

    /// How many calls can begin in the second after `from`.
    fn in_a_second(pace: &mut Pace, from: Instant) -> usize {
        let end = from + Duration::from_secs(1);
        let mut begun = 0;
        while begun < 1000 && pace.earliest(from) < end {
            pace.begin(pace.earliest(from));
            begun += 1;
        }
        begun
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_throttle_there_is_no_limit() {
        let (mut pace, now) = called(500);
        assert_eq!(in_a_second(&mut pace, now), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_throttle_leaves_a_part_of_the_measured_rate() {
        let (mut pace, now) = called(100);
        pace.throttled(now, None, now);
        let begun = in_a_second(&mut pace, now);
        assert!((13..=14).contains(&begun), "0.7 of 20 a second, not {begun}");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_were_throttled_together_cut_the_rate_once() {
        let (mut pace, now) = called(100);
        let begun = now - Duration::from_millis(10);
        (0..4).for_each(|_| pace.throttled(begun, None, now));
        assert!(in_a_second(&mut pace, now) >= 13);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_rises_until_the_next_throttle_and_is_never_below_one_in_ten_seconds() {
        let (mut pace, now) = called(5);
        for _ in 0..20 {
            pace.throttled(now, None, now);
            assert!(pace.earliest(now) <= now + Duration::from_secs(10));
        }
        assert_eq!(pace.earliest(now), now + Duration::from_secs(10), "one in ten seconds");
        let later = now + Duration::from_secs(40);
        let begun = in_a_second(&mut pace, later);
        assert!((18..=22).contains(&begun), "20 a second after 40 seconds, not {begun}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_of_the_service_holds_all_and_a_shorter_one_does_not_end_it() {
        let (mut pace, now) = called(10);
        pace.throttled(now, Some(Duration::from_secs(30)), now);
        pace.throttled(now, Some(Duration::from_secs(7)), now);
        assert_eq!(pace.earliest(now), now + Duration::from_secs(30));
        assert!(pace.holds(now + Duration::from_secs(29)) && !pace.holds(now + Duration::from_secs(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_of_a_day_holds_a_quarter_of_an_hour() {
        let (mut pace, now) = called(10);
        pace.throttled(now, Some(Duration::from_hours(24)), now);
        assert_eq!(pace.earliest(now), now + Duration::from_mins(15));
    }

    #[tokio::test(start_paused = true)]
    async fn ten_minutes_without_a_throttle_end_the_limit() {
        let (mut pace, now) = called(10);
        pace.throttled(now, None, now);
        pace.went_through(now + FORGOTTEN - Duration::from_secs(1));
        assert!(pace.limit.is_some());
        pace.went_through(now + FORGOTTEN);
        assert_eq!(in_a_second(&mut pace, now + FORGOTTEN), 1000);
    }
}
