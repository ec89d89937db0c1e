//! How many receives are under way: one while the queue is quiet, more while batches come full.

use std::time::Duration;

use jiff::Timestamp;

use crate::backoff::Delays;
use crate::time::after;
use crate::verdict::IoError;

/// SQS gives at most ten at once.
pub(super) const BATCH: usize = 10;

const AFTER_FAILURE: Delays = Delays { first: Duration::from_millis(100), longest: Duration::from_secs(30) };

#[derive(Debug)]
pub(super) struct Receivers {
    under_way: usize,
    wanted: usize,
    most: usize,
    failures: u32,
    not_before: Option<Timestamp>,
    last_was_empty: bool,
}

impl Receivers {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { under_way: 0, wanted: 1, most, failures: 0, not_before: None, last_was_empty: false }
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Whether more waits in the queue than was received so far.
    pub(super) fn backed_up(&self) -> bool {
        self.wanted > 1
    }

    pub(super) fn last_was_empty(&self) -> bool {
        self.last_was_empty
    }

    /// After a failure: when the next receive may start.
    pub(super) fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// How many messages the next receive may bring; `None` when there is to be none now. Asks for full
    /// batches only: a call for three messages costs as much as one for ten.
    pub(super) fn start(&mut self, in_flight: usize, max_in_flight: usize, now: Timestamp) -> Option<usize> {
        let batch = BATCH.min(max_in_flight.max(1));
        let room = max_in_flight.max(1).saturating_sub(in_flight + self.under_way * batch);
        let paused = self.not_before.is_some_and(|at| now < at);
        if paused || room < batch || self.under_way >= self.wanted {
            return None;
        }
        self.under_way += 1;
        Some(batch)
    }

    pub(super) fn received(&mut self, messages: usize) {
        self.under_way = self.under_way.saturating_sub(1);
        (self.failures, self.not_before) = (0, None);
        self.last_was_empty = messages == 0;
        self.wanted =
            if messages >= BATCH { (self.wanted * 2).min(self.most) } else { (self.wanted / 2).max(1) };
    }

    pub(super) fn failed(&mut self, error: &IoError, now: Timestamp) {
        self.under_way = self.under_way.saturating_sub(1);
        self.wanted = (self.wanted / 2).max(1);
        self.failures += 1;
        let delay = AFTER_FAILURE.after(self.failures, &"receive");
        let delay = delay.max(error.retry_after.unwrap_or_default());
        self.not_before = Some(after(now, delay));
        if self.failures.is_power_of_two() {
            tracing::warn!(%error, failures = self.failures, "messages cannot be received");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Neighbour, Verdict};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn start_all(receivers: &mut Receivers, in_flight: usize) -> usize {
        std::iter::from_fn(|| receivers.start(in_flight, 256, NOW)).count()
    }

    #[test]
    fn full_batches_bring_more_receivers_and_short_ones_fewer() {
        let mut receivers = Receivers::new(12);
        assert_eq!(start_all(&mut receivers, 0), 1);
        for wanted in [2, 4, 8, 12, 12] {
            receivers.received(10);
            start_all(&mut receivers, 0);
            assert_eq!(receivers.under_way(), wanted);
        }
        for _ in 0..12 {
            receivers.received(3);
        }
        assert_eq!(start_all(&mut receivers, 0), 1);
    }

    #[test]
    fn no_more_is_asked_for_than_there_is_room_for() {
        let mut receivers = Receivers::new(12);
        (0..4).for_each(|_| receivers.received(10));
        assert_eq!(start_all(&mut receivers, 225), 3);
        assert_eq!(start_all(&mut receivers, 256), 0);
        assert_eq!(Receivers::new(1).start(0, 4, NOW), Some(4), "a small bound makes small batches");
    }

    #[test]
    fn a_failure_pauses_receiving_for_longer_each_time() {
        let mut receivers = Receivers::new(12);
        let error = IoError::new(Neighbour::Queue, "ReceiveMessage", Verdict::Transient, "no");
        receivers.failed(&error, NOW);
        let first = receivers.not_before().unwrap();
        assert_eq!(receivers.start(0, 256, NOW), None);
        receivers.failed(&error, NOW);
        assert!(receivers.not_before().unwrap() > first);
        assert_eq!(receivers.start(0, 256, receivers.not_before().unwrap()), Some(10));
    }
}
