//! The loop's state, and how work is started. What has ended comes back through `outcome.rs`; messages leave
//! through `settle.rs`.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};
use tracing::{Instrument, Span, debug, info, info_span};

use super::Options;
use super::breaker::Breaker;
use super::hand::Hand;
use super::lanes::{Lanes, Started};
use super::receive::Receivers;
use super::settle::Deletes;
use crate::heard;
use crate::io::{Io, Message};
use crate::metrics::Metrics;
use crate::time::{after, until};
use crate::verdict::IoError;
use crate::worker::{About, Logged, Worker};

/// How a handler ended; the outer error is a panic.
pub(super) type Ended = Result<Result<(), IoError>, Box<dyn Any + Send>>;

/// A call that came to its end.
pub(super) enum Done {
    Received(Result<Vec<Message>, IoError>),
    /// `answered`: whether the table did, in the course of it.
    Handled {
        lane: Arc<str>,
        ended: Ended,
        answered: bool,
    },
    Deleted {
        ids: Vec<String>,
        failed: u64,
    },
    GivenBack,
    Buried {
        ticket: u64,
    },
    Extended {
        tickets: Vec<u64>,
        asked: Timestamp,
        answers: Result<Vec<Result<(), IoError>>, IoError>,
    },
}

pub(super) struct Actor<I, W: Worker> {
    pub(super) io: I,
    pub(super) worker: W,
    pub(super) options: Options,
    pub(super) hand: Hand,
    pub(super) lanes: Lanes<W::Work>,
    pub(super) receivers: Receivers,
    pub(super) breaker: Breaker,
    pub(super) deletes: Deletes,
    pub(super) tasks: JoinSet<Done>,
    pub(super) look_at_leases: Timestamp,
    /// Lanes that run and whose work may wait.
    pub(super) sweeps_running: usize,
    drain_until: Option<Timestamp>,
}

impl<I: Io, W: Worker> Actor<I, W> {
    pub(super) fn new(io: I, worker: W, options: Options) -> Self {
        Self {
            receivers: Receivers::new(options.max_receivers),
            look_at_leases: io.now(),
            io,
            worker,
            options,
            hand: Hand::default(),
            lanes: Lanes::default(),
            breaker: Breaker::default(),
            deletes: Deletes::default(),
            tasks: JoinSet::new(),
            sweeps_running: 0,
            drain_until: None,
        }
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.options.metrics
    }

    pub(super) fn is_draining(&self) -> bool {
        self.drain_until.is_some()
    }

    /// Whether receiving stands still because the table is away.
    pub(super) fn is_paused(&self) -> bool {
        self.breaker.is_open()
    }

    /// Whether nothing is left to wait for.
    pub(super) fn is_finished(&self, now: Timestamp) -> bool {
        let idle = self.tasks.is_empty() && self.hand.is_empty();
        match self.drain_until {
            Some(deadline) => self.tasks.is_empty() || deadline <= now,
            None => self.options.once && idle && self.receivers.last_was_empty(),
        }
    }

    /// Starts whatever may start. Answers how long nothing else will, unless something comes to its end.
    pub(super) fn turn(&mut self, now: Timestamp) -> Duration {
        self.lanes.wake(now);
        if !self.is_draining() {
            self.start_receives(now);
            self.start_lanes(now);
        }
        self.extend_leases(now);
        self.flush_deletes(now);
        self.until_next_turn(now)
    }

    /// Waits for the next call to end.
    pub(super) async fn next_done(&mut self) -> Option<Done> {
        self.tasks.join_next().await.map(expect_no_panic)
    }

    /// A call that has ended already.
    pub(super) fn done_already(&mut self) -> Option<Done> {
        self.tasks.try_join_next().map(expect_no_panic)
    }

    /// Stops receiving, and releases what no handler has begun. A poll that is still under way may take some of
    /// it once more and releases it again: sooner free for others than kept until the poll's end.
    pub(super) fn drain(&mut self, now: Timestamp) {
        info!(in_hand = self.hand.len(), running = self.lanes.running(), "stopping");
        self.drain_until = Some(after(now, self.options.drain));
        let tickets: Vec<u64> = self.lanes.take_unstarted().iter().map(|held| held.ticket).collect();
        self.release(&tickets);
    }

