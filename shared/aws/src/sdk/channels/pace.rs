//! One message a second into each Slack channel, as Slack wants it: others wait their turn, and none is dropped. Of those that
//! wait in a process the worst goes first, and of equally bad ones the one that has waited longest; between processes a row
//! of the table decides.
//!
//! Slack's documentation, "Rate limits": posting is limited to one message per second and channel, bursts are tolerated
//! at Slack's discretion only.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::keys;
use drs_fleet_domain::notify::TurnRow;
use drs_fleet_domain::notify::turn::{self, BETWEEN};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::failure;
use crate::io::Io;
use crate::sdk::Answer;
use crate::store::Store;
use crate::verdict::{IoError, Verdict};

/// Whoever would wait longer comes again: its claim on the message must not run out meanwhile.
const LONGEST: Duration = Duration::from_secs(30);

/// Whoever finds that a turn has just passed looks again.
const AT_ONCE: Duration = Duration::from_millis(1);

/// The place in the queue of a channel: the least goes first. Of equally bad ones the lower number came first.
type Ticket = (Reverse<Severity>, u64);

#[derive(Debug, Default)]
pub(super) struct Pace {
    channels: Mutex<HashMap<String, Arc<Queue>>>,
    turns: Store<TurnRow>,
}

/// What waits for one channel.
#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    /// Rung when another may have become the first.
    moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// From when on the next message may be sent; `None` before the first.
    next: Option<Instant>,
    waiting: BTreeSet<Ticket>,
    given_out: u64,
}

/// What whoever waits is to do.
enum Step {
    Go,
    /// It is the first, and its turn comes then.
    Until(Instant),
    /// Others are before it.
    Behind,
    /// Its turn would come too late, so long from now.
    TooLate(Duration),
}

impl Pace {
    /// Waits until it is this message's turn, among those of all processes that share the table.
    pub(super) async fn turn<I: Io>(
        &self,
        table: &I,
        operation: &'static str,
        channel: &str,
        severity: Severity,
    ) -> Answer<()> {
        let place = self.queue(channel).join(severity);
        let deadline = Instant::now() + LONGEST;
        loop {
            // Before the look, for the first may leave right after it.
            let moved = place.queue.moved.notified();
            match place.look(deadline) {
                Step::Go => match self.take(table, channel).await {
                    None => return Ok(()),
                    Some(wait) => place.queue.hold(wait),
                },
                Step::Until(turn) => sleep_until(turn).await,
                // Either way it looks again.
                Step::Behind => drop(timeout_at(deadline, moved).await),
                Step::TooLate(wait) => {
                    let message = format!("{} s of messages wait for this channel already", wait.as_secs());
                    let busy = failure(operation, Verdict::Throttled, message);
                    return Err(IoError { retry_after: Some(wait), ..busy });
                }
            }
        }
    }

    /// Slack wants nothing into this channel for a while.
    pub(super) async fn hold<I: Io>(&self, table: &I, channel: &str, wish: Duration) {
        self.queue(channel).hold(wish);
        let hold = |row: Option<&_>| turn::hold(channel, row, wish, table.now());
        if let Err(error) = self.turns.change(table, &keys::turn(channel), hold).await {
            tracing::warn!(channel, %error, "other instances do not know of the pause that Slack wants");
        }
    }

    /// Takes a turn before all other processes, or answers how long to wait for one. Without the table each process keeps
    /// its own pace: an alert is worth more than Slack's limit, which it tells anyway.
    async fn take<I: Io>(&self, table: &I, channel: &str) -> Option<Duration> {
        let take = |row: Option<&_>| turn::take(channel, row, table.now());
        match self.turns.change(table, &keys::turn(channel), take).await {
            Ok(taken) if taken.changed() => None,
            // Where it has passed meanwhile, somebody else may be taking it as well.
            Ok(others) => others.row().map(|row| row.wait(table.now()).unwrap_or(AT_ONCE)),
            Err(error) => {
                tracing::warn!(channel, %error, "posting without a turn");
                None
            }
        }
    }

    fn queue(&self, channel: &str) -> Arc<Queue> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(channels.entry(channel.to_owned()).or_default())
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody posts for so long.
    fn hold(&self, wish: Duration) {
        let until = Instant::now() + wish;
        let mut state = self.state();
        state.next = state.next.max(Some(until));
    }

    fn join(self: Arc<Self>, severity: Severity) -> Place {
        let ticket = {
            let mut state = self.state();
            state.given_out += 1;
            let ticket = (Reverse(severity), state.given_out);
            state.waiting.insert(ticket);
            ticket
        };
        Place { queue: self, ticket }
    }
}

/// A place in a queue, left when it is dropped: also by whoever is stopped while it waits.
struct Place {
    queue: Arc<Queue>,
    ticket: Ticket,
}

