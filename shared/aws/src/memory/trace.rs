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

    /// What a call moved there: a revision of an item, a message, an event.
    pub(super) fn moved(&mut self, what: impl Hash) {
        what.hash(&mut self.0);
    }

    /// All of that, and what it came to.
    pub(super) fn number<'a>(&self, rows: impl Iterator<Item = &'a str>) -> u64 {
        let mut all = self.0.clone();
        rows.for_each(|row| row.hash(&mut all));
        all.finish()
    }
}
