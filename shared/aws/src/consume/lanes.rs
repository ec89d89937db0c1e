//! Lanes: the messages of one subject, in order of arrival. A lane is handled by one task at a time, as a whole;
//! a lane that waits after a failure holds nobody else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::company::Company;

/// So many messages are handled together at most.
const BATCH: usize = 100;

/// A message in a lane.
#[derive(Debug)]
pub(super) struct Held<T> {
    /// Its number in [`super::hand::Hand`], which rises with arrival.
    pub(super) ticket: u64,
    /// When it arrived.
    pub(super) since: Timestamp,
    /// What it asks for.
    pub(super) work: T,
}

/// What a lane's task is given.
#[derive(Debug)]
pub(super) struct Started<T> {
    pub(super) lane: Arc<str>,
    /// Ticket of the oldest message.
    pub(super) oldest: u64,
    pub(super) work: Vec<T>,
}

/// What went wrong in a lane since its last success.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Trouble {
    pub(super) attempts: u32,
    pub(super) conflicts: u32,
    pub(super) since: Option<Timestamp>,
    /// The last failure was the table's.
    pub(super) of_table: bool,
    /// The last failure was a spoke's.
    pub(super) of_spoke: bool,
}

#[derive(Debug)]
struct Lane<T> {
    waiting: VecDeque<Held<T>>,
    running: Vec<Held<T>>,
    trouble: Trouble,
    asleep_until: Option<Timestamp>,
    /// So many of the first are handled one by one, to find the one that fails for good.
    alone: usize,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        let (waiting, running) = (VecDeque::new(), Vec::new());
        Self { waiting, running, trouble: Trouble::default(), asleep_until: None, alone: 0 }
    }
}

/// All lanes with a message in them.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    by_name: BTreeMap<Arc<str>, Lane<T>>,
    /// Lanes that may start, by the ticket of their oldest message.
    ready: BTreeMap<u64, Arc<str>>,
    asleep: BTreeSet<(Timestamp, Arc<str>)>,
    running: usize,
    waiting: usize,
    company: Company,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            ready: BTreeMap::new(),
            asleep: BTreeSet::new(),
            running: 0,
            waiting: 0,
            company: Company::default(),
        }
    }
}

