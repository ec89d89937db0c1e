//! The facet that only sweeps tell: what a server is called, where it replicates, and the tags that decisions look at.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ServerRow;
use super::details::fingerprint;
use crate::ids::InstanceId;
use crate::policy::{DRILL_TAG, Policy, RPO_TAG, RTO_TAG};
use crate::seen::{ServerSeen, Staging};
use crate::span;

/// In characters.
const ERROR_LENGTH: usize = 120;

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
    /// Of its [`super::ServerDetailsRow`], which is written when this changes.
    #[serde(default)]
    pub fingerprint: u64,
}

impl Inventory {
    pub(super) fn told(seen: &ServerSeen, at: Timestamp, policy: &Policy) -> Self {
        let name = seen.tags.get("Name").filter(|n| !n.is_empty()).or(seen.hostname.as_ref());
        let mark = |key: &str| seen.tags.get(key).map(|value| (key.to_owned(), value.clone()));
        Self {
            seen_at: at,
            name: name.map_or_else(|| seen.id.to_string(), Clone::clone),
            instance: seen.instance.clone(),
            staging: Staging { error: seen.staging.error.as_deref().map(beginning), ..seen.staging.clone() },
            marks: policy.marks().filter_map(mark).collect(),
            fingerprint: fingerprint(seen),
        }
    }

    /// Whether it is newer than what is known, or was confirmed by a sweep, and differs from it.
    pub(super) fn is_news(&self, known: &Self, swept_at: Option<Timestamp>) -> bool {
        let confirmed =
            Self { seen_at: swept_at.map_or(known.seen_at, |at| at.max(known.seen_at)), ..known.clone() };
        *self > confirmed && *self != Self { seen_at: self.seen_at, ..known.clone() }
    }
}

/// As much of AWS's words as is kept, for rows are read and written often.
fn beginning(text: &str) -> String {
    text.chars().take(ERROR_LENGTH).collect()
}

/// A server's recovery point objective; `None` when it has none that can be read.
pub(super) fn rpo(marks: &BTreeMap<String, String>) -> Option<Duration> {
    marks.get(RPO_TAG).and_then(|text| span::parse(text))
}

impl ServerRow {
    /// Its recovery time objective, by its tag `drs-fleet:rto`; `None` when it has none that can be read.
    pub fn recovery_time_objective(&self) -> Option<Duration> {
        self.inventory.as_ref()?.marks.get(RTO_TAG).and_then(|text| span::parse(text))
    }

    /// Its application, by the tag that the policy names.
    pub fn application(&self, policy: &Policy) -> Option<&str> {
        self.inventory.as_ref()?.marks.get(policy.application_tag()).map(String::as_str)
    }

    /// The window of its next drill: its tag `drs-fleet:drill`.
    pub fn drill_tag(&self) -> Option<&str> {
        self.inventory.as_ref()?.marks.get(DRILL_TAG).map(String::as_str)
    }

    /// The state of a server that replicates in another account, and whether it does so; `None` for all others. One that
    /// is gone was given up: nobody waits for it.
    pub fn replicates_elsewhere(&self) -> Option<(&str, bool)> {
        let state = self.replication.state.as_str();
        let rests = ["STALLED", "STOPPED", "DISCONNECTED", "PAUSED"].contains(&state);
        self.is_extended().then_some((state, !rests || self.gone_since.is_some()))
    }
}
