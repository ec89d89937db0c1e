//! What happened in a world, as one number.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use super::Fault;

/// `DefaultHasher` has fixed keys: the same points give the same number in every process.
#[derive(Debug, Default)]
pub(super) struct Trace(DefaultHasher);

impl Trace {
    /// A process passed a point.
    pub(super) fn passed(&mut self, point: (u64, &str), fault: Option<Fault>, now: Timestamp) {
        (point, fault, now.as_nanosecond()).hash(&mut self.0);
    }

    pub(super) fn number(&self) -> u64 {
        self.0.finish()
    }
}
