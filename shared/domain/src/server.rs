//! A source server: its inventory, its replication, and the stall incident. Written by the capacity-tracker.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, SourceServerId};
use crate::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use crate::keys::{self, Key, Place};
use crate::policy::Policy;
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::seen::{ServerFacts, ServerSeen, Staging, Step};
use crate::span::Length;
use crate::stamp::{Origin, Stamp};

/// What DRS calls a server whose recovery point ages.
pub const STALLED: &str = "STALLED";
/// The event's word for a stall that is over; the next sweep tells the state.
const NOT_STALLED: &str = "NOT_STALLED";
/// Shown when DRS gives no replication information.
const UNKNOWN: &str = "UNKNOWN";

/// Servers that are gone from AWS are forgotten after this long: 90 days.
const GONE_KEPT: Duration = Duration::from_hours(90 * 24);

/// A source server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerRow {
    /// Where it is.
    pub place: Place,
    /// Its id.
    pub id: SourceServerId,
    /// What a sweep told of it; absent while only events did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// How its replication goes.
    pub replication: Replication,
    /// How far it is, as the sweep that saw a change of it told; absent while only events told of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// The newest recovery point, where a spoke forwards `DRS PIT Snapshot Taken`; to ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_at: Option<Timestamp>,
    /// When somebody last called `DisconnectSourceServer`: then that it is disconnected is no incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnect_called_at: Option<Timestamp>,
    /// Since when it reads its disks again from the beginning, after it had replicated continuously.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resync_since: Option<Timestamp>,
    /// Set when a complete sweep no longer found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

/// What is known of a server besides its replication. Greater is newer; at equal times the content decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Inventory {
    /// The sweep that told it, in AWS's time.
    pub seen_at: Timestamp,
    /// The tag `Name`, else the host name.
    pub name: String,
    /// The EC2 machine that it protects, where DRS tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// Where it replicates: an extended server does in another account.
    #[serde(default)]
    pub staging: Staging,
    /// Those of its tags that decisions look at, see [`crate::policy::Policy::marks`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<String, String>,
    /// Of its [`ServerDetailsRow`], which is written when this changes.
    #[serde(default)]
    pub fingerprint: u64,
}

/// How far the replication of a server is, in steps, so that not every sweep writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The sweep that told it, in AWS's time.
    pub seen_at: Timestamp,
    /// Age of the newest consistent point; absent = unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<Length>,
    /// Bytes that wait to be replicated; absent = unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog: Option<u64>,
    /// When DRS last saw its agent, where that is more than five minutes before the sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen_since: Option<Timestamp>,
    /// The first initiation step that has not succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// How far its first replication, or its resync, is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<Sync>,
}

/// A first replication or a resync under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// Bytes that are done.
    pub done: u64,
    /// Bytes of all disks.
    pub total: u64,
    /// The sweep that first saw it so far.
    pub since: Timestamp,
}

/// What a source server is made of: changes seldom, and is read by people only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerDetailsRow {
    /// Where it is.
    pub place: Place,
    /// Its id.
    pub id: SourceServerId,
    /// Its ARN.
    pub arn: String,
    /// The host name that its agent told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Hardware, origin, agent.
    pub facts: ServerFacts,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The sweep that told it, in AWS's time.
    pub seen_at: Timestamp,
    /// Set when a complete sweep no longer found the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
}

impl Row for ServerDetailsRow {
    const KIND: &'static str = "server-details";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::server_details(&self.place, &self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.gone_since.and_then(|since| since.checked_add(GONE_KEPT).ok())
    }
}

impl Inventory {
    fn differs(&self, known: &Self) -> bool {
        *self != Self { seen_at: self.seen_at, ..known.clone() }
    }
}

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
}

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

/// What a decision on a server may look at besides the row.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Name of the account in the registry.
    pub account_name: &'a str,
    /// The last complete sweep of the place, in AWS's time. It confirmed every row it left alone, so what
    /// is older is stale, and what it did not list was gone. Never the sweep that is still being applied.
    pub swept_at: Option<Timestamp>,
    /// The thresholds.
    pub policy: &'a Policy,
    /// Our time.
    pub now: Timestamp,
}

impl Row for ServerRow {
    const KIND: &'static str = "server";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::server(&self.place, &self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.gone_since.and_then(|since| since.checked_add(GONE_KEPT).ok())
    }
}

impl ServerRow {
    /// What people call it.
    pub fn name(&self) -> &str {
        self.inventory.as_ref().map_or(self.id.as_str(), |i| &i.name)
    }

    /// Whether it takes one of the 300 slots (quota L-C1D14A2B) of this account and Region: every state but
    /// stopped and disconnected, unknown ones included, unless it replicates in another account.
    pub fn is_replicating_here(&self) -> bool {
        let extension = self.inventory.as_ref().and_then(|i| i.staging.status.as_deref());
        self.gone_since.is_none()
            && matches!(extension, None | Some("NOT_EXTENDED"))
            && !matches!(self.replication.state.as_str(), "STOPPED" | "DISCONNECTED")
    }
}

/// Decides what observations of one server mean.
pub fn decide(
    (place, id): (&Place, &SourceServerId),
    observations: &[Observation],
    stored: Option<&ServerRow>,
    context: &Context<'_>,
) -> Option<Change<ServerRow>> {
    let mut row = stored.cloned();
    let mut swept_at = context.swept_at;
    let mut at = None;
    for observation in observations {
        if let Some(next) = apply((place, id), observation, row.as_ref(), swept_at) {
            at = Some(observation.time());
            row = Some(next);
        }
        if !matches!(observation, Observation::Stalled { .. }) {
            swept_at = swept_at.max(Some(observation.time()));
        }
    }
    let mut row = row?;
    let at = at.unwrap_or(row.replication.since);
    let name = row.name().to_owned();
    let subject = Subject { place, account_name: context.account_name, id: id.as_str(), name: &name };
    let holding: Vec<_> = stall(&row).into_iter().collect();
    let tell = reconcile(&mut row.incidents, &holding, &subject, at);
    let tell = tell.into_iter().map(Into::into).collect();
    Change::between(stored, row, tell)
}

