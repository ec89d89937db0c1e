//! Simulated time in which nothing is to be done passes at once.
//!
//! A process that rests looks at the index each second, and until something is due nothing comes of it. To play hours of
//! such looks costs more than all the rest of a history, and shows nothing that the first and the last of them do not show.

use std::time::Duration;

use jiff::Timestamp;
use tokio::task::yield_now;
use tokio::time::{Instant, advance, sleep};

use super::MemoryIo;
use crate::time::until;

/// What a process has in hand is done by then, and who died has a successor.
const RESTS_AFTER: Duration = Duration::from_secs(6);

/// For so long before the end of a rest processes look at the index again.
const WAKES_BEFORE: Duration = Duration::from_secs(4);

const LOOKS_EVERY: Duration = Duration::from_secs(2);

impl MemoryIo {
    /// Lets `time` pass, at once where all processes rest. What happens meanwhile that is no timer in the table happens at
    /// the next of its appointments.
    pub async fn lets_pass(&self, time: Duration, appointment: impl Fn() -> Option<Instant>) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            sleep(LOOKS_EVERY.min(end - Instant::now())).await;
            self.leap(appointment().map_or(end, |at| at.min(end))).await;
        }
    }

    /// When all processes rest, it is at once shortly before `next`, or before something is due.
    pub async fn leap(&self, next: Instant) {
        // What happens at this very moment comes first.
        yield_now().await;
        let Some((rested, due)) = self.rests() else { return };
        let to_next = next.saturating_duration_since(Instant::now());
        let to_due = due.map_or(to_next, |due| until(self.world().now(), due));
        let time = to_next.min(to_due).saturating_sub(WAKES_BEFORE);
        if rested >= RESTS_AFTER && !time.is_zero() {
            advance(time).await;
        }
    }

    /// For how long all processes have only asked whether there is anything to do, and when something is due next; `None`
    /// while messages are on a queue or a spoke is being called.
    fn rests(&self) -> Option<(Duration, Option<Timestamp>)> {
        let world = self.world();
        let has_messages = world.queues.values().any(|queue| queue.len() > 0);
        let is_busy = has_messages || world.spokes.are_called();
        (!is_busy).then(|| (world.stirred_at.elapsed(), world.table.next_due()))
    }
}
