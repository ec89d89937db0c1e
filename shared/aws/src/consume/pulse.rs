//! Whether the consume loop still turns, for whoever watches it from outside.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// The loop turns at least this often, whatever it waits for.
pub(super) const EVERY: Duration = Duration::from_secs(30);

/// When a consume loop last turned. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Mutex<Option<Turn>>>);

/// A turn of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When, on real time.
    pub at: Timestamp,
    /// The table is away, so nothing is received.
    pub paused: bool,
}

impl Pulse {
    /// The last turn; `None` before the first.
    pub fn last(&self) -> Option<Turn> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn beat(&self, paused: bool) {
        let turn = Turn { at: Timestamp::now(), paused };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
    }
}
