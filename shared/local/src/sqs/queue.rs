//! One queue as a state machine. It neither waits nor reads a clock: every step is told the moment.
//!
//! A message is *visible* (waits to be received), *delayed* (will become visible) or *in flight* (was
//! received, and becomes visible again unless it is deleted in time). Visible messages are handed out in
//! the order in which they came; one that returns takes its old place. No step costs more than the
//! logarithm of the number of messages.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::handle::Handle;
use super::message::Message;
use super::refuse::{invalid, refuse};
use crate::call::Refusal;

/// Messages in flight that a standard queue allows.
pub const MAX_IN_FLIGHT: usize = 120_000;
/// How long a message may stay in flight in all, whatever extends it.
const MAX_VISIBILITY: Duration = Duration::from_hours(12);

/// A moment on both time lines: durations pass in real time, stamps come from the cloud's clock.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Real time.
    pub real: Instant,
    /// The clock's milliseconds since 1970.
    pub stamp: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Visible,
    Delayed(Instant),
    InFlight { until: Instant, since: Instant },
}

#[derive(Debug)]
struct Slot {
    message: Arc<Message>,
    state: State,
    receives: u32,
    first_at: i64,
    /// Set with the last receive. Only the latest receipt handle has power over a message.
    receipt: u64,
    /// A second copy that the fault plan asked for.
    is_copy: bool,
}

/// A message as it is handed out.
#[derive(Clone, Debug)]
pub struct Received {
    /// The message.
    pub message: Arc<Message>,
    /// Names this receive.
    pub handle: Handle,
    /// How often it was received, this time included.
    pub receives: u32,
    /// When it was received first, milliseconds.
    pub first_at: i64,
    /// Whether it is the extra copy of a duplicated message.
    pub is_copy: bool,
}

/// How many messages a receive may take, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// At most this many.
    pub max: usize,
    /// Their visibility timeout.
    pub visibility: Duration,
    /// The redrive count, when there is a dead-letter queue to move to.
    pub max_receives: Option<u32>,
}

/// What a receive found.
#[derive(Debug, Default)]
pub struct Taken {
    /// Handed out.
    pub received: Vec<Received>,
    /// Received too often; no longer on this queue.
    pub redriven: Vec<Arc<Message>>,
}

/// The messages of one queue.
#[derive(Debug, Default)]
pub struct Queue {
    slots: HashMap<u64, Slot>,
    visible: BTreeSet<u64>,
    /// When delayed and in-flight messages become visible.
    wakes: BTreeSet<(Instant, u64)>,
    /// Sent times, for retention.
    sent: BTreeSet<(i64, u64)>,
    in_flight: usize,
    last_place: u64,
    last_receipt: u64,
    returned: u64,
}

impl Queue {
    /// Takes a message in; it becomes visible after `delay`.
    pub fn push(&mut self, message: Arc<Message>, delay: Duration, now: Moment) {
        let state = if delay.is_zero() { State::Visible } else { State::Delayed(now.real + delay) };
        self.insert(message, state, false);
    }

    /// Puts a second copy of a message on the queue, for once.
    pub fn push_copy(&mut self, message: Arc<Message>) {
        self.insert(message, State::Visible, true);
    }

    fn insert(&mut self, message: Arc<Message>, state: State, is_copy: bool) {
        self.last_place += 1;
        let place = self.last_place;
        self.sent.insert((message.sent_at, place));
        let slot = Slot { message, state, receives: 0, first_at: 0, receipt: 0, is_copy };
        self.slots.insert(place, slot);
        self.enter(place, state);
    }

