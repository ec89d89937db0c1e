//! What follows from a call that came to its end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use drs_fleet_domain::planted::{Bug, is_planted};
use jiff::Timestamp;
use tracing::{debug, error, info, warn};

use super::actor::{Actor, Done, Ended};
use super::fate::{self, Fate, Wait};
use super::lanes::Held;
use super::settle::Epitaph;
use crate::io::{Io, Message};
use crate::time::after;
use crate::verdict::IoError;
use crate::worker::Worker;

impl<I: Io, W: Worker> Actor<I, W> {
    /// Takes in what has ended.
    pub(super) fn take_in(&mut self, done: Done, now: Timestamp) {
        match done {
            Done::Received(Ok(messages)) => self.received(messages, now),
            Done::Received(Err(error)) => self.receivers.failed(&error, now),
            Done::Handled { lane, ended, answered } => self.handled(&lane, ended, answered, now),
            Done::Deleted { ids, failed } => {
                self.deletes.deleted(&ids);
                self.metrics().count(|counted| counted.failed_deletes += failed);
            }
            Done::GivenBack => {}
            Done::Buried { ticket } => {
                self.metrics().count(|counted| counted.dead_lettered += 1);
                self.delete(ticket, now);
            }
            Done::Extended { tickets, asked, answers } => self.extended(&tickets, asked, answers),
        }
    }

    fn received(&mut self, messages: Vec<Message>, now: Timestamp) {
        self.receivers.received(messages.len());
        self.metrics().count_received(&messages, now);
        self.worker.received(&messages, now);
        for message in messages {
            if self.deletes.knows(&message.id) {
                // Handled, and its delete was late: only the new receipt can delete it now.
                self.deletes.push(message, now);
                continue;
            }
            let Some(ticket) = self.hand.take_in(message, after(now, self.options.lease)) else { continue };
            if self.is_draining() {
                self.release(&[ticket]);
            } else {
                self.sort(ticket, now);
            }
        }
    }

    fn sort(&mut self, ticket: u64, now: Timestamp) {
        let Some(message) = self.hand.message(ticket) else { return };
        let message_id = message.id.clone();
        match catch_unwind(AssertUnwindSafe(|| self.worker.sort(message))) {
            Ok(Ok(sorted)) if W::may_wait(&sorted.work) && self.is_full_of_sweeps() => {
                let wait = Wait::Spoke(Duration::ZERO);
                self.redrive(&[ticket], |m| fate::hidden_for(m.receive_count, wait, &m.id));
            }
            Ok(Ok(sorted)) => {
                if is_planted(Bug::DeletedBeforeHandled) {
                    self.deletes.push(message.clone(), now);
                }
                self.lanes.push(sorted.lane, Held { ticket, since: now, work: sorted.work });
            }
            Ok(Err(rejected)) => {
                warn!(message_id, reason = %rejected, "a message cannot be understood");
                let (code, text) = (rejected.code(), rejected.to_string());
                self.bury(ticket, Epitaph { code, text, worker: W::NAME });
            }
            Err(panic) => {
                error!(message_id, panic = words_of(&*panic), "sorting a message panicked");
                self.metrics().count(|counted| counted.panicked += 1);
                self.redrive(&[ticket], |message| {
                    fate::hidden_for(message.receive_count, Wait::Another, &message.id)
                });
            }
        }
    }

    fn handled(&mut self, lane: &Arc<str>, ended: Ended, answered: bool, now: Timestamp) {
        let was_sweep = self.lanes.running_in(lane).is_some_and(W::may_wait);
        self.sweeps_running = self.sweeps_running.saturating_sub(usize::from(was_sweep));
        let (together, trouble) = self.lanes.of(lane);
        let (fate, failure) = match ended {
            Ok(Ok(())) => {
                self.heard(lane, None, answered, now);
                return self.succeeded(lane, now);
            }
            Ok(Err(_)) if is_planted(Bug::FailureTakenForSuccess) => return self.succeeded(lane, now),
            Ok(Err(error)) => {
                self.heard(lane, Some(&error), answered, now);
                let crowded = self.is_crowded(lane);
                (fate::of_failure(&error, lane, together, trouble, crowded, now), error.to_string())
            }
            Err(panic) => {
                error!(lane = &**lane, panic = words_of(&*panic), "a handler panicked");
                self.metrics().count(|counted| counted.panicked += 1);
                self.breaker.probe_ended(lane, now);
                (fate::of_panic(together), "the handler panicked".to_owned())
            }
        };
        self.meet(lane, fate, &failure, now);
    }

