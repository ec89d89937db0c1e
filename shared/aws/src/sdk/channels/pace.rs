//! One message a second into each Slack channel, as Slack wants it: others wait their turn, and none is dropped.
//!
//! Slack's documentation, "Rate limits": posting is limited to one message per second and channel, bursts are tolerated
//! at Slack's discretion only.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::failure;
use crate::sdk::Answer;
use crate::verdict::{IoError, Verdict};

/// From one message to the next.
const BETWEEN: Duration = Duration::from_secs(1);
/// Whoever would wait longer comes again: its claim on the message must not run out meanwhile.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// From when on the next message may be sent, per channel.
    next: Mutex<HashMap<String, Instant>>,
}

impl Pace {
    /// Waits until it is this message's turn.
    pub(super) async fn turn(&self, operation: &'static str, channel: &str) -> Answer<()> {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let turn = next.get(channel).copied().unwrap_or(now).max(now);
            let wait = turn - now;
            if wait > LONGEST {
                let message = format!("{} s of messages wait for this channel already", wait.as_secs());
                let busy = failure(operation, Verdict::Throttled, message);
                return Err(IoError { retry_after: Some(wait), ..busy });
            }
            next.insert(channel.to_owned(), turn + BETWEEN);
            turn
        };
        sleep_until(turn).await;
        Ok(())
    }

    /// Slack wants nothing into this channel for a while.
    pub(super) fn hold(&self, channel: &str, wish: Duration) {
        let until = Instant::now() + wish;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.entry(channel.to_owned()).or_insert(until);
        *turn = until.max(*turn);
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn messages_into_one_channel_are_a_second_apart_and_another_channel_does_not_wait() {
        let (pace, start) = (Pace::default(), Instant::now());
        join_all((0..5).map(|_| pace.turn("post", "C1"))).await;
        assert_eq!(start.elapsed().as_secs(), 4);
        pace.turn("post", "C2").await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_wait_long_comes_again_and_takes_nobodys_turn() {
        let pace = Pace::default();
        let answers = join_all((0..40).map(|_| pace.turn("post", "C1"))).await;
        let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 9);
        let busy = &refused[0];
        assert_eq!((busy.verdict, busy.retry_after), (Verdict::Throttled, Some(Duration::from_secs(31))));
    }

    #[tokio::test(start_paused = true)]
    async fn all_keep_the_time_that_slack_asked_one_to_wait() {
        let (pace, start) = (Pace::default(), Instant::now());
        pace.hold("C1", Duration::from_secs(9));
        pace.turn("post", "C1").await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 9);
    }
}
