//! An account and a Region: how full it is, when it was swept and heard, whether it lets us in. Written by the
//! capacity-tracker.

mod asking;
mod count;
mod decide;
mod heard;
mod overdue;
mod silence;
mod status;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::asking::{Asked, Waking, claim, is_claimed, is_relied_on, wake};
pub use self::count::count;
use self::decide::SOON;
pub use self::decide::{Context, decide};
pub use self::heard::HeardRow;
pub use self::overdue::Trying;
pub use self::status::{Rung, Rungs};
use crate::capacity::Level;
use crate::incident::{self, Incidents};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Row, Troubled};
use crate::sweep::{Sweeping, after};

/// The hub's own clocks differ by this at most.
const CLOCKS: Duration = Duration::from_secs(1);

/// An account and a Region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceRow {
    /// Which.
    pub place: Place,
    /// What the last complete sweep counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// How full it is, by the last complete sweep.
    #[serde(default)]
    pub status: Status,
    /// The rungs behind the status, which outlast times in which it cannot be read.
    #[serde(default, skip_serializing_if = "Rungs::is_unknown")]
    pub rungs: Rungs,
    /// The last sweep, where it ended early: rows of what it did not read are as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
    /// Since when its account is registered and active, as far as we know: before it is first heard, it is silent
    /// since then. Absent where nobody listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Timestamp>,
    /// When the spoke's heartbeat was last heard, or any other event of it, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// When it is looked at whether it was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_at: Option<Timestamp>,
    /// Set while it is silent: when it was last heard before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<Timestamp>,
    /// The sweep that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweeping: Option<Sweeping>,
    /// When the last complete sweep ended, in our time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Sweeps that were begun since the last one that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trying: Option<Trying>,
    /// An event, or an interval shorter than the schedule's, asks for a sweep at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// Somebody came too late to rely on the sweep at `look_at`, and wishes for one after it. Set only where that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_then: Option<Timestamp>,
    /// Why it could not be swept, since the last time it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

/// What a complete sweep counted.
///
/// Greater is newer; of two sweeps within one second the one that counted more wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Counted {
    /// The sweep's time: AWS's own.
    pub swept_at: Timestamp,
    /// Servers that take one of the 300 slots, those in unknown states included.
    pub replicating: u32,
    /// Servers that replicate in another account.
    pub extended: u32,
    /// All servers listed.
    pub servers: u32,
    /// How many are in which replication state; those that claim to be extended from their own account apart.
    pub by_state: BTreeMap<String, u32>,
    /// False where DRS was never initialised.
    pub initialized: bool,
}

/// How full a place is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The rung of the ladder.
    pub level: Level,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The applied quota L-C1D14A2B that the level was judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A sweep that ended early. Greater is newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Partial {
    /// When it began, in AWS's time.
    pub at: Timestamp,
    /// How many servers it read.
    pub servers: u32,
    /// Why it ended.
    pub reason: String,
}

impl Partial {
    /// Whether the one that is stored says the same, and is no older than a minute: a sweep that fails is tried again
    /// and again.
    pub fn repeats(&self, known: Option<&Self>) -> bool {
        let age = |known: &Self| self.at.duration_since(known.at).as_secs();
        known.is_some_and(|known| {
            (known.servers, &known.reason) == (self.servers, &self.reason) && age(known) < 60
        })
    }
}

/// The spoke refuses us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Since when.
    pub since: Timestamp,
    /// When it last did; an older sweep does not end it.
    pub at: Timestamp,
    /// In AWS's words.
    pub reason: String,
}

/// What was observed of a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// Its heartbeat came.
    Heard {
        /// The event's time.
        at: Timestamp,
    },
    /// Something happened that no event tells in full.
    LookSooner {
        /// Our time.
        at: Timestamp,
    },
    /// Something is believed that a sweep has to look at which begins after that is written.
    LookAgain {
        /// Our time.
        at: Timestamp,
    },
    /// Another event of it came: heard too, to the minute, so that a burst of events is one write.
    Spoke {
        /// The event's time.
        at: Timestamp,
    },
    /// It belongs to an account that is registered and active.
    Known {
        /// Our time.
        at: Timestamp,
    },
    /// A complete sweep ended.
    Swept(Counted),
    /// A sweep ended early.
    Partly(Partial),
    /// It is not swept any more: its account was switched off or removed.
    Dismissed {
        /// Our time.
        at: Timestamp,
    },
    /// A sweep was refused.
    Denied {
        /// Our time.
        at: Timestamp,
        /// In AWS's words.
        reason: String,
    },
}

impl Row for PlaceRow {
    const KIND: &'static str = "place";
    const WORKER: &'static str = WorkerName::Capacity.as_str();
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        keys::place(&self.place)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        [self.look_at, self.listen_at, incident::wake_at(&self.incidents)].into_iter().flatten().min()
    }
}

impl Troubled for PlaceRow {
    fn incidents(&self) -> &Incidents {
        &self.incidents
    }
}

impl PlaceRow {
    /// A place of which nothing is known.
    pub fn unknown(place: &Place) -> Self {
        Self {
            place: place.clone(),
            counted: None,
            status: Status::default(),
            rungs: Rungs::default(),
            partial: None,
            known_since: None,
            heard_at: None,
            listen_at: None,
            silent_since: None,
            sweeping: None,
            ended_at: None,
            trying: None,
            look_at: None,
            look_then: None,
            unreadable: None,
            incidents: Incidents::new(),
        }
    }

    /// Whether a sweep is wished for so soon that nobody can wish for one that is sooner by more than clocks are apart. Such a
    /// wish is not taken away before its time, for others rely on it, see [`PlaceRow::relied_on_until`].
    pub fn is_about_to_be_swept(&self, now: Timestamp) -> bool {
        self.look_at.is_some_and(|at| now < at && at <= after(now, SOON + CLOCKS))
    }

    /// Until when whoever has just wished for a sweep of what is believed need not wish again: a sweep begins then or later, and
    /// sees what is written before.
    pub fn relied_on_until(&self) -> Option<Timestamp> {
        self.look_at.max(self.look_then)?.checked_sub(CLOCKS).ok()
    }

    /// When the last complete sweep was, in AWS's time.
    pub fn swept_at(&self) -> Option<Timestamp> {
        self.counted.as_ref().map(|c| c.swept_at)
    }
}

fn minute_of(time: Timestamp) -> Timestamp {
    let second = time.as_second();
    Timestamp::from_second(second - second.rem_euclid(60)).unwrap_or(time)
}

#[cfg(test)]
mod tests;