    /// Lets time pass: what is due becomes visible, what is older than `retention` disappears.
    pub fn advance(&mut self, now: Moment, retention: Duration) {
        while let Some((_, place)) = self.wakes.first().filter(|(at, _)| *at <= now.real).copied() {
            let was_in_flight = self.slots.get(&place).is_some_and(|slot| slot.receives > 0);
            self.returned += u64::from(was_in_flight);
            self.change(place, State::Visible);
        }
        let oldest_kept = now.stamp.saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX));
        while let Some((_, place)) = self.sent.first().filter(|(at, _)| *at < oldest_kept).copied() {
            self.remove(place);
        }
    }

    /// Hands out messages, the oldest first; with `start` from a place that it chooses (`Reorder`).
    ///
    /// # Errors
    /// `OverLimit` when [`MAX_IN_FLIGHT`] messages are in flight.
    pub fn receive(&mut self, wish: Wish, start: Option<u64>, now: Moment) -> Result<Taken, Refusal> {
        if self.in_flight >= MAX_IN_FLIGHT {
            return Err(refuse("OverLimit", "Too many messages in flight (120000) on the queue."));
        }
        let mut taken = Taken::default();
        while taken.received.len() < wish.max.min(MAX_IN_FLIGHT) && self.in_flight < MAX_IN_FLIGHT {
            let Some(place) = self.next_visible(start) else { break };
            let spent = |slot: &Slot| wish.max_receives.is_some_and(|max| slot.receives >= max);
            if self.slots.get(&place).is_some_and(spent) {
                taken.redriven.extend(self.remove(place));
            } else {
                taken.received.extend(self.hand_out(place, wish.visibility, now));
            }
        }
        Ok(taken)
    }

    fn next_visible(&self, start: Option<u64>) -> Option<u64> {
        let (first, last) = (*self.visible.first()?, *self.visible.last()?);
        let from = start.map_or(first, |dice| first + dice % (last - first + 1));
        self.visible.range(from..).next().copied()
    }

    fn hand_out(&mut self, place: u64, visibility: Duration, now: Moment) -> Option<Received> {
        self.last_receipt += 1;
        let receipt = self.last_receipt;
        let slot = self.slots.get_mut(&place)?;
        slot.receives += 1;
        slot.receipt = receipt;
        if slot.receives == 1 {
            slot.first_at = now.stamp;
        }
        let received = Received {
            message: slot.message.clone(),
            handle: Handle { place, receipt },
            receives: slot.receives,
            first_at: slot.first_at,
            is_copy: slot.is_copy,
        };
        self.change(place, State::InFlight { until: now.real + visibility, since: now.real });
        Some(received)
    }

    /// Deletes by handle. Only the latest handle deletes; an older one is a success that changes nothing,
    /// as on AWS, where a delete with an outdated handle may succeed without an effect.
    pub fn delete(&mut self, handle: Handle) {
        if self.slots.get(&handle.place).is_some_and(|slot| slot.receipt == handle.receipt) {
            self.remove(handle.place);
        }
    }

    /// Sets how long from now a message stays in flight; zero returns it at once.
    ///
    /// # Errors
    /// `MessageNotInflight`, also for an outdated handle; `InvalidParameterValue` when the message is gone or
    /// would be in flight longer than 12 hours in all.
    pub fn change_visibility(&mut self, handle: Handle, time: Duration, now: Moment) -> Result<(), Refusal> {
        let Some(slot) = self.slots.get(&handle.place) else {
            let why = "Message does not exist or is not available for visibility timeout change.";
            return Err(invalid(handle.encode(), "ReceiptHandle", why));
        };
        let State::InFlight { since, .. } = slot.state else { return Err(not_in_flight()) };
        if slot.receipt != handle.receipt {
            return Err(not_in_flight());
        }
        let until = now.real + time;
        if until > since + MAX_VISIBILITY {
            let why = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].";
            return Err(invalid(time.as_secs(), "VisibilityTimeout", why));
        }
        let state = if time.is_zero() { State::Visible } else { State::InFlight { until, since } };
        self.change(handle.place, state);
        Ok(())
    }

    /// Forgets every message.
    pub fn purge(&mut self) {
        let (last_place, last_receipt) = (self.last_place, self.last_receipt);
        *self = Self { last_place, last_receipt, returned: self.returned, ..Self::default() };
    }

    /// How often a received message became visible again because its time in flight was over.
    pub fn returned(&self) -> u64 {
        self.returned
    }

    /// Visible, in flight, delayed.
    pub fn depth(&self) -> (usize, usize, usize) {
        let (all, visible) = (self.slots.len(), self.visible.len());
        (visible, self.in_flight, all - visible - self.in_flight)
    }

    /// When the next delayed or in-flight message becomes visible.
    pub fn next_wake(&self) -> Option<Instant> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// Every message, oldest first, whatever its state.
    pub fn messages(&self) -> Vec<Arc<Message>> {
        self.sent.iter().filter_map(|(_, place)| Some(self.slots.get(place)?.message.clone())).collect()
    }

    fn change(&mut self, place: u64, state: State) {
        let Some(slot) = self.slots.get_mut(&place) else { return };
        let before = std::mem::replace(&mut slot.state, state);
        self.leave(place, before);
        self.enter(place, state);
    }

    fn remove(&mut self, place: u64) -> Option<Arc<Message>> {
        let slot = self.slots.remove(&place)?;
        self.leave(place, slot.state);
        self.sent.remove(&(slot.message.sent_at, place));
        Some(slot.message)
    }

    fn enter(&mut self, place: u64, state: State) {
        match state {
            State::Visible => _ = self.visible.insert(place),
            State::Delayed(until) => _ = self.wakes.insert((until, place)),
            State::InFlight { until, .. } => {
                self.in_flight += 1;
                self.wakes.insert((until, place));
            }
        }
    }

    fn leave(&mut self, place: u64, state: State) {
        match state {
            State::Visible => _ = self.visible.remove(&place),
            State::Delayed(until) => _ = self.wakes.remove(&(until, place)),
            State::InFlight { until, .. } => {
                self.in_flight -= 1;
                self.wakes.remove(&(until, place));
            }
        }
    }
}

fn not_in_flight() -> Refusal {
    refuse("MessageNotInflight", "The specified message isn't in flight.")
}

#[cfg(test)]
mod tests;
