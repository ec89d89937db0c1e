//! A queue like SQS: hidden for a while when received, delivered again when not deleted by then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::io::Message;
use crate::time::after;
use crate::verdict::{IoError, Neighbour, Verdict};

/// For how long a receive hides a message.
pub const QUEUE_VISIBILITY: Duration = Duration::from_mins(2);

/// A message on the dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buried {
    /// The message as it was last received.
    pub message: Message,
    /// With what it was sent there; empty when the queue itself moved it.
    pub attributes: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// In the order of arrival.
    messages: BTreeMap<u64, Queued>,
    next: u64,
    redrive_after: Option<u32>,
    dead_letters: Vec<Buried>,
    arrivals: Arc<Notify>,
}

#[derive(Debug)]
struct Queued {
    message: Message,
    visible_at: Timestamp,
}

impl Queue {
    pub(super) fn put(&mut self, body: String, now: Timestamp) -> String {
        let id = format!("m-{:06}", self.next);
        let receipt = String::new();
        let message = Message { id: id.clone(), receipt, body, receive_count: 0, sent_at: now };
        self.messages.insert(self.next, Queued { message, visible_at: now });
        self.next += 1;
        self.arrivals.notify_waiters();
        id
    }

    /// Ends when a message comes, or another time is set until which one is hidden.
    pub(super) fn arrival(&self) -> OwnedNotified {
        Arc::clone(&self.arrivals).notified_owned()
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn hidden(&self, now: Timestamp) -> usize {
        self.messages.values().filter(|queued| now < queued.visible_at).count()
    }

    pub(super) fn receive_counts(&self) -> BTreeMap<String, u32> {
        self.messages
            .values()
            .map(|queued| (queued.message.id.clone(), queued.message.receive_count))
            .collect()
    }

    pub(super) fn redrive_after(&mut self, receives: u32) {
        self.redrive_after = Some(receives);
    }

    pub(super) fn dead_letters(&self) -> &[Buried] {
        &self.dead_letters
    }

    /// When the next message can be received; `now` if one can be already.
    pub(super) fn next_visible(&self, now: Timestamp) -> Option<Timestamp> {
        let times = self.messages.values().map(|queued| queued.visible_at);
        if times.clone().any(|at| at <= now) { Some(now) } else { times.min() }
    }

    pub(super) fn receive(&mut self, max: usize, now: Timestamp) -> Vec<Message> {
        self.redrive(now);
        let visible = self.messages.values_mut().filter(|queued| queued.visible_at <= now);
        visible
            .take(max.min(10))
            .map(|queued| {
                queued.visible_at = after(now, QUEUE_VISIBILITY);
                queued.message.receive_count += 1;
                queued.message.receipt = format!("{}/{}", queued.message.id, queued.message.receive_count);
                queued.message.clone()
            })
            .collect()
    }

    fn redrive(&mut self, now: Timestamp) {
        let Some(limit) = self.redrive_after else { return };
        let spent = self
            .messages
            .extract_if(.., |_, queued| queued.visible_at <= now && queued.message.receive_count >= limit);
        let buried = spent.map(|(_, queued)| Buried { message: queued.message, attributes: BTreeMap::new() });
        self.dead_letters.extend(buried);
    }

    /// As SQS may: a receipt that is not the latest deletes nothing, and says nothing about it.
    pub(super) fn delete(&mut self, message: &Message) {
        let number = number_of(&message.id);
        if self.messages.get(&number).is_some_and(|queued| queued.message.receipt == message.receipt) {
            self.messages.remove(&number);
        }
    }

    pub(super) fn hide(&mut self, message: &Message, time: Duration, now: Timestamp) -> Result<(), IoError> {
        let ours =
            |queued: &&mut Queued| queued.message.receipt == message.receipt && now < queued.visible_at;
        let Some(queued) = self.messages.values_mut().find(ours) else {
            let words = format!("{} is not in flight under this receipt", message.id);
            return Err(IoError::new(Neighbour::Queue, "hide", Verdict::Permanent, words));
        };
        queued.visible_at = after(now, time);
        self.arrivals.notify_waiters();
        Ok(())
    }

    pub(super) fn bury(&mut self, message: &Message, attributes: &BTreeMap<String, String>) {
        self.dead_letters.push(Buried { message: message.clone(), attributes: attributes.clone() });
    }
}

fn number_of(id: &str) -> u64 {
    id.strip_prefix("m-").and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
}
