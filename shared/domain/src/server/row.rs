//! What is stored of a source server.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::health::Health;
use super::inventory::Inventory;
use super::replication::Replication;
use crate::ids::SourceServerId;
use crate::incident::Incidents;
use crate::keys::{self, Key, Place};
use crate::policy::{Limits, Policy};
use crate::routing::WorkerName;
use crate::row::{Row, Troubled};

/// A source server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerRow {
    /// Where it is.
    pub place: Place,
    /// Its id.
    pub id: SourceServerId,
    /// What a sweep told of it; absent while only events did. Shared by the versions of the row that a process derives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Arc<Inventory>>,
    /// How its replication goes.
    pub replication: Replication,
    /// How far it is, as the sweep that saw a change of it told; absent while only events told of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// The newest recovery point, where a spoke forwards `DRS PIT Snapshot Taken`; rounded down to ten minutes.
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
    /// Set with `gone_since`, and cleared only by a sweep that lists the server. While an event alone says that
    /// it is back, what sweeps told of it before counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted_since: Option<Timestamp>,
    /// When the table may forget it, if it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forget_at: Option<Timestamp>,
    /// When time alone changes what is wrong with it, as the thresholds were at the last decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: Incidents,
}

impl Row for ServerRow {
    const KIND: &'static str = "server";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::server(&self.place, &self.id)
    }

    /// Only a sweep tells of a new one's inventory.
    fn comes_in_crowds(&self) -> bool {
        self.inventory.is_some()
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.look_at
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.forget_at
    }
}

impl Troubled for ServerRow {
    fn incidents(&self) -> &Incidents {
        &self.incidents
    }
}

impl ServerRow {
    /// A server of which nothing is known yet. A place that was swept and brought no row of it did not list it.
    pub(super) fn new(
        (place, id): (&Place, &SourceServerId),
        at: Timestamp,
        swept_at: Option<Timestamp>,
    ) -> Self {
        Self {
            place: place.clone(),
            id: id.clone(),
            inventory: None,
            replication: Replication::unknown(at),
            health: None,
            snapshot_at: None,
            disconnect_called_at: None,
            resync_since: None,
            gone_since: swept_at,
            unlisted_since: swept_at,
            forget_at: None,
            look_at: None,
            incidents: Incidents::new(),
        }
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        self.inventory.as_ref().map_or(self.id.as_str(), |i| &i.name)
    }

    /// Whether it takes one of the 300 slots (quota L-C1D14A2B) of this account and Region: every state but
    /// stopped and disconnected, unknown ones included, unless it replicates in another account.
    pub fn is_replicating_here(&self) -> bool {
        self.gone_since.is_none() && !self.is_extended() && !self.replication.is_off()
    }

    /// Whether it replicates in another account.
    pub(super) fn is_extended(&self) -> bool {
        let extension = self.inventory.as_ref().and_then(|i| i.staging.status.as_deref());
        !matches!(extension, None | Some("NOT_EXTENDED"))
    }

    /// Whether the sweep at `swept_at`, the last complete one of the place, listed it. What a sweep told that never came to
    /// its end is no listing: it is made again.
    pub fn was_listed_by(&self, swept_at: Option<Timestamp>) -> bool {
        self.inventory.as_ref().is_some_and(|inventory| Some(inventory.seen_at) <= swept_at)
    }

    /// What sweeps told of it, unless the last one no longer listed it.
    pub(super) fn listed(&self) -> Option<(&Inventory, &Health)> {
        self.inventory.as_deref().zip(self.health.as_ref()).filter(|_| self.unlisted_since.is_none())
    }

    /// The thresholds that apply to it.
    pub(super) fn limits(&self, policy: &Policy) -> Limits {
        let none = BTreeMap::new();
        policy.of_server(&self.place.account, self.listed().map_or(&none, |(inventory, _)| &inventory.marks))
    }
}
