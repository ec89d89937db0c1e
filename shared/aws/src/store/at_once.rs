//! A read that shows what was stored just before it, also of a kind whose other reads may be late.

use drs_fleet_domain::keys::Key;
use drs_fleet_domain::row::{Row, Stored};
use serde::{Deserialize, Serialize};

/// A row that must be read so. It is the same item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct AtOnce<R>(R);

impl<R: Row> Row for AtOnce<R> {
    const KIND: &'static str = R::KIND;
    const WORKER: &'static str = R::WORKER;
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        self.0.key()
    }
}

/// What was read.
pub(super) fn row<R>(read: Stored<AtOnce<R>>) -> Stored<R> {
    let Stored { row: AtOnce(row), rev, outbox } = read;
    Stored { row, rev, outbox }
}
