//! What a source server is made of, in a row of its own that is seldom written.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ServerRow;
use crate::ids::SourceServerId;
use crate::keys::{self, Key, Place};
use crate::policy::Policy;
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::seen::{ServerFacts, ServerSeen};
use crate::stamp::fnv1a_64;

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
    /// When the table may forget it, if the server is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forget_at: Option<Timestamp>,
}

impl Row for ServerDetailsRow {
    const KIND: &'static str = "server-details";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::server_details(&self.place, &self.id)
    }

    fn comes_in_crowds(&self) -> bool {
        true
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.forget_at
    }
}

impl ServerDetailsRow {
    /// What a sweep at `at` told of a server.
    pub fn told(place: &Place, seen: &ServerSeen, at: Timestamp) -> Self {
        Self {
            place: place.clone(),
            id: seen.id.clone(),
            arn: seen.arn.clone(),
            hostname: seen.hostname.clone(),
            facts: seen.facts.clone(),
            tags: seen.tags.clone(),
            seen_at: at,
            gone_since: None,
            forget_at: None,
        }
    }

    /// Takes this in place of what is stored, if it is newer and differs.
    pub fn instead_of(&self, stored: Option<&Self>) -> Option<Change<Self>> {
        let is_stale = |known: &Self| self.seen_at < known.gone_since.unwrap_or(known.seen_at);
        let same = |known: &Self| *self == Self { seen_at: self.seen_at, ..known.clone() };
        let keep = stored.is_some_and(|known| is_stale(known) || same(known));
        (!keep).then(|| Change { row: self.clone(), tell: Vec::new() })
    }

    /// The server is gone since `at`: it is kept as long as the server's own row is.
    pub fn gone(&self, at: Timestamp, policy: &Policy) -> Option<Change<Self>> {
        if self.gone_since.is_some() || at <= self.seen_at {
            return None;
        }
        let row = Self { gone_since: Some(at), ..self.forgotten(at, policy) };
        Some(Change { row, tell: Vec::new() })
    }

    /// Its account was removed at `now`: it is forgotten in the end, as the server's own row is.
    pub fn dismissed(&self, now: Timestamp, policy: &Policy) -> Option<Change<Self>> {
        let row = self.forget_at.is_none().then(|| self.forgotten(now, policy))?;
        Some(Change { row, tell: Vec::new() })
    }

    fn forgotten(&self, since: Timestamp, policy: &Policy) -> Self {
        let kept = policy.of_account(&self.place.account).gone_kept;
        Self { forget_at: since.checked_add(kept).ok(), ..self.clone() }
    }
}

impl ServerRow {
    /// Whether the details of a server that a sweep saw must be written.
    pub fn lacks_details(&self, seen: &ServerSeen) -> bool {
        self.listed().is_none_or(|(inventory, _)| inventory.fingerprint != fingerprint(seen))
    }

    /// The details are going to be forgotten, so a sweep that lists the server again writes them once more.
    pub(super) fn give_up_details(&mut self) {
        if let Some(inventory) = &mut self.inventory {
            Arc::make_mut(inventory).fingerprint = FORGOTTEN;
        }
    }
}

/// The fingerprint of no details.
const FORGOTTEN: u64 = 0;

/// Tells details apart. It is stored, so it must stay the same in every build and on every machine: FNV-1a, 64 bits,
/// over the JSON text of what [`ServerDetailsRow`] holds, in which maps are sorted. After a change of the row's
/// fields every server's details are written once more.
pub fn fingerprint(seen: &ServerSeen) -> u64 {
    let details = (&seen.arn, &seen.hostname, &seen.facts, &seen.tags);
    fnv1a_64(&serde_json::to_vec(&details).unwrap_or_default())
}
