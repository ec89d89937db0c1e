//! What is told of a source server, by events and by sweeps.

use jiff::Timestamp;

use crate::event::ApiCall;
use crate::seen::ServerSeen;

/// What was observed of one server.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The Stalled Change event.
    Stalled {
        /// `STALLED` or `NOT_STALLED`.
        stalled: bool,
        /// The event's time.
        at: Timestamp,
    },
    /// `DRS PIT Snapshot Taken`.
    Snapshot {
        /// The event's time.
        at: Timestamp,
    },
    /// Somebody called `DisconnectSourceServer`.
    DisconnectCalled {
        /// The event's time.
        at: Timestamp,
    },
    /// A sweep listed it.
    Seen {
        /// As listed.
        seen: Box<ServerSeen>,
        /// AWS's time of the sweep.
        at: Timestamp,
    },
    /// A complete sweep did not list it.
    Gone {
        /// AWS's time of the sweep.
        at: Timestamp,
    },
}

impl Observation {
    /// What a successful API call tells of each server that it names.
    pub fn called(call: &ApiCall, at: Timestamp) -> Option<Self> {
        let disconnects = call.name == "DisconnectSourceServer" && call.error.is_none();
        disconnects.then_some(Self::DisconnectCalled { at })
    }

    /// The event's time, or AWS's time of the sweep.
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Stalled { at, .. }
            | Self::Snapshot { at }
            | Self::DisconnectCalled { at }
            | Self::Seen { at, .. }
            | Self::Gone { at } => *at,
        }
    }

    pub(super) fn swept_at(&self) -> Option<Timestamp> {
        matches!(self, Self::Seen { .. } | Self::Gone { .. }).then(|| self.time())
    }
}
