//! How much may wait in memory for spokes. What waits takes room from others, so one account's share is bounded, and
//! so is that of all; the rest waits in the queue.

use std::sync::Arc;

use super::actor::Actor;
use crate::io::Io;
use crate::worker::{Logged, Worker};

impl<I: Io, W: Worker> Actor<I, W> {
    /// Whether there is no room for one more message whose work may wait: half of what may be in hand is theirs, so
    /// that however many spokes hang, what else arrives is received.
    pub(super) fn is_full_of_sweeps(&self) -> bool {
        self.lanes.works().filter(|work| W::may_wait(work)).count() > self.options.max_in_flight / 2
    }

    /// Whether lanes whose work may wait may start: three quarters of those that run are theirs at most.
    pub(super) fn may_start_sweeps(&self) -> bool {
        self.sweeps_running < (self.options.concurrency * 3 / 4).max(1)
    }

    /// Whether the lane, with all else that waits in memory for a spoke, takes more than its share: a quarter of
    /// what may be in hand for one account, and half of it for all of them.
    pub(super) fn is_crowded(&self, lane: &Arc<str>) -> bool {
        let Some(account) = self.lanes.running_in(lane).map(|work| work.about().account) else {
            return false;
        };
        let max = self.options.max_in_flight;
        let of_all = self.lanes.waiting_for_spokes(lane).count();
        let of_account =
            self.lanes.waiting_for_spokes(lane).filter(|work| work.about().account == account).count();
        of_account > max / 4 || of_all > max / 2
    }
}
