//! The words that people read: a bulletin as an e-mail, as a Slack message, and as data for programs.
//!
//! What is said is put together once, in the order in which people read it (`told.rs`), and then given the form of
//! each channel. Names and reasons come from outside: each channel cuts and escapes them as it needs.

mod digest;
mod drill;
mod email;
mod incident;
mod sample;
mod slack;
mod text;
mod told;
mod webhook;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::email::{Attributes, Email, email};
pub use self::incident::console_link;
pub use self::sample::sample;
pub use self::slack::{slack, slack_reply, slack_with_button};
pub use self::told::line;
pub use self::webhook::webhook;
use crate::incident::{IncidentKind, Severity};
use crate::notify::Bulletin;

/// `detail-type` of what [`webhook`] makes, on the hub's bus.
pub const NOTIFICATION_SENT: &str = "Notification Sent";

/// Where people find more, as far as somebody has said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// URL of a dashboard of the fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// URLs of what to do about a kind of incident.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runbooks: BTreeMap<IncidentKind, String>,
}

/// How bad what a bulletin tells is, or was.
pub fn severity(bulletin: &Bulletin) -> Severity {
    match bulletin {
        Bulletin::Digest(digest) => digest::severity(digest),
        Bulletin::Drill(drill) => drill::severity(drill),
    }
}

#[cfg(test)]
mod tests;
