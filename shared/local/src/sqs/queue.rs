//! One queue as a state machine. It neither waits nor reads a clock: every step is told the moment.
//!
//! A message is *visible* (waits to be received), *delayed* (will become visible) or *in flight* (was
//! received, and becomes visible again unless it is deleted in time). Visible messages are handed out in
//! the order in which they came; one that returns takes its old place. No step costs more than the
//! logarithm of the number of messages.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::Message;
use super::refuse::{invalid, refuse};
use crate::call::Refusal;

/// Messages in flight that a standard queue allows.
pub const MAX_IN_FLIGHT: usize = 120_000;
/// How long a message may stay in flight in all, whatever extends it.
const MAX_VISIBILITY: Duration = Duration::from_secs(43_200);

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
    first_received: i64,
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
    pub first_received: i64,
    /// Whether it is the extra copy of a duplicated message.
    pub is_copy: bool,
}

/// What a receipt handle says: the place of the message and the receive it was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    place: u64,
    receipt: u64,
}

impl Handle {
    /// As text.
    pub fn encode(self) -> String {
        format!("AQEB{:016x}{:016x}", self.place, self.receipt)
    }

    /// From text.
    ///
    /// # Errors
    /// `ReceiptHandleIsInvalid`.
    pub fn decode(text: &str) -> Result<Self, Refusal> {
        let parse = || {
            let digits = text.strip_prefix("AQEB").filter(|d| d.len() == 32 && d.is_ascii())?;
            let number = |part: &str| u64::from_str_radix(part, 16).ok();
            Some(Self { place: number(&digits[..16])?, receipt: number(&digits[16..])? })
        };
        let text = format!("The input receipt handle \"{text}\" is not a valid receipt handle.");
        parse().ok_or_else(|| refuse("ReceiptHandleIsInvalid", text))
    }
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
        let slot = Slot { message, state, receives: 0, first_received: 0, receipt: 0, is_copy };
        self.slots.insert(place, slot);
        self.enter(place, state);
    }

    /// Lets time pass: what is due becomes visible, what is older than `retention` disappears.
    pub fn advance(&mut self, now: Moment, retention: Duration) {
        while let Some((_, place)) = self.wakes.first().filter(|(at, _)| *at <= now.real).copied() {
            self.change(place, State::Visible);
        }
        let oldest_kept = now.stamp.saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX));
        while let Some((_, place)) = self.sent.first().filter(|(at, _)| *at < oldest_kept).copied() {
            self.remove(place);
        }
    }

    /// Hands out messages. With `start` the order begins at a place chosen by it (`Reorder`), else at the oldest.
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
            slot.first_received = now.stamp;
        }
        let received = Received {
            message: slot.message.clone(),
            handle: Handle { place, receipt },
            receives: slot.receives,
            first_received: slot.first_received,
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
            let why = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds] since it was received.";
            return Err(invalid(time.as_secs(), "VisibilityTimeout", why));
        }
        let state = if time.is_zero() { State::Visible } else { State::InFlight { until, since } };
        self.change(handle.place, state);
        Ok(())
    }

    /// Forgets every message.
    pub fn purge(&mut self) {
        let (last_place, last_receipt) = (self.last_place, self.last_receipt);
        *self = Self { last_place, last_receipt, ..Self::default() };
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
mod tests {
    use super::*;

    const VISIBILITY: Duration = Duration::from_secs(30);

    struct Bench {
        queue: Queue,
        start: Moment,
    }

    impl Bench {
        fn with(bodies: &[&str]) -> Self {
            let start = Moment { real: Instant::now(), stamp: 1_000_000_000 };
            let mut bench = Self { queue: Queue::default(), start };
            for body in bodies {
                bench.push(body, 0);
            }
            bench
        }

        fn push(&mut self, body: &str, delay: u64) {
            let message = Message::new(
                body.to_owned(),
                std::collections::BTreeMap::new(),
                String::new(),
                self.start.stamp,
            );
            self.queue.push(Arc::new(message), Duration::from_secs(delay), self.start);
        }

        fn at(&self, seconds: u64) -> Moment {
            let stamp = self.start.stamp + i64::try_from(seconds).unwrap() * 1_000;
            Moment { real: self.start.real + Duration::from_secs(seconds), stamp }
        }

        fn receive(&mut self, seconds: u64) -> Vec<Received> {
            let now = self.at(seconds);
            self.queue.advance(now, Duration::from_secs(3_600));
            let wish = Wish { max: 10, visibility: VISIBILITY, max_receives: None };
            self.queue.receive(wish, None, now).unwrap().received
        }
    }

    #[test]
    fn a_message_returns_after_its_visibility_with_a_new_handle_and_a_higher_count() {
        let mut bench = Bench::with(&["a"]);
        let first = bench.receive(0);
        assert!(bench.receive(29).is_empty());
        let second = bench.receive(30);
        assert_eq!(second[0].receives, 2);
        assert_ne!(second[0].handle, first[0].handle);
        assert_eq!(second[0].first_received, first[0].first_received);
    }

    #[test]
    fn only_the_latest_handle_deletes() {
        let mut bench = Bench::with(&["a"]);
        let old = bench.receive(0)[0].handle;
        let new = bench.receive(30)[0].handle;
        bench.queue.delete(old);
        assert_eq!(bench.queue.depth(), (0, 1, 0));
        bench.queue.delete(new);
        assert_eq!(bench.queue.depth(), (0, 0, 0));
    }

    #[test]
    fn the_latest_handle_deletes_a_message_whose_visibility_has_run_out() {
        let mut bench = Bench::with(&["a"]);
        let handle = bench.receive(0)[0].handle;
        bench.queue.advance(bench.at(31), VISIBILITY * 100);
        bench.queue.delete(handle);
        assert!(bench.receive(31).is_empty());
    }

    #[test]
    fn visibility_changes_only_in_flight_and_to_twelve_hours_in_all() {
        let mut bench = Bench::with(&["a"]);
        let handle = bench.receive(0)[0].handle;
        let hours = |n: u64| Duration::from_secs(n * 3_600);
        bench.queue.change_visibility(handle, hours(12), bench.at(0)).unwrap();
        let over = bench.queue.change_visibility(handle, hours(12), bench.at(1)).unwrap_err();
        assert!(over.message.contains("43200"), "{}", over.message);
        bench.queue.change_visibility(handle, Duration::ZERO, bench.at(1)).unwrap();
        let visible = bench.queue.change_visibility(handle, VISIBILITY, bench.at(1)).unwrap_err();
        assert_eq!(visible.code, "MessageNotInflight");
        assert_eq!(bench.receive(1)[0].receives, 2);
        assert_eq!(
            bench.queue.change_visibility(handle, VISIBILITY, bench.at(1)).unwrap_err().code,
            "MessageNotInflight"
        );
    }

    #[test]
    fn an_extended_message_stays_away_longer() {
        let mut bench = Bench::with(&["a"]);
        let handle = bench.receive(0)[0].handle;
        bench.queue.change_visibility(handle, VISIBILITY, bench.at(20)).unwrap();
        assert!(bench.receive(49).is_empty());
        assert_eq!(bench.receive(50).len(), 1);
    }

    #[test]
    fn a_delayed_message_counts_as_delayed_until_it_is_due() {
        let mut bench = Bench::with(&[]);
        bench.push("later", 5);
        assert!(bench.receive(4).is_empty());
        assert_eq!(bench.queue.depth(), (0, 0, 1));
        assert_eq!(bench.queue.next_wake(), Some(bench.at(5).real));
        assert_eq!(bench.receive(5).len(), 1);
    }

    #[test]
    fn what_is_older_than_the_retention_disappears_even_in_flight() {
        let mut bench = Bench::with(&["a", "b"]);
        let handle = bench.receive(0)[0].handle;
        assert!(bench.receive(3_601).is_empty());
        assert_eq!(bench.queue.depth(), (0, 0, 0));
        bench.queue.delete(handle);
    }

    #[test]
    fn the_order_is_that_of_arrival_and_reorder_starts_anywhere() {
        let mut bench = Bench::with(&["a", "b", "c"]);
        let wish = Wish { max: 1, visibility: VISIBILITY, max_receives: None };
        let taken = bench.queue.receive(wish, Some(2), bench.at(0)).unwrap();
        assert_eq!(taken.received[0].message.body, "c");
        let rest: Vec<_> = bench.receive(0).iter().map(|r| r.message.body.clone()).collect();
        assert_eq!(rest, ["a", "b"]);
    }

    #[test]
    fn no_more_than_the_limit_is_in_flight() {
        let mut bench = Bench::with(&[]);
        for _ in 0..=MAX_IN_FLIGHT {
            bench.push("x", 0);
        }
        let wish = Wish { max: usize::MAX, visibility: VISIBILITY, max_receives: None };
        let taken = bench.queue.receive(wish, None, bench.at(0)).unwrap();
        assert_eq!(taken.received.len(), MAX_IN_FLIGHT);
        assert_eq!(bench.queue.receive(wish, None, bench.at(0)).unwrap_err().code, "OverLimit");
    }

    #[test]
    fn a_receipt_handle_survives_its_text_and_nonsense_is_refused() {
        let handle = Handle { place: 7, receipt: u64::MAX };
        assert_eq!(Handle::decode(&handle.encode()).unwrap(), handle);
        for text in ["", "AQEB", "x", "AQEBé0000000000000000000000000000000"] {
            assert_eq!(Handle::decode(text).unwrap_err().code, "ReceiptHandleIsInvalid");
        }
    }
}