impl Place {
    fn look(&self, deadline: Instant) -> Step {
        let mut state = self.queue.state();
        let now = Instant::now();
        let next = state.next.unwrap_or(now).max(now);
        let before = state.waiting.range(..self.ticket).count();
        let turn = next + BETWEEN.saturating_mul(u32::try_from(before).unwrap_or(u32::MAX));
        if turn > deadline {
            return Step::TooLate(turn - now);
        }
        match (before, next > now) {
            (0, false) => {
                state.next = Some(now + BETWEEN);
                Step::Go
            }
            (0, true) => Step::Until(next),
            _ => Step::Behind,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.state().waiting.remove(&self.ticket);
        self.queue.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::memory::MemoryIo;
    use crate::verdict::Neighbour;

    const LOW: Severity = Severity::Low;

    #[tokio::test(start_paused = true)]
    async fn messages_into_one_channel_are_a_second_apart_and_another_channel_does_not_wait() {
        let (table, pace, start) = (MemoryIo::default(), Pace::default(), Instant::now());
        join_all((0..5).map(|_| pace.turn(&table, "post", "C1", LOW))).await;
        assert_eq!(start.elapsed().as_secs(), 4);
        pace.turn(&table, "post", "C2", LOW).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_worse_overtakes_and_others_go_as_they_came_and_all_are_a_second_apart() {
        let (table, pace, start) = (MemoryIo::default(), Pace::default(), Instant::now());
        let sent = Mutex::new(Vec::new());
        let send = async |name: &'static str, after: u64, severity| {
            tokio::time::sleep(Duration::from_millis(after)).await;
            pace.turn(&table, "post", "C1", severity).await.unwrap();
            sent.lock().unwrap().push((name, start.elapsed().as_secs()));
        };
        tokio::join!(
            send("first", 0, Severity::Low),
            send("low", 0, Severity::Low),
            send("low, later", 0, Severity::Low),
            send("critical", 500, Severity::Critical),
            send("medium", 1_500, Severity::Medium),
        );
        let told = [("first", 0), ("critical", 1), ("medium", 2), ("low", 3), ("low, later", 4)];
        assert_eq!(*sent.lock().unwrap(), told);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_stopped_while_it_waits_keeps_nobody_waiting() {
        let (table, pace, start) = (MemoryIo::default(), Pace::default(), Instant::now());
        pace.turn(&table, "post", "C1", LOW).await.unwrap();
        let stopped = pace.turn(&table, "post", "C1", Severity::Critical);
        let (stopped, other) = tokio::join!(
            tokio::time::timeout(Duration::from_millis(100), stopped),
            pace.turn(&table, "post", "C1", LOW)
        );
        assert!(stopped.is_err() && other.is_ok());
        assert_eq!(start.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_wait_long_comes_again_and_takes_nobodys_turn() {
        let (table, pace) = (MemoryIo::default(), Pace::default());
        let answers = join_all((0..40).map(|_| pace.turn(&table, "post", "C1", LOW))).await;
        let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 9);
        let busy = &refused[0];
        assert_eq!((busy.verdict, busy.retry_after), (Verdict::Throttled, Some(Duration::from_secs(31))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_worse_one_is_not_turned_away_for_how_many_wait_that_are_not_as_bad() {
        let (table, pace) = (MemoryIo::default(), Pace::default());
        let low = join_all((0..31).map(|_| pace.turn(&table, "post", "C1", LOW)));
        let (low, critical) = tokio::join!(low, pace.turn(&table, "post", "C1", Severity::Critical));
        critical.unwrap();
        let late: Vec<_> = low.into_iter().filter_map(Result::err).collect();
        assert_eq!(late.len(), 1, "the last comes again");
    }

    #[tokio::test(start_paused = true)]
    async fn all_keep_the_time_that_slack_asked_one_to_wait() {
        let (table, pace, start) = (MemoryIo::default(), Pace::default(), Instant::now());
        pace.turn(&table, "post", "C1", LOW).await.unwrap();
        let waiting = pace.turn(&table, "post", "C1", LOW);
        let held = pace.hold(&table, "C1", Duration::from_secs(9));
        tokio::join!(waiting, held).0.unwrap();
        assert_eq!(start.elapsed().as_secs(), 9);
    }

    #[tokio::test(start_paused = true)]
    async fn instances_share_the_turns_of_a_channel_and_the_pauses_that_slack_wants() {
        let (table, start) = (MemoryIo::default(), Instant::now());
        let instances = [Pace::default(), Pace::default(), Pace::default()];
        let sent = Mutex::new(Vec::new());
        let all = instances.iter().flat_map(|pace| [pace; 2]).map(async |pace| {
            pace.turn(&table, "post", "C1", LOW).await.unwrap();
            sent.lock().unwrap().push(start.elapsed().as_millis());
        });
        join_all(all).await;
        let sent = sent.into_inner().unwrap();
        assert!(sent.windows(2).all(|two| two[1] - two[0] >= 1_000), "{sent:?}");
        assert!(sent[5] < 7_000, "no turn is left out: {sent:?}");
        instances[0].hold(&table, "C1", Duration::from_secs(20)).await;
        instances[1].turn(&table, "post", "C1", LOW).await.unwrap();
        assert!(start.elapsed().as_millis() >= sent[5] + 20_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_that_fails_keeps_no_message_from_going_out() {
        let (table, pace) = (MemoryIo::default(), Pace::default());
        table.break_down(Neighbour::Table, Verdict::Transient);
        pace.turn(&table, "post", "C1", LOW).await.unwrap();
    }
}