impl<T: Clone> Lanes<T> {
    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// Messages that no task has.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How often messages find another of their subject waiting.
    pub(super) fn company(&self) -> Company {
        self.company
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(super) fn push(&mut self, name: String, held: Held<T>) {
        let name: Arc<str> = name.into();
        let lane = self.by_name.entry(name.clone()).or_default();
        if lane.waiting.is_empty() && lane.running.is_empty() && lane.asleep_until.is_none() {
            self.ready.insert(held.ticket, name);
        }
        self.company.came(!lane.waiting.is_empty());
        lane.waiting.push_back(held);
        self.waiting += 1;
    }

    /// Since when the oldest lane that may start has waited.
    pub(super) fn oldest_ready(&self) -> Option<Timestamp> {
        let name = self.ready.values().next()?;
        self.by_name.get(name)?.waiting.front().map(|held| held.since)
    }

    /// When the next sleeping lane wakes.
    pub(super) fn next_awake(&self) -> Option<Timestamp> {
        self.asleep.first().map(|(at, _)| *at)
    }

    /// Lanes whose pause is over by `now` may start.
    pub(super) fn wake(&mut self, now: Timestamp) {
        while self.next_awake().is_some_and(|at| at <= now) {
            if let Some((_, name)) = self.asleep.pop_first() {
                self.rise(&name);
            }
        }
    }

    /// Lanes that wait for the table may start; a spoke's pause is none of the table's.
    pub(super) fn wake_waiting_for_table(&mut self) {
        let of_table = |name: &Arc<str>| self.by_name.get(name).is_some_and(|lane| lane.trouble.of_table);
        let waiting: Vec<_> = self.asleep.iter().filter(|(_, name)| of_table(name)).cloned().collect();
        for entry in waiting {
            self.asleep.remove(&entry);
            self.rise(&entry.1);
        }
    }

    fn rise(&mut self, name: &Arc<str>) {
        if let Some(lane) = self.by_name.get_mut(name) {
            lane.asleep_until = None;
            self.make_ready(name);
        }
    }

    /// Starts the lane that has waited longest, though another than `skip` if there is one. `in_hand` tells
    /// which messages are still ours, `may_start` which work may begin now.
    pub(super) fn start(
        &mut self,
        skip: Option<&str>,
        in_hand: impl Fn(u64) -> bool,
        may_start: impl Fn(&T) -> bool,
    ) -> Option<Started<T>> {
        loop {
            let first = |name: &Arc<str>| self.by_name.get(name).and_then(|lane| lane.waiting.front());
            let may_start = |name: &Arc<str>| first(name).is_none_or(|held| may_start(&held.work));
            let mut startable = self.ready.iter().filter(|(_, name)| may_start(name));
            let oldest = startable.next()?;
            let other = std::iter::once(oldest).chain(startable).find(|(_, name)| skip != Some(&***name));
            let ticket = *other.unwrap_or(oldest).0;
            let name = self.ready.remove(&ticket)?;
            let lane = self.by_name.get_mut(&name)?;
            let waited = lane.waiting.len();
            lane.waiting.retain(|held| in_hand(held.ticket));
            self.waiting -= waited - lane.waiting.len();
            let Some(oldest) = lane.waiting.front().map(|held| held.ticket) else {
                self.by_name.remove(&name);
                continue;
            };
            let most = if lane.alone > 0 { 1 } else { BATCH };
            lane.running = lane.waiting.drain(..lane.waiting.len().min(most)).collect();
            self.waiting -= lane.running.len();
            self.running += 1;
            let work = lane.running.iter().map(|held| held.work.clone()).collect();
            return Some(Started { lane: name, oldest, work });
        }
    }

    /// A lane's task came to an end and its messages leave it, whatever becomes of them.
    pub(super) fn take(&mut self, name: &Arc<str>) -> Vec<Held<T>> {
        let Some(lane) = self.by_name.get_mut(name) else { return Vec::new() };
        self.running = self.running.saturating_sub(1);
        lane.trouble = Trouble::default();
        let taken = std::mem::take(&mut lane.running);
        lane.alone = lane.alone.saturating_sub(taken.len());
        self.make_ready(name);
        taken
    }

    /// A lane's task failed: its messages wait again, in front, until `at`.
    pub(super) fn again(&mut self, name: &Arc<str>, trouble: Trouble, at: Timestamp) {
        let Some(lane) = self.put_back(name) else { return };
        lane.trouble = trouble;
        lane.asleep_until = Some(at);
        self.asleep.insert((at, name.clone()));
    }

    /// A lane's task failed for good: its messages are handled again one by one, so that only the one at
    /// fault is lost to the lane.
    pub(super) fn one_by_one(&mut self, name: &Arc<str>) {
        let (together, _) = self.of(name);
        let Some(lane) = self.put_back(name) else { return };
        lane.trouble = Trouble::default();
        lane.alone = together;
        self.make_ready(name);
    }

    /// How many messages a lane's task has, and what went wrong before.
    pub(super) fn of(&self, name: &Arc<str>) -> (usize, Trouble) {
        self.by_name.get(name).map(|lane| (lane.running.len(), lane.trouble)).unwrap_or_default()
    }

    /// What the lane's task is at work on.
    pub(super) fn running_in(&self, name: &Arc<str>) -> Option<&T> {
        self.by_name.get(name)?.running.first().map(|held| &held.work)
    }

    /// All that is in hand.
    pub(super) fn works(&self) -> impl Iterator<Item = &T> {
        self.by_name.values().flat_map(|lane| lane.running.iter().chain(&lane.waiting)).map(|held| &held.work)
    }

    /// What waits, asleep, for a spoke; and all that is in the lane `name`.
    pub(super) fn waiting_for_spokes(&self, name: &Arc<str>) -> impl Iterator<Item = &T> {
        let asleep = self.asleep.iter().filter_map(|(_, name)| self.by_name.get(name));
        let of_spoke = asleep.filter(|lane| lane.trouble.of_spoke);
        let lanes = of_spoke.chain(self.by_name.get(name));
        lanes.flat_map(|lane| lane.running.iter().chain(&lane.waiting)).map(|held| &held.work)
    }

    /// All messages that no task has; what runs stays.
    pub(super) fn take_unstarted(&mut self) -> Vec<Held<T>> {
        self.ready.clear();
        self.asleep.clear();
        self.waiting = 0;
        let mut taken = Vec::new();
        self.by_name.retain(|_, lane| {
            taken.extend(lane.waiting.drain(..));
            !lane.running.is_empty()
        });
        taken
    }

    fn put_back(&mut self, name: &Arc<str>) -> Option<&mut Lane<T>> {
        let lane = self.by_name.get_mut(name)?;
        self.running = self.running.saturating_sub(1);
        self.waiting += lane.running.len();
        for held in std::mem::take(&mut lane.running).into_iter().rev() {
            lane.waiting.push_front(held);
        }
        Some(lane)
    }

    fn make_ready(&mut self, name: &Arc<str>) {
        match self.by_name.get(name).map(|lane| lane.waiting.front().map(|held| held.ticket)) {
            Some(Some(oldest)) => {
                self.ready.insert(oldest, name.clone());
            }
            Some(None) => {
                self.by_name.remove(name);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_back_does_not_end_the_wait_for_a_spoke() {
        let (mut lanes, now) = (Lanes::default(), Timestamp::UNIX_EPOCH);
        let at = |second| Timestamp::from_second(second).unwrap();
        for (ticket, (lane, of_table)) in [("spoke", false), ("table", true)].into_iter().enumerate() {
            lanes.push(lane.into(), Held { ticket: ticket as u64, since: now, work: () });
            let started = lanes.start(None, |_| true, |()| true).unwrap();
            lanes.again(&started.lane, Trouble { of_table, ..Trouble::default() }, at(60));
        }
        lanes.wake_waiting_for_table();
        assert_eq!(&*lanes.start(None, |_| true, |()| true).unwrap().lane, "table");
        assert!(lanes.start(None, |_| true, |()| true).is_none());
        lanes.wake(at(60));
        assert_eq!(&*lanes.start(None, |_| true, |()| true).unwrap().lane, "spoke");
    }
}
