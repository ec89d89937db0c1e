//! The consume loop: receive → lanes → handle → settle, under lease, until told to stop.
//!
//! One task owns all state and waits for nothing but the next thing that happened; every call is a task of its
//! own whose end is such a thing (`Done`). So no slow neighbour holds another, and there are no locks.
//!
//! - **in hand**: received and not settled. Bounded, and leased until settled.
//! - **lane**: the messages of one subject; handled in order, together, one task at a time.
//! - **given back**: hidden for a while, to be delivered again (to anyone).
//! - **released**: given back at once, untouched.
//!
//! Crash-safe before graceful: a message is deleted only after its handler succeeded, so a kill at any
//! point is a redelivery.

mod actor;
mod breaker;
mod bulkhead;
mod company;
mod fate;
mod hand;
mod lanes;
mod outcome;
mod pulse;
mod receive;
mod settle;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::actor::Actor;
pub use self::pulse::{Pulse, Turn};
use crate::io::Io;
use crate::metrics::{Metrics, Snapshot};
use crate::worker::Worker;

/// How a worker consumes. The defaults suit a queue with a visibility timeout of two minutes or more.
#[derive(Clone, Debug)]
pub struct Options {
    /// Messages in hand at most.
    pub max_in_flight: usize,
    /// Lanes handled at the same time.
    pub concurrency: usize,
    /// Receives at the same time while batches come full.
    pub max_receivers: usize,
    /// How long a receive waits for the first message; stopping waits for it to end.
    pub poll: Duration,
    /// For how long messages in hand are hidden from others. At most the queue's visibility timeout, which is
    /// what the first lease is; extended when half of it has passed.
    pub lease: Duration,
    /// While the queue is backed up, a lane waits at most so long for more of its subject to arrive, to be
    /// handled as one; less when much else waits already.
    pub linger: Duration,
    /// How long stopping may take; what is not finished by then comes back when its lease ends.
    pub drain: Duration,
    /// Stop when the queue is empty and nothing is in hand.
    pub once: bool,
    /// Counts.
    pub metrics: Metrics,
    /// Shows that the loop turns.
    pub pulse: Pulse,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_in_flight: 256,
            concurrency: 96,
            max_receivers: 8,
            poll: Duration::from_secs(8),
            lease: Duration::from_mins(2),
            linger: Duration::from_millis(100),
            drain: Duration::from_secs(9),
            once: false,
            metrics: Metrics::default(),
            pulse: Pulse::default(),
        }
    }
}

/// Receives and handles messages until `stop`, and then until what runs is finished or the time to drain is
/// over. Answers what was counted.
pub async fn consume<I: Io, W: Worker>(
    io: I,
    worker: W,
    options: Options,
    stop: CancellationToken,
) -> Snapshot {
    let (metrics, heart) = (options.metrics.clone(), options.pulse.clone());
    let mut actor = Actor::new(io.clone(), worker, options);
    loop {
        let now = io.now();
        let wait = actor.turn(now).min(pulse::EVERY);
        heart.beat(actor.is_paused());
        if actor.is_finished(now) {
            // Dropping the actor aborts what still runs; its messages come back when their leases end.
            return metrics.in_all();
        }
        tokio::select! {
            biased;
            () = stop.cancelled(), if !actor.is_draining() => actor.drain(io.now()),
            Some(done) = actor.next_done() => actor.take_in(done, io.now()),
            () = io.sleep(wait) => {}
        }
        while let Some(done) = actor.done_already() {
            actor.take_in(done, io.now());
        }
    }
}

#[cfg(test)]
mod tests;
