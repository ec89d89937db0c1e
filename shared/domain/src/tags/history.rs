//! The history of the tags of source servers: each change with what was before and after, and what asked for it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Doing};
use crate::ids::{InstanceId, SourceServerId};
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::Row;
use crate::sweep::after;

/// Kept so long: 90 days.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// One change of the tags of a source server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagHistoryRow {
    /// Where the server is.
    pub place: Place,
    /// Which server.
    pub server: SourceServerId,
    /// The machine whose tags were copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// When the change was begun.
    pub at: Timestamp,
    /// What asked for it.
    pub cause: Cause,
    /// What changed, by key.
    pub changes: BTreeMap<String, Changed>,
    /// The refusal that it met, in AWS's words; absent when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// The value of a tag before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Absent: it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Absent: it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Row for TagHistoryRow {
    const KIND: &'static str = "tag-history";
    const WORKER: &'static str = WorkerName::Tags.as_str();

    fn key(&self) -> Key {
        keys::tag_history(&self.place, &self.server, self.at)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(after(self.at, KEPT))
    }
}

impl TagHistoryRow {
    /// Of a change that was made, or refused.
    pub fn of(
        (place, server, instance): (&Place, &SourceServerId, Option<&InstanceId>),
        doing: &Doing,
        refused: Option<&str>,
    ) -> Self {
        let set = doing.plan.set.iter().map(|(key, value)| (key, Some(value.clone())));
        let removed = doing.plan.remove.iter().map(|key| (key, None));
        let changes = set
            .chain(removed)
            .map(|(key, after)| (key.clone(), Changed { before: doing.before.get(key).cloned(), after }));
        Self {
            place: place.clone(),
            server: server.clone(),
            instance: instance.cloned(),
            at: doing.since,
            cause: doing.cause.clone(),
            changes: changes.collect(),
            refused: refused.map(str::to_owned),
        }
    }
}