    fn start_receives(&mut self, now: Timestamp) {
        let last_one = self.options.once
            && self.receivers.last_was_empty()
            && (self.receivers.under_way() > 0 || self.hand.is_empty());
        // With nothing to probe the table with, a closed door would stay closed.
        let may_receive = !self.breaker.is_open() || self.lanes.is_empty();
        if last_one || !may_receive {
            return;
        }
        let max = self.options.max_in_flight;
        while let Some(room) = self.receivers.start(self.in_flight(), max, now) {
            let (io, poll) = (self.io.clone(), self.options.poll);
            self.tasks.spawn(async move { Done::Received(io.receive(room, poll).await) });
        }
    }

    fn start_lanes(&mut self, now: Timestamp) {
        if self.breaker.is_open() {
            self.probe(now);
            return;
        }
        while self.lanes.running() < self.options.concurrency && self.has_waited_enough(now) {
            let sweeps = self.may_start_sweeps();
            let may_start = |work: &W::Work| sweeps || !W::may_wait(work);
            let started = self.lanes.start(None, |ticket| self.hand.holds(ticket), may_start);
            let Some(started) = started else { break };
            self.spawn_handler(started);
        }
    }

    /// Whether the oldest lane should start. While the queue is backed up, its subject's next event is probably
    /// on the way, and two events handled together are one write. So the youngest messages wait for their like, if such
    /// come at all, and the rest of what may be in flight is for being received, handled and deleted.
    fn has_waited_enough(&self, now: Timestamp) -> bool {
        let Some(since) = self.lanes.oldest_ready() else { return false };
        let window = self.lanes.company().window(self.options.max_in_flight);
        !self.receivers.backed_up()
            || self.lanes.waiting() > window
            || after(since, self.options.linger) <= now
    }

    fn probe(&mut self, now: Timestamp) {
        if self.breaker.next_probe().is_none_or(|at| now < at) {
            return;
        }
        self.lanes.wake_waiting_for_table();
        let skip = self.breaker.last_probed();
        if let Some(started) = self.lanes.start(skip, |ticket| self.hand.holds(ticket), |_| true) {
            self.breaker.probe_started(&started.lane);
            self.spawn_handler(started);
        }
    }

    fn spawn_handler(&mut self, Started { lane, oldest, work }: Started<W::Work>) {
        self.sweeps_running += usize::from(work.first().is_some_and(W::may_wait));
        let (io, worker) = (self.io.clone(), self.worker.clone());
        let message_id = self.hand.message(oldest).map(|message| &message.id);
        let span = handle_span(W::NAME, &lane, message_id.map(String::as_str), &work);
        let handler = async move {
            // In a box, it is not moved with each of the futures around it. It keeps nothing between calls but caches
            // that compare and set checks.
            let handling = AssertUnwindSafe(Box::pin(worker.handle(&io, work))).catch_unwind();
            let (ended, answered) = heard::watch(handling).await;
            Done::Handled { lane, ended, answered }
        };
        self.tasks.spawn(handler.instrument(span));
    }

    fn in_flight(&self) -> usize {
        self.hand.len() + self.deletes.len()
    }

    fn until_next_turn(&self, now: Timestamp) -> Duration {
        let lingering = self.lanes.oldest_ready().map(|since| after(since, self.options.linger));
        let times = [
            lingering,
            self.lanes.next_awake(),
            self.breaker.next_probe(),
            self.receivers.not_before(),
            self.deletes.flush_at(),
            (!self.hand.is_empty()).then_some(self.look_at_leases),
            self.drain_until,
        ];
        // What has come already and was not acted upon waits for something else to end.
        let next = times.into_iter().flatten().filter(|at| *at > now).min();
        next.map_or(Duration::from_hours(1), |at| until(now, at))
    }
}

/// The span of one call of a handler. It names the oldest event; a line for each names them all.
fn handle_span<T: Logged>(worker: &str, lane: &str, message_id: Option<&str>, work: &[T]) -> Span {
    let About { account, region, event_id } = work.first().map(Logged::about).unwrap_or_default();
    let messages = work.len();
    let span =
        info_span!("handle", worker, lane, message_id, messages, account, region, subject = lane, event_id);
    for About { account, region, event_id } in work.iter().map(Logged::about) {
        debug!(parent: &span, account, region, subject = lane, event_id, "a message is handled");
    }
    span
}

fn expect_no_panic(joined: Result<Done, JoinError>) -> Done {
    match joined {
        Ok(done) => done,
        // Handlers are caught above, so this is a fault of the loop's own calls: the state can no longer be
        // trusted, and a crash is only a redelivery.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
