//! What this process has in hand: messages received and not yet settled, each with the time until which the
//! queue hides it from others.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use crate::io::Message;
use crate::time::{after, until};
use crate::verdict::{IoError, Verdict};

/// Messages by ticket, a number that rises with arrival.
#[derive(Debug, Default)]
pub(super) struct Hand {
    entries: BTreeMap<u64, Entry>,
    tickets: HashMap<String, u64>,
    next_ticket: u64,
}

#[derive(Debug)]
struct Entry {
    message: Message,
    leased_until: Timestamp,
    extending: bool,
}

impl Hand {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn holds(&self, ticket: u64) -> bool {
        self.entries.contains_key(&ticket)
    }

    /// Takes a received message in hand. `None` when it is there already, delivered once more: the new
    /// receipt replaces the old one, and its work is not begun twice.
    pub(super) fn take_in(&mut self, message: Message, leased_until: Timestamp) -> Option<u64> {
        if let Some(ticket) = self.tickets.get(&message.id)
            && let Some(entry) = self.entries.get_mut(ticket)
        {
            entry.message = message;
            entry.leased_until = leased_until;
            return None;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.tickets.insert(message.id.clone(), ticket);
        self.entries.insert(ticket, Entry { message, leased_until, extending: false });
        Some(ticket)
    }

    pub(super) fn message(&self, ticket: u64) -> Option<&Message> {
        self.entries.get(&ticket).map(|entry| &entry.message)
    }

    /// Lets go of a message to settle it; `None` when it is no longer ours.
    pub(super) fn let_go(&mut self, ticket: u64) -> Option<Message> {
        let message = self.entries.remove(&ticket)?.message;
        self.tickets.remove(&message.id);
        Some(message)
    }

    /// The messages whose lease ends within `margin` of `now`; from here on they count as being extended.
    pub(super) fn due_for_extension(&mut self, now: Timestamp, margin: Duration) -> Vec<(u64, Message)> {
        let ending = |entry: &Entry| !entry.extending && until(now, entry.leased_until) <= margin;
        let chosen = self.entries.iter_mut().filter(|(_, entry)| ending(entry));
        chosen
            .map(|(ticket, entry)| {
                entry.extending = true;
                // Its body is not needed to extend it.
                let message = clone_without_body(&entry.message);
                (*ticket, message)
            })
            .collect()
    }

    /// The answer to an extension asked for at `asked`. Answers whether the message was lost: who may no
    /// longer extend it has no right to settle it.
    pub(super) fn extended(
        &mut self,
        ticket: u64,
        answer: &Result<(), IoError>,
        asked: Timestamp,
        lease: Duration,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(&ticket) else { return false };
        entry.extending = false;
        match answer {
            Ok(()) => entry.leased_until = after(asked, lease),
            Err(error) if error.verdict == Verdict::Permanent => {
                self.let_go(ticket);
                return true;
            }
            // The next look at the leases tries again.
            Err(_) => {}
        }
        false
    }
}

fn clone_without_body(message: &Message) -> Message {
    Message {
        id: message.id.clone(),
        receipt: message.receipt.clone(),
        body: String::new(),
        receive_count: message.receive_count,
        sent_at: message.sent_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Neighbour;

    const LEASE: Duration = Duration::from_mins(1);

    fn message(id: &str, receipt: &str) -> Message {
        Message {
            id: id.into(),
            receipt: receipt.into(),
            body: "body".into(),
            receive_count: 1,
            sent_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_second_delivery_of_what_is_in_hand_only_brings_a_new_receipt() {
        let mut hand = Hand::default();
        let ticket = hand.take_in(message("m", "old"), at(60)).unwrap();
        assert_eq!(hand.take_in(message("m", "new"), at(90)), None);
        assert_eq!(hand.let_go(ticket).unwrap().receipt, "new");
        assert!(hand.is_empty());
    }

    #[test]
    fn only_leases_that_end_soon_are_extended_and_each_once_at_a_time() {
        let mut hand = Hand::default();
        let ticket = hand.take_in(message("soon", "r"), at(60)).unwrap();
        hand.take_in(message("late", "r"), at(100));
        let margin = Duration::from_secs(30);
        let chosen = hand.due_for_extension(at(40), margin);
        assert_eq!(chosen.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [ticket]);
        assert!(hand.due_for_extension(at(41), margin).is_empty());
        hand.extended(ticket, &Ok(()), at(40), LEASE);
        assert!(hand.due_for_extension(at(60), margin).iter().all(|(chosen, _)| *chosen != ticket));
    }

    #[test]
    fn a_lease_that_has_run_out_is_still_tried_rather_than_a_panic() {
        let mut hand = Hand::default();
        hand.take_in(message("m", "r"), at(60));
        assert_eq!(hand.due_for_extension(at(1000), Duration::from_secs(30)).len(), 1);
    }

    #[test]
    fn what_can_never_be_extended_again_is_lost_and_what_fails_for_a_moment_is_not() {
        let mut hand = Hand::default();
        let ticket = hand.take_in(message("m", "r"), at(60)).unwrap();
        let failed = |verdict| Err(IoError::new(Neighbour::Queue, "ChangeMessageVisibility", verdict, "no"));
        assert!(!hand.extended(ticket, &failed(Verdict::Transient), at(40), LEASE));
        assert!(hand.holds(ticket));
        assert!(hand.extended(ticket, &failed(Verdict::Permanent), at(40), LEASE));
        assert!(!hand.holds(ticket));
    }
}
