//! Deleting, giving back and dead-lettering. Nothing else in drs-fleet does any of these to a message.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use tracing::{debug, error, warn};

use super::receive::BATCH;
use crate::backoff::Delays;
use crate::io::{Io, Message};
use crate::time::after;
use crate::verdict::{IoError, Verdict};

/// So long a delete waits for nine others while there is other work.
const GATHER: Duration = Duration::from_millis(100);

/// Settling is tried so often; then the lease runs out and the message comes back.
const TRIES: u32 = 3;

const BETWEEN_TRIES: Delays = Delays { first: Duration::from_millis(100), longest: Duration::from_secs(1) };

const BETWEEN_BURIALS: Delays = Delays { first: Duration::from_millis(500), longest: Duration::from_mins(1) };

/// Handled messages on their way out of the queue.
#[derive(Debug, Default)]
pub(super) struct Deletes {
    waiting: Vec<Message>,
    since: Option<Timestamp>,
    ids: HashSet<String>,
}

impl Deletes {
    /// Messages that wait or are being deleted.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn push(&mut self, message: Message, now: Timestamp) {
        self.ids.insert(message.id.clone());
        self.waiting.push(message);
        self.since.get_or_insert(now);
    }

    /// Whether a message was handled already and has only come back because its delete was late.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// When what waits must go even if it is fewer than ten.
    pub(super) fn flush_at(&self) -> Option<Timestamp> {
        self.since.map(|since| after(since, GATHER))
    }

    /// The next batch to delete: ten, or what there is once it has waited long enough or `all` must go.
    pub(super) fn next_batch(&mut self, now: Timestamp, all: bool) -> Option<Vec<Message>> {
        let overdue = self.flush_at().is_some_and(|at| at <= now);
        let enough = self.waiting.len() >= BATCH || ((all || overdue) && !self.waiting.is_empty());
        if !enough {
            return None;
        }
        let batch: Vec<Message> = self.waiting.drain(..self.waiting.len().min(BATCH)).collect();
        if self.waiting.is_empty() {
            self.since = None;
        }
        Some(batch)
    }

    pub(super) fn deleted(&mut self, ids: &[String]) {
        for id in ids {
            self.ids.remove(id);
        }
    }
}

/// Deletes a batch; answers how many could not be deleted. A lost delete is only a redelivery.
pub(super) async fn delete<I: Io>(io: &I, mut batch: Vec<Message>) -> u64 {
    for attempt in 1..=TRIES {
        let answers = match io.delete(&batch).await {
            Ok(answers) => answers,
            Err(error) => vec![Err(error); batch.len()],
        };
        batch = still_failing(batch, answers, attempt);
        if batch.is_empty() {
            return 0;
        }
        io.sleep(BETWEEN_TRIES.after(attempt, &batch[0].id)).await;
    }
    batch.len() as u64
}

fn still_failing(batch: Vec<Message>, answers: Vec<Result<(), IoError>>, attempt: u32) -> Vec<Message> {
    let mut failing = Vec::new();
    for (message, answer) in batch.into_iter().zip(answers) {
        let Err(error) = answer else { continue };
        let hopeless = error.verdict == Verdict::Permanent || attempt == TRIES;
        if hopeless {
            warn!(message_id = message.id, %error, "a handled message cannot be deleted and will come back");
        }
        failing.push(message);
    }
    failing
}

/// Hides messages for a while, or releases them. If that fails they come back when their lease ends.
pub(super) async fn give_back<I: Io>(io: &I, messages: Vec<(Message, Duration)>) {
    for attempt in 1..=TRIES {
        match io.hide(&messages).await {
            Ok(answers) => {
                for ((message, _), error) in
                    messages.iter().zip(answers).filter_map(|(m, a)| a.err().map(|e| (m, e)))
                {
                    debug!(message_id = message.id, %error, "a message given back comes back with its lease");
                }
                return;
            }
            Err(error) if attempt == TRIES => {
                warn!(messages = messages.len(), %error, "messages given back come back with their leases");
            }
            Err(_) => io.sleep(BETWEEN_TRIES.after(attempt, &attempt)).await,
        }
    }
}

/// Why a message is put on the dead-letter queue.
#[derive(Clone, Debug)]
pub(super) struct Epitaph {
    /// Short, for metrics and filters.
    pub(super) code: &'static str,
    /// For people; never the body.
    pub(super) text: String,
    /// The worker that gave up.
    pub(super) worker: &'static str,
}

/// Puts a message on the dead-letter queue, however long that takes: what cannot be read is never lost.
pub(super) async fn bury<I: Io>(io: &I, message: &Message, epitaph: &Epitaph) {
    // SQS allows 256 KiB with the body; a reason needs no more than this.
    let text: String = epitaph.text.chars().take(1024).collect();
    let attributes = BTreeMap::from([
        ("reason".to_owned(), epitaph.code.to_owned()),
        ("reasonText".to_owned(), text),
        ("worker".to_owned(), epitaph.worker.to_owned()),
        ("receiveCount".to_owned(), message.receive_count.to_string()),
        ("messageId".to_owned(), message.id.clone()),
    ]);
    let mut attempt = 0_u32;
    while let Err(error) = io.dead_letter(message, &attributes).await {
        attempt = attempt.saturating_add(1);
        if attempt.is_power_of_two() {
            error!(message_id = message.id, attempt, %error, "a message cannot be dead-lettered and is kept");
        }
        io.sleep(BETWEEN_BURIALS.after(attempt, &message.id)).await;
    }
}