    fn heard(&mut self, lane: &Arc<str>, failure: Option<&IoError>, answered: bool, now: Timestamp) {
        if self.breaker.heard(lane, failure, answered, now) {
            info!("the table answers again: receiving goes on");
            self.lanes.wake_waiting_for_table();
        }
    }

    fn succeeded(&mut self, lane: &Arc<str>, now: Timestamp) {
        let handled = self.lanes.take(lane);
        let messages = handled.len() as u64;
        self.metrics().count(|counted| {
            counted.handled += messages;
            counted.coalesced += messages.saturating_sub(1);
        });
        for held in handled {
            self.delete(held.ticket, now);
        }
    }

    /// Lets a failed lane's messages meet their fate.
    fn meet(&mut self, lane: &Arc<str>, fate: Fate, failure: &str, now: Timestamp) {
        match fate {
            Fate::Again(..) | Fate::OneByOne if self.is_draining() => {
                let tickets = tickets(&self.lanes.take(lane));
                self.release(&tickets);
            }
            Fate::Again(delay, trouble) => {
                debug!(lane = &**lane, attempt = trouble.attempts, ?delay, failure, "will be tried again");
                self.metrics().count(|counted| counted.retried += 1);
                self.lanes.again(lane, trouble, after(now, delay));
            }
            Fate::OneByOne => {
                debug!(lane = &**lane, failure, "each message will be tried alone");
                self.lanes.one_by_one(lane);
            }
            Fate::GiveBack(wait) => {
                let tickets = tickets(&self.lanes.take(lane));
                if let Wait::For(time) | Wait::Spoke(time) = wait {
                    info!(
                        lane = &**lane,
                        messages = tickets.len(),
                        failure,
                        ?time,
                        "messages wait in the queue"
                    );
                } else {
                    warn!(lane = &**lane, messages = tickets.len(), failure, "messages wait in the queue");
                }
                self.redrive(&tickets, |m| fate::hidden_for(m.receive_count, wait, &m.id));
            }
            Fate::Bury => {
                for held in self.lanes.take(lane) {
                    let message_id = self.hand.message(held.ticket).map(|message| &message.id);
                    error!(lane = &**lane, message_id, failure, "a message can never be handled");
                    let text = failure.to_owned();
                    self.bury(held.ticket, Epitaph { code: "PERMANENT", text, worker: W::NAME });
                }
            }
        }
    }

    /// Gives messages back to be delivered again, each after the time that `hidden_for` says.
    fn redrive(&mut self, tickets: &[u64], hidden_for: impl Fn(&Message) -> Duration) {
        let mut messages = Vec::new();
        for message in tickets.iter().filter_map(|ticket| self.hand.let_go(*ticket)) {
            let hidden = hidden_for(&message);
            messages.push((message, hidden));
        }
        self.metrics().count(|counted| counted.redriven += messages.len() as u64);
        self.give_back(messages);
    }

    fn delete(&mut self, ticket: u64, now: Timestamp) {
        // Gone from hand: its lease was lost, and with it the right to settle it.
        if let Some(message) = self.hand.let_go(ticket) {
            self.deletes.push(message, now);
        }
    }

    fn extended(
        &mut self,
        tickets: &[u64],
        asked: Timestamp,
        answers: Result<Vec<Result<(), IoError>>, IoError>,
    ) {
        let answers = answers.unwrap_or_else(|error| {
            warn!(messages = tickets.len(), %error, "leases could not be extended");
            // The call failed, which says nothing of any one message.
            let verdict = crate::verdict::Verdict::Transient;
            vec![Err(IoError { verdict, ..error }); tickets.len()]
        });
        let lease = self.options.lease;
        for (ticket, answer) in tickets.iter().zip(&answers) {
            if self.hand.extended(*ticket, answer, asked, lease) {
                warn!(ticket, "a message in hand is no longer ours");
                self.metrics().count(|counted| counted.lost += 1);
            }
        }
    }
}

fn tickets<T>(held: &[Held<T>]) -> Vec<u64> {
    held.iter().map(|held| held.ticket).collect()
}

/// What a panic said; handlers put no bodies into their panics.
fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}
