//! A source server: its inventory, its replication, and the stall incident. Written by the capacity-tracker.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, SourceServerId};
use crate::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use crate::keys::{self, Key, Place};
use crate::row::{Change, Row};
use crate::seen::ServerSeen;
use crate::stamp::{Origin, Stamp};

/// What DRS calls a server whose recovery point ages.
pub const STALLED: &str = "STALLED";
/// The event's word for a stall that is over; the next sweep tells the state.
const NOT_STALLED: &str = "NOT_STALLED";
/// Shown when DRS gives no replication information.
const UNKNOWN: &str = "UNKNOWN";

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
    /// Set when a complete sweep no longer found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

/// What is known of a server besides its replication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The tag `Name`, else the host name.
    pub name: String,
    /// The EC2 machine that it protects, where DRS tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// `stagingArea.status`: an extended server replicates in another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// The sweep that told it, in AWS's time.
    pub seen_at: Timestamp,
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
    /// is older is stale.
    pub swept_at: Option<Timestamp>,
}

impl Row for ServerRow {
    const KIND: &'static str = "server";
    const WORKER: &'static str = "capacity-tracker";

    fn key(&self) -> Key {
        keys::server(&self.place, &self.id)
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
        let extension = self.inventory.as_ref().and_then(|i| i.extension.as_deref());
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
    let mut at = None;
    for observation in observations {
        if let Some(next) = apply((place, id), observation, row.as_ref(), context) {
            at = Some(observation.time());
            row = Some(next);
        }
    }
    let mut row = row?;
    let at = at.unwrap_or(row.replication.since);
    let name = row.name().to_owned();
    let subject = Subject { place, account_name: context.account_name, id: id.as_str(), name: &name };
    let holding: Vec<_> = stall(&row).into_iter().collect();
    let tell = reconcile(&mut row.incidents, &holding, &subject, at);
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
    context: &Context<'_>,
) -> Option<ServerRow> {
    let replication = replication_told(observation);
    let Some(row) = row else {
        let gone_since = None;
        let (replication, inventory) = (replication?, inventory_told(observation, None));
        let incidents = Incidents::new();
        return Some(ServerRow {
            place: place.clone(),
            id: id.clone(),
            inventory,
            replication,
            gone_since,
            incidents,
        });
    };
    let mut next = row.clone();
    if let Some(told) = replication.filter(|told| told.stamp > believed(row, context)) {
        if told.is_news_to(&row.replication) {
            let same = (told.state == STALLED) == (row.replication.state == STALLED);
            let since = if same { row.replication.since } else { told.since };
            next.replication = Replication { since, ..told };
        }
        next.gone_since = None;
    }
    if let Some(told) = inventory_told(observation, row.inventory.as_ref()) {
        next.inventory = Some(told);
    }
    if let Observation::Gone { at } = observation
        && row.gone_since.is_none()
        && Stamp::swept(*at) > believed(row, context)
    {
        next.gone_since = Some(*at);
    }
    (next != *row).then_some(next)
}

/// The newest thing known: what the row was last told, or the sweep that confirmed it, or that it is gone.
fn believed(row: &ServerRow, context: &Context<'_>) -> Stamp {
    let confirmed = row.inventory.as_ref().and(context.swept_at).map(Stamp::swept);
    let gone = row.gone_since.map(Stamp::swept);
    [confirmed, gone].into_iter().flatten().fold(row.replication.stamp, Stamp::max)
}

impl Replication {
    /// An event always counts: only its own stamp makes older events stale. A sweep that saw what is known
    /// is not written; the place's `swept_at` stands for it.
    fn is_news_to(&self, known: &Self) -> bool {
        self.stamp.is_of(Origin::Event) || self.state != known.state || self.error != known.error
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
    let worse = u8::from(state == STALLED);
    let stamp = Stamp::new(*at, origin, worse, state);
    Some(Replication { state: state.to_owned(), error, since: stamp.time(), stamp })
}

/// The inventory that an observation tells, if that is news.
fn inventory_told(observation: &Observation, known: Option<&Inventory>) -> Option<Inventory> {
    let Observation::Seen { seen, at } = observation else { return None };
    let name = seen.tags.get("Name").filter(|n| !n.is_empty()).or(seen.hostname.as_ref());
    let told = Inventory {
        name: name.map_or_else(|| seen.id.to_string(), Clone::clone),
        instance: seen.instance.clone(),
        extension: seen.extension.clone(),
        seen_at: *at,
    };
    let news = |k: &Inventory| *at > k.seen_at && Inventory { seen_at: *at, ..k.clone() } != told;
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