impl Observation {
    fn time(&self) -> Timestamp {
        match self {
            Self::Stalled { at, .. } | Self::Seen { at, .. } | Self::Gone { at } => *at,
        }
    }
}

/// The row after one observation, or `None` when it tells nothing new.
fn apply(
    (place, id): (&Place, &SourceServerId),
    observation: &Observation,
    row: Option<&ServerRow>,
    swept_at: Option<Timestamp>,
) -> Option<ServerRow> {
    let replication = replication_told(observation);
    let Some(row) = row else {
        let replication = replication?;
        return Some(ServerRow {
            place: place.clone(),
            id: id.clone(),
            inventory: inventory_told(observation, None, None),
            // A later sweep did not list it, or there would be a row.
            gone_since: swept_at.filter(|swept| Stamp::swept(*swept) > replication.stamp),
            replication,
            health: None,
            snapshot_at: None,
            disconnect_called_at: None,
            resync_since: None,
            incidents: Incidents::new(),
        });
    };
    let mut next = row.clone();
    if let Some(told) = replication.filter(|told| told.stamp > believed(row, swept_at)) {
        next.replication = row.replication.after(told, row.gone_since.is_some());
        next.gone_since = None;
    }
    if let Some(told) = inventory_told(observation, row.inventory.as_ref(), swept_at) {
        next.inventory = Some(told);
    }
    if let Observation::Gone { at } = observation
        && row.gone_since.is_none()
        && Stamp::swept(*at) > believed(row, swept_at)
    {
        next.gone_since = Some(*at);
    }
    (next != *row).then_some(next)
}

/// The newest thing known: what the row was last told, or the sweep that confirmed it, or that it is gone.
fn believed(row: &ServerRow, swept_at: Option<Timestamp>) -> Stamp {
    let Replication { state, error, stamp, .. } = &row.replication;
    let confirmed = match (swept_at, row.gone_since) {
        (Some(swept), None) => Some(stamp_of(state, error.as_deref(), swept, Origin::Sweep)),
        (swept, gone) => swept.max(gone).map(Stamp::swept),
    };
    confirmed.map_or(*stamp, |confirmed| confirmed.max(*stamp))
}

impl Replication {
    /// The facet after a newer one was told, of a server that is `back` if it was gone until then.
    fn after(&self, told: Self, back: bool) -> Self {
        // An event always counts: only its own stamp makes older events stale. A sweep that saw what is
        // known is not written; the place's `swept_at` stands for it.
        let news = told.stamp.is_of(Origin::Event) || told.state != self.state || told.error != self.error;
        let same = (told.state == STALLED) == (self.state == STALLED) && !back;
        // An incident is told apart from an earlier one of the same server by its beginning, so a stall that
        // begins within the second in which the last one ended begins later.
        let later = self.since.checked_add(Duration::from_nanos(1)).unwrap_or(self.since);
        let since = if same { self.since } else { told.since.max(later) };
        if news || back { Self { since, ..told } } else { self.clone() }
    }
}

fn replication_told(observation: &Observation) -> Option<Replication> {
    let (state, error, at, origin) = match observation {
        Observation::Stalled { stalled, at } => {
            (if *stalled { STALLED } else { NOT_STALLED }, None, at, Origin::Event)
        }
        Observation::Seen { seen, at } => {
            (seen.state.as_deref().unwrap_or(UNKNOWN), seen.error.clone(), at, Origin::Sweep)
        }
        Observation::Gone { .. } => return None,
    };
    let stamp = stamp_of(state, error.as_deref(), *at, origin);
    Some(Replication { state: state.to_owned(), error, since: stamp.time(), stamp })
}

fn stamp_of(state: &str, error: Option<&str>, at: Timestamp, origin: Origin) -> Stamp {
    let content = format!("{state}/{}", error.unwrap_or_default());
    Stamp::new(at, origin, u8::from(state == STALLED), &content)
}

/// The inventory that an observation tells, if that is news to what is known or was confirmed by a sweep.
fn inventory_told(
    observation: &Observation,
    known: Option<&Inventory>,
    swept_at: Option<Timestamp>,
) -> Option<Inventory> {
    let Observation::Seen { seen, at } = observation else { return None };
    let name = seen.tags.get("Name").filter(|n| !n.is_empty()).or(seen.hostname.as_ref());
    let told = Inventory {
        name: name.map_or_else(|| seen.id.to_string(), Clone::clone),
        instance: seen.instance.clone(),
        staging: seen.staging.clone(),
        marks: BTreeMap::new(),
        fingerprint: 0,
        seen_at: *at,
    };
    let news = |known: &Inventory| {
        let confirmed =
            Inventory { seen_at: known.seen_at.max(swept_at.unwrap_or(known.seen_at)), ..known.clone() };
        told > confirmed && told.differs(known)
    };
    known.is_none_or(news).then_some(told)
}

fn stall(row: &ServerRow) -> Option<Condition> {
    let stalled = row.replication.state == STALLED && row.gone_since.is_none();
    stalled.then(|| Condition {
        kind: IncidentKind::ReplicationStalled,
        since: row.replication.since,
        severity: Severity::High,
        reason: match &row.replication.error {
            Some(error) => format!("DRS reports {error}"),
            None => "DRS reports that data replication has stalled".to_owned(),
        },
    })
}
