//! Extending, deleting, giving back and dead-lettering. Nothing else in drs-fleet does any of these to a message.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use drs_fleet_domain::planted::{Bug, is_planted};
use jiff::Timestamp;
use tracing::{error, warn};

use super::actor::{Actor, Done};
use super::receive::BATCH;
use crate::backoff::Delays;
use crate::io::{Io, Message};
use crate::time::after;
use crate::verdict::{IoError, Verdict};
use crate::worker::Worker;

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

impl<I: Io, W: Worker> Actor<I, W> {
    /// Extends what must stay hidden.
    pub(super) fn extend_leases(&mut self, now: Timestamp) {
        if now < self.look_at_leases || self.hand.is_empty() {
            return;
        }
        let lease = self.options.lease;
        // Extended at half time and looked at eight times: four attempts before a lease is lost.
        self.look_at_leases = after(now, lease / 8);
        for batch in self.hand.due_for_extension(now, lease / 2).chunks(BATCH) {
            let io = self.io.clone();
            let tickets = batch.iter().map(|(ticket, _)| *ticket).collect();
            let messages: Vec<_> = batch.iter().map(|(_, message)| (message.clone(), lease)).collect();
            self.tasks.spawn(async move {
                Done::Extended { tickets, asked: now, answers: io.hide(&messages).await }
            });
        }
    }

    /// Deletes what is handled.
    pub(super) fn flush_deletes(&mut self, now: Timestamp) {
        let all = self.hand.is_empty() || self.is_draining();
        while let Some(batch) = self.deletes.next_batch(now, all) {
            let io = self.io.clone();
            self.tasks.spawn(async move {
                let ids = batch.iter().map(|message| message.id.clone()).collect();
                Done::Deleted { ids, failed: delete(&io, batch).await }
            });
        }
    }

    /// Gives messages back, each hidden for its time.
    pub(super) fn give_back(&mut self, messages: Vec<(Message, Duration)>) {
        let mut messages = messages.into_iter().peekable();
        while messages.peek().is_some() {
            let (io, batch) = (self.io.clone(), messages.by_ref().take(BATCH).collect());
            self.tasks.spawn(async move {
                give_back(&io, batch).await;
                Done::GivenBack
            });
        }
    }

    /// Gives messages back untouched, at once.
    pub(super) fn release(&mut self, tickets: &[u64]) {
        let released: Vec<_> = tickets
            .iter()
            .filter_map(|ticket| self.hand.let_go(*ticket))
            .map(|m| (m, Duration::ZERO))
            .collect();
        self.metrics().count(|counted| counted.released += released.len() as u64);
        self.give_back(released);
    }

    /// Dead-letters a message; it stays in hand, leased, until that is done.
    pub(super) fn bury(&mut self, ticket: u64, epitaph: Epitaph) {
        let Some(message) = self.hand.message(ticket).cloned() else { return };
        let io = self.io.clone();
        self.tasks.spawn(async move {
            bury(&io, &message, &epitaph).await;
            Done::Buried { ticket }
        });
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
pub(super) async fn give_back<I: Io>(io: &I, mut messages: Vec<(Message, Duration)>) {
    for attempt in 1..=TRIES {
        let answers = match io.hide(&messages).await {
            Ok(answers) => answers,
            Err(error) => vec![Err(error); messages.len()],
        };
        let mut answers = answers.into_iter();
        messages.retain(|(message, _)| match answers.next() {
            // One whose lease has run out is back already.
            Some(Err(error)) if attempt == TRIES || error.verdict == Verdict::Permanent => {
                warn!(message_id = message.id, %error, "a message given back comes back with its lease");
                false
            }
            Some(Err(_)) => true,
            _ => false,
        });
        let Some((first, _)) = messages.first() else { return };
        io.sleep(BETWEEN_TRIES.after(attempt, &first.id)).await;
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
    if is_planted(Bug::PoisonDeleted) {
        return;
    }
    let mut attempt = 0_u32;
    while let Err(error) = io.dead_letter(message, &attributes).await {
        attempt = attempt.saturating_add(1);
        if attempt.is_power_of_two() {
            error!(message_id = message.id, attempt, %error, "a message cannot be dead-lettered and is kept");
        }
        io.sleep(BETWEEN_BURIALS.after(attempt, &message.id)).await;
    }
}
