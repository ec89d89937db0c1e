//! People: who gets what they match besides the routes, when they want to.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Effective;
use crate::incident::Severity;
use crate::notify::hours::{Clock, Days};
use crate::notify::plan::Plan;
use crate::notify::{ChannelName, Hours, Matchers};

/// Somebody who is told besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// What people call them.
    pub name: String,
    /// What they are told of; everything where it is not set.
    #[serde(default, rename = "match", skip_serializing_if = "Matchers::is_empty")]
    pub matchers: Matchers,
    /// Over which channels.
    pub channels: Vec<ChannelName>,
    /// When they are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// When they are told of everything together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// Hours at which somebody is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// When they begin each day.
    pub from: Clock,
    /// When they end, on the same day or on the next.
    pub to: Clock,
    /// The time zone, such as `Europe/Berlin`.
    pub zone: String,
    /// What is this bad is told all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Severity>,
}

/// When somebody is told of everything together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// When.
    pub at: Clock,
    /// The time zone, such as `Europe/Berlin`.
    pub zone: String,
    /// On which days.
    #[serde(default)]
    pub days: Days,
}

impl Person {
    /// How they are told, where others are told so. Nobody else is told in their place when they do not answer.
    pub(super) fn beside(&self, default: Effective) -> Effective {
        let group_by = if self.digest.is_some() { Vec::new() } else { default.group_by };
        let (channels, hours) = (self.channels.clone(), self.hours());
        Effective { plan: Plan { channels, hours, escalate: Vec::new(), ..default.plan }, group_by }
    }

    fn hours(&self) -> Hours {
        match (&self.digest, &self.quiet) {
            (Some(Digest { at, zone: name, days }), _) => {
                Hours::Digest { at: *at, zone: zone(name), days: *days }
            }
            (None, Some(Quiet { from, to, zone: name, except })) => {
                Hours::Quiet { from: *from, to: *to, zone: zone(name), except: *except }
            }
            (None, None) => Hours::Any,
        }
    }
}

/// A document with an unknown zone is never stored by this version; a later one may know more.
fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}
