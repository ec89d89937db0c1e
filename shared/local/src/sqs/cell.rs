//! A queue with its lock, its settings and the bell that wakes long polls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Notify;

use super::message::Message;
use super::queue::{Moment, Queue, Wish};
use super::settings::{Redrive, Settings};
use crate::Clock;
use crate::world::lock;

/// One queue as the operations see it.
#[derive(Debug)]
pub struct Cell {
    pub owner: String,
    pub arn: String,
    pub url: String,
    pub created: i64,
    pub tags: BTreeMap<String, String>,
    pub inside: Mutex<Inside>,
    /// Rung whenever a message may have become visible, or will sooner than waiting polls know.
    pub bell: Notify,
}

/// What the lock guards.
#[derive(Debug, Default)]
pub struct Inside {
    pub queue: Queue,
    pub settings: Settings,
    pub modified: i64,
    pub purged: Option<Instant>,
}

/// Now, on both time lines.
pub fn moment(clock: &Clock) -> Moment {
    Moment { real: Instant::now(), stamp: clock.now().as_millisecond() }
}

impl Cell {
    /// The queue policy.
    pub fn policy(&self) -> Option<Value> {
        lock(&self.inside).settings.policy().cloned()
    }

    /// The redrive policy.
    pub fn redrive(&self) -> Option<Redrive> {
        lock(&self.inside).settings.redrive().cloned()
    }

    /// The greatest message that the queue takes, in bytes.
    pub fn max_size(&self) -> usize {
        usize::try_from(lock(&self.inside).settings.number("MaximumMessageSize")).unwrap_or(usize::MAX)
    }

    /// Puts a message on the queue, after `delay` or the queue's own one.
    pub fn send(&self, message: Message, delay: Option<Duration>, now: Moment) {
        self.step(now, |inside| {
            let own = Duration::from_secs(inside.settings.number("DelaySeconds"));
            inside.queue.push(Arc::new(message), delay.unwrap_or(own), now);
        });
    }

    /// Visible, in flight, delayed.
    pub fn depth(&self, now: Moment) -> (usize, usize, usize) {
        self.step(now, |inside| inside.queue.depth())
    }

    /// Every message, oldest first.
    pub fn messages(&self) -> Vec<Arc<Message>> {
        lock(&self.inside).queue.messages()
    }

    /// What a receive asks for, with the queue's defaults.
    pub fn wish(&self, max: usize, visibility: Option<Duration>, max_receives: Option<u32>) -> Wish {
        let default = || Duration::from_secs(lock(&self.inside).settings.number("VisibilityTimeout"));
        Wish { max, visibility: visibility.unwrap_or_else(default), max_receives }
    }

    /// Lets time pass, then does something to the queue, and rings if that gives polls a reason to look again.
    pub fn step<T>(&self, now: Moment, action: impl FnOnce(&mut Inside) -> T) -> T {
        let mut inside = lock(&self.inside);
        let retention = Duration::from_secs(inside.settings.number("MessageRetentionPeriod"));
        let visible = inside.queue.depth().0;
        inside.queue.advance(now, retention);
        let wake = inside.queue.next_wake();
        let result = action(&mut inside);
        let wakes_sooner = inside.queue.next_wake().is_some_and(|at| wake.is_none_or(|old| at < old));
        if inside.queue.depth().0 > visible || wakes_sooner {
            self.bell.notify_waiters();
        }
        result
    }
}
