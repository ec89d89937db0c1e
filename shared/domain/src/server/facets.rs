//! How each facet of a row takes what is newer than it knows.

use std::sync::Arc;

use jiff::Timestamp;

use super::health::Health;
use super::inventory::{self, Inventory};
use super::replication::{Replication, UNKNOWN};
use super::{Observation, ServerRow};
use crate::planted::{Bug, is_planted};
use crate::policy::Policy;
use crate::seen::ServerSeen;
use crate::stamp::Stamp;

/// A recovery point is remembered to this many seconds: as often as DRS takes one.
pub(super) const SNAPSHOT_STEP: i64 = 600;

impl ServerRow {
    /// The row after one observation; the same when that tells nothing new.
    pub(super) fn after(
        &self,
        observation: &Observation,
        swept_at: Option<Timestamp>,
        policy: &Policy,
    ) -> Self {
        let mut next = self.clone();
        let told = Replication::told(observation);
        if let Some(told) = told.clone().filter(|told| is_newer(told.stamp, self.believed(swept_at))) {
            next.replication = self.replication.after(told, self.gone_since.is_some());
            next.gone_since = None;
        }
        match observation {
            Observation::Stalled { .. } => {}
            Observation::Snapshot { at } => next.snapshot_at = next.snapshot_at.max(Some(rounded(*at))),
            Observation::DisconnectCalled { at } => {
                next.disconnect_called_at = next.disconnect_called_at.max(Some(*at));
            }
            Observation::Seen { seen, at } => next.list(seen, *at, swept_at, policy),
            Observation::Gone { at } => next.miss(*at, swept_at),
        }
        next.keep_states(self, told.as_ref(), (swept_at, swept_at.max(observation.swept_at())));
        next
    }

    /// The newest thing known: what the row was last told, or the sweep that confirmed it, or that it is gone.
    fn believed(&self, swept_at: Option<Timestamp>) -> Stamp {
        let confirmed = match (swept_at, self.gone_since) {
            (Some(_), None) if is_planted(Bug::SweepConfirmsNothing) => None,
            (Some(swept), None) => Some(self.replication.confirmed(swept)),
            (swept, gone) => swept.max(gone).map(Stamp::swept),
        };
        confirmed.map_or(self.replication.stamp, |confirmed| confirmed.max(self.replication.stamp))
    }

    /// A sweep listed it: inventory and health take what is newer.
    fn list(&mut self, seen: &ServerSeen, at: Timestamp, swept_at: Option<Timestamp>, policy: &Policy) {
        if self.unlisted_since.is_some_and(|missed| at < swept_at.map_or(missed, |swept| swept.max(missed))) {
            return;
        }
        let is_back = self.unlisted_since.take().is_some();
        let told = Inventory::told(seen, at, policy);
        let limits = policy.of_server(&self.place.account, &told.marks);
        let health = Health::told(seen, (at, self.health.as_ref()), &limits, inventory::rpo(&told.marks));
        if self.inventory.as_ref().is_none_or(|known| is_back || told.is_news(known, swept_at)) {
            self.inventory = Some(Arc::new(told));
        }
        if self.health.as_ref().is_none_or(|known| is_back || health.is_news(known, swept_at, &limits)) {
            self.health = Some(health);
        }
    }

    /// A complete sweep did not list it. An event may be newer, and then it is not gone.
    fn miss(&mut self, at: Timestamp, swept_at: Option<Timestamp>) {
        let seen_at = self.inventory.as_ref().map(|i| i.seen_at).max(self.health.as_ref().map(|h| h.seen_at));
        if self.unlisted_since.is_none() && Some(at) > seen_at.max(swept_at) {
            self.unlisted_since = Some(at);
        }
        let is_newer = Stamp::swept(at) > self.believed(swept_at) || is_planted(Bug::GoneWhateverWasTold);
        if self.gone_since.is_none() && is_newer {
            self.gone_since = Some(at);
        }
    }

    /// Nothing that decisions look at is forgotten of when a state was last seen, neither of the one that was left nor
    /// of a stale one.
    fn keep_states(
        &mut self,
        before: &Self,
        told: Option<&Replication>,
        (swept_before, swept_at): (Option<Timestamp>, Option<Timestamp>),
    ) {
        let old = before.replication.state.clone();
        let known = before.last_in(&old, swept_before);
        let told = told.map(|told| (told.state.clone(), Some(told.stamp.time())));
        for (state, seen_at) in [(old, known)].into_iter().chain(told) {
            if state != UNKNOWN && seen_at > self.last_in(&state, swept_at) {
                self.replication.before.extend(seen_at.map(|at| (state.into(), at)));
            }
        }
        self.replication.forget_states();
    }

    /// When it was last seen in a state; the place's last sweep confirmed the present one.
    fn last_in(&self, state: &str, swept_at: Option<Timestamp>) -> Option<Timestamp> {
        let is_listed = self.gone_since.is_none() && self.unlisted_since.is_none();
        self.replication.last_in(state, swept_at.filter(|_| is_listed))
    }
}

fn is_newer(told: Stamp, believed: Stamp) -> bool {
    if is_planted(Bug::LastArrivalWins) {
        return true;
    }
    if is_planted(Bug::LastOfASecondWins) {
        return told.time() >= believed.time();
    }
    if is_planted(Bug::FirstOfASecondWins) {
        return told.time() > believed.time();
    }
    told > believed
}

fn rounded(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(SNAPSHOT_STEP)).unwrap_or(at)
}
