//! The facet that events and sweeps both tell: the state of the replication.

use std::time::Duration;

use compact_str::CompactString;
use jiff::Timestamp;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use super::Observation;
use crate::stamp::{Origin, Stamp};

/// What DRS calls a server whose recovery point ages.
pub const STALLED: &str = "STALLED";
/// The event's word for a stall that is over; the next sweep tells the state.
const NOT_STALLED: &str = "NOT_STALLED";
/// Shown when DRS gives no replication information.
pub(super) const UNKNOWN: &str = "UNKNOWN";

pub(super) const CONTINUOUS: &str = "CONTINUOUS";
pub(super) const DISCONNECTED: &str = "DISCONNECTED";
const STOPPED: &str = "STOPPED";
const INITIAL_SYNC: &str = "INITIAL_SYNC";
pub(super) const RESCAN: &str = "RESCAN";

/// States in which a server reads its disks from the beginning, or is about to.
pub(super) const SYNCING: [&str; 3] = ["INITIATING", INITIAL_SYNC, RESCAN];
/// Of those, the states that are news of a server that replicated continuously.
const RESYNC: [&str; 2] = [INITIAL_SYNC, RESCAN];

/// When a server was in which states. Not a tree, for one of a single state has room for eleven, and workers remember
/// thousands of rows.
pub type States = LiteMap<CompactString, Timestamp>;

/// The replication facet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replication {
    /// `dataReplicationState`, or `NOT_STALLED` after such an event, or `UNKNOWN`.
    pub state: String,
    /// `dataReplicationError`, where a sweep told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Since when it is stalled, or is not.
    pub since: Timestamp,
    /// What this was last learnt from.
    pub stamp: Stamp,
    /// Other states that it was in, and when it was last seen in each. Kept are those that start or end a resync, and
    /// of all others the newest in which it was connected, so that the row does not grow.
    #[serde(default, skip_serializing_if = "LiteMap::is_empty")]
    pub before: States,
}

impl Replication {
    /// Of a server whose replication nobody has told yet: older than anything.
    pub(super) fn unknown(at: Timestamp) -> Self {
        let stamp = Stamp::swept(Timestamp::MIN);
        Self { state: UNKNOWN.to_owned(), error: None, since: at, stamp, before: States::default() }
    }

    /// What an observation tells of it.
    pub(super) fn told(observation: &Observation) -> Option<Self> {
        let (state, error, at, origin) = match observation {
            Observation::Stalled { stalled, at } => {
                (if *stalled { STALLED } else { NOT_STALLED }, None, at, Origin::Event)
            }
            Observation::Seen { seen, at } => {
                (seen.state.as_deref().unwrap_or(UNKNOWN), seen.error.clone(), at, Origin::Sweep)
            }
            Observation::Snapshot { .. }
            | Observation::DisconnectCalled { .. }
            | Observation::Gone { .. } => return None,
        };
        let stamp = stamp_of(state, error.as_deref(), *at, origin);
        Some(Self { state: state.to_owned(), error, since: stamp.time(), stamp, before: States::default() })
    }

    /// The stamp of a sweep that saw it as it is.
    pub(super) fn confirmed(&self, swept_at: Timestamp) -> Stamp {
        stamp_of(&self.state, self.error.as_deref(), swept_at, Origin::Sweep)
    }

    /// The facet after a newer one was told, of a server that is `back` if it was gone until then.
    pub(super) fn after(&self, told: Self, back: bool) -> Self {
        // An event always counts: only its own stamp makes older events stale. A sweep that saw what is
        // known is not written; the place's `swept_at` stands for it.
        let is_first = self.stamp == Stamp::swept(Timestamp::MIN);
        let news = told.stamp.is_of(Origin::Event) || told.state != self.state || told.error != self.error;
        if !(news || back || is_first) {
            return self.clone();
        }
        // An incident is told apart from an earlier one of the same server by its beginning, so a stall that
        // begins within the second in which the last one ended begins later.
        let later = self.since.checked_add(Duration::from_nanos(1)).unwrap_or(self.since);
        let since = match (told.state == STALLED) == (self.state == STALLED) && !back {
            _ if is_first => told.since,
            true => self.since,
            false => told.since.max(later),
        };
        Self { since, before: self.before.clone(), ..told }
    }

    /// When it was last seen in a state, if `swept_at` is a sweep that confirmed the present one.
    pub(super) fn last_in(&self, state: &str, swept_at: Option<Timestamp>) -> Option<Timestamp> {
        let present = (self.state == state).then(|| Some(self.stamp.time()).max(swept_at)).flatten();
        self.before.get(state).copied().max(present)
    }

    /// When it was last seen in another state than disconnected.
    pub(super) fn last_connected(&self) -> Option<Timestamp> {
        self.before.values().copied().max()
    }

    /// Forgets of earlier states what no decision looks at.
    pub(super) fn forget_states(&mut self) {
        let is_told_apart = |state: &str| state == CONTINUOUS || RESYNC.contains(&state);
        self.before.retain(|state, _| !matches!(state.as_str(), DISCONNECTED | UNKNOWN));
        let others = self.before.iter().filter(|(state, _)| !is_told_apart(state));
        let newest = others.max_by_key(|(state, at)| (**at, *state)).map(|(state, _)| state.clone());
        self.before.retain(|state, _| is_told_apart(state) || newest.as_ref() == Some(state));
    }

    /// When it was last seen reading its disks from the beginning, if it replicated continuously before and has not
    /// done so since, and was not stopped or lost. Of two states seen in one second, the present one counts.
    pub(super) fn resync(&self, swept_at: Option<Timestamp>) -> Option<Timestamp> {
        let continuous =
            self.before.get(CONTINUOUS).copied().filter(|_| self.state != CONTINUOUS && !self.is_off())?;
        let began = RESYNC.iter().filter_map(|state| self.last_in(state, swept_at)).max()?;
        (RESYNC.contains(&self.state.as_str()) || began > continuous).then_some(began)
    }

    /// Whether it does not replicate: stopped by somebody, or disconnected.
    pub(super) fn is_off(&self) -> bool {
        matches!(self.state.as_str(), STOPPED | DISCONNECTED)
    }
}

fn stamp_of(state: &str, error: Option<&str>, at: Timestamp, origin: Origin) -> Stamp {
    let content = format!("{state}/{}", error.unwrap_or_default());
    Stamp::new(at, origin, u8::from(state == STALLED), &content)
}
