//! An account and a Region: how many servers replicate there, when it was swept and heard, whether it lets us
//! in. Written by the capacity-tracker.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::capacity::Level;
use crate::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::server::ServerRow;
use crate::sweep::{self, Sweeping};

/// How many servers may replicate per account and Region (quota L-C1D14A2B, not adjustable).
pub const REPLICATING_LIMIT: u32 = 300;

/// An event asks for a sweep this soon, so that a burst of events costs one.
const SOON: Duration = Duration::from_secs(10);

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
    /// The last sweep, where it ended early: rows of what it did not read are as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
    /// Since when its account is registered and active, as far as we know: before it is first heard, it is silent
    /// since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Timestamp>,
    /// When the spoke's heartbeat, or any other event of it, was last heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// The sweep that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweeping: Option<Sweeping>,
    /// An event asks for a sweep at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
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
    /// Servers that take one of the 300 slots.
    pub replicating: u32,
    /// Servers that replicate in another account.
    pub extended: u32,
    /// All servers listed.
    pub servers: u32,
    /// How many are in which replication state.
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

/// A sweep that ended early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// When it began, in AWS's time.
    pub at: Timestamp,
    /// How many servers it read.
    pub servers: u32,
    /// Why it ended.
    pub reason: String,
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
    /// A complete sweep ended.
    Swept(Counted),
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

    fn key(&self) -> Key {
        keys::place(&self.place)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.look_at
    }
}

impl PlaceRow {
    /// A place of which nothing is known.
    pub fn unknown(place: &Place) -> Self {
        Self {
            place: place.clone(),
            counted: None,
            status: Status::default(),
            partial: None,
            known_since: None,
            heard_at: None,
            sweeping: None,
            look_at: None,
            unreadable: None,
            incidents: Incidents::new(),
        }
    }

    /// When the last complete sweep was, in AWS's time.
    pub fn swept_at(&self) -> Option<Timestamp> {
        self.counted.as_ref().map(|c| c.swept_at)
    }
}

/// Claims the sweep that was asked for at the times `asked`, see [`Sweeping::claim`].
pub fn claim(
    place: &Place,
    stored: Option<&PlaceRow>,
    asked: &[Timestamp],
    now: Timestamp,
) -> Option<Change<PlaceRow>> {
    let row = stored.cloned().unwrap_or_else(|| PlaceRow::unknown(place));
    let sweeping = Some(Sweeping::claim(row.sweeping.as_ref(), row.swept_at(), asked, now)?);
    Some(Change { row: PlaceRow { sweeping, look_at: None, ..row }, tell: Vec::new() })
}

/// A sweep is being asked for. The wish stays until one is begun: what asks may die of it.
pub fn asking(row: &PlaceRow, now: Timestamp) -> Option<Change<PlaceRow>> {
    let again = Some(after(now, sweep::CLAIM));
    Change::between(Some(row), PlaceRow { look_at: again, ..row.clone() }, Vec::new())
}

/// Clears the wish for a sweep of a place that is not called.
pub fn not_asking(row: &PlaceRow) -> Option<Change<PlaceRow>> {
    Change::between(Some(row), PlaceRow { look_at: None, ..row.clone() }, Vec::new())
}

/// Decides what observations of a place mean.
pub fn decide(
    place: &Place,
    observations: &[Observation],
    stored: Option<&PlaceRow>,
    account_name: &str,
) -> Option<Change<PlaceRow>> {
    let mut row = stored.cloned().unwrap_or_else(|| PlaceRow::unknown(place));
    let mut at = Timestamp::MIN;
    for observation in observations {
        at = at.max(apply(&mut row, observation));
    }
    let holding: Vec<_> = row.unreadable.as_ref().map(denied).into_iter().collect();
    let subject = Subject { place, account_name, id: place.account.as_str(), name: account_name };
    let tell = reconcile(&mut row.incidents, &holding, &subject, at);
    let tell = tell.into_iter().map(Into::into).collect();
    Change::between(stored, row, tell)
}

/// Applies one observation and returns when it was made.
fn apply(row: &mut PlaceRow, observation: &Observation) -> Timestamp {
    match observation {
        Observation::Heard { at } => {
            row.heard_at = row.heard_at.max(Some(*at));
            *at
        }
        Observation::LookSooner { at } => {
            let soon = after(*at, SOON);
            row.look_at = Some(row.look_at.map_or(soon, |asked| asked.min(soon)));
            *at
        }
        Observation::Swept(counted) => {
            row.sweeping = None;
            row.counted = row.counted.take().max(Some(counted.clone()));
            row.unreadable.take_if(|denied| denied.at.as_second() < counted.swept_at.as_second());
            counted.swept_at
        }
        Observation::Dismissed { at } => {
            *row = PlaceRow { sweeping: None, look_at: None, unreadable: None, ..row.clone() };
            *at
        }
        Observation::Denied { at, reason } => {
            row.sweeping = None;
            deny(row, *at, reason);
            *at
        }
    }
}

/// Within one second a refusal outweighs a sweep: the worse wins, as it does in stamps.
fn deny(row: &mut PlaceRow, at: Timestamp, reason: &str) {
    if row.swept_at().is_some_and(|swept| swept.as_second() > at.as_second()) {
        return;
    }
    let told = Unreadable { since: at, at, reason: reason.to_owned() };
    row.unreadable = Some(match row.unreadable.take() {
        Some(known) if (told.at, &told.reason) > (known.at, &known.reason) => {
            Unreadable { since: known.since, ..told }
        }
        Some(known) => known,
        None => told,
    });
}

fn denied(unreadable: &Unreadable) -> Condition {
    Condition {
        kind: IncidentKind::AccountDenied,
        since: unreadable.since,
        severity: Severity::High,
        reason: unreadable.reason.clone(),
    }
}

fn after(time: Timestamp, wait: Duration) -> Timestamp {
    time.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// Counts the servers of a complete sweep.
pub fn count(servers: &[ServerRow], swept_at: Timestamp, initialized: bool) -> Counted {
    let mut counted =
        Counted { swept_at, replicating: 0, extended: 0, servers: 0, by_state: BTreeMap::new(), initialized };
    for server in servers.iter().filter(|s| s.gone_since.is_none()) {
        let extension = server.inventory.as_ref().and_then(|i| i.staging.status.as_deref());
        counted.servers += 1;
        counted.replicating += u32::from(server.is_replicating_here());
        counted.extended += u32::from(!matches!(extension, None | Some("NOT_EXTENDED")));
        *counted.by_state.entry(server.replication.state.clone()).or_default() += 1;
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::open;
    use crate::own_event::Happened;

    #[test]
    fn switching_an_account_off_closes_what_its_refusal_opened() {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let at = |second| Timestamp::from_second(second).unwrap();
        let denied = Observation::Denied { at: at(10), reason: "not authorized".into() };
        let refused = decide(&place, &[denied], None, "erp").unwrap();
        assert_eq!(refused.tell[0].incident().unwrap().happened, Happened::Opened);
        let off =
            decide(&place, &[Observation::Dismissed { at: at(20) }], Some(&refused.row), "erp").unwrap();
        assert_eq!(off.tell[0].incident().unwrap().happened, Happened::Resolved);
        assert!(open(&off.row.incidents).next().is_none() && off.row.wake_at().is_none());
    }
}
