//! What is newer: the order of observations of one facet, whatever order they arrive in.
//!
//! EventBridge time has one-second resolution and sweeps are dated by AWS's own `Date` header, so times are
//! whole seconds. At equal seconds an event beats a sweep, then the worse state wins, then a hash of the
//! content, so that any two observations have one order and every order of arrival ends the same.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// When a facet was last observed, and by what. Greater is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(i64, u8, u8, u32)", into = "(i64, u8, u8, u32)")]
pub struct Stamp {
    seconds: i64,
    origin: u8,
    worse: u8,
    hash: u32,
}

/// Where an observation came from; at equal seconds the greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Origin {
    /// A periodic read of AWS's own state.
    Sweep,
    /// An event.
    Event,
}

impl Stamp {
    /// `worse` ranks the observed state (greater is worse), `content` breaks the last tie.
    pub fn new(time: Timestamp, origin: Origin, worse: u8, content: &str) -> Self {
        Self { seconds: time.as_second(), origin: origin as u8, worse, hash: fnv1a(content) }
    }

    /// The stamp of a sweep that saw nothing new at `time`: all that is older is stale.
    pub fn swept(time: Timestamp) -> Self {
        Self { seconds: time.as_second(), origin: Origin::Sweep as u8, worse: 0, hash: 0 }
    }

    /// Whether it came from there.
    pub fn is_of(self, origin: Origin) -> bool {
        self.origin == origin as u8
    }

    /// The second of the observation.
    pub fn time(self) -> Timestamp {
        Timestamp::from_second(self.seconds).unwrap_or_default()
    }
}

impl From<(i64, u8, u8, u32)> for Stamp {
    fn from((seconds, origin, worse, hash): (i64, u8, u8, u32)) -> Self {
        Self { seconds, origin, worse, hash }
    }
}

impl From<Stamp> for (i64, u8, u8, u32) {
    fn from(s: Stamp) -> Self {
        (s.seconds, s.origin, s.worse, s.hash)
    }
}

/// Stored in the table, so it must never change: FNV-1a rather than the standard library's hasher.
pub(crate) fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The same in 64 bits, where more is told apart.
pub(crate) fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::new(second, 900_000_000).unwrap()
    }

    #[test]
    fn later_wins_then_events_then_the_worse_state_then_the_content() {
        let sweep = Stamp::new(at(5), Origin::Sweep, 9, "z");
        let event = Stamp::new(at(5), Origin::Event, 0, "a");
        assert!(Stamp::new(at(6), Origin::Sweep, 0, "a") > event, "later wins");
        assert!(event > sweep, "an event beats a sweep of the same second");
        assert!(Stamp::new(at(5), Origin::Event, 1, "a") > event, "the worse state wins");
        assert_ne!(Stamp::new(at(5), Origin::Event, 0, "b"), event, "content breaks the tie");
    }

    #[test]
    fn fractions_of_a_second_do_not_count() {
        assert_eq!(Stamp::swept(at(5)), Stamp::swept(Timestamp::from_second(5).unwrap()));
    }
}
