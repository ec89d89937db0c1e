//! What the routes say of an incident: which groups it joins, and how each of these is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChannelName, Hours};
use crate::incident::Severity;
use crate::sweep::after;

/// A route that an incident takes, and the group that it joins there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The route, by the names on the way to it: `default`, `default/payments`.
    pub route: String,
    /// The group: the route, and what all in the group have in common.
    pub group: String,
    /// What all in the group have in common, by label.
    pub labels: BTreeMap<String, String>,
}

/// How the groups of a route are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Over which channels.
    pub channels: Vec<ChannelName>,
    /// How long the first of a group waits for others.
    pub group_wait: Duration,
    /// How often a group is told of what is new in it.
    pub group_interval: Duration,
    /// How often a group is told again while nothing changes.
    pub repeat_interval: Duration,
    /// Who is told when nobody acknowledges in time, in this order.
    pub escalate: Vec<Step>,
    /// At which hours.
    pub hours: Hours,
    /// All channels, of this route or not, whose first message can be changed: Slack, as a bot.
    pub threads: BTreeSet<ChannelName>,
}

/// One step of an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long after people were told of the first of what is open that nobody acknowledged.
    pub after: Duration,
    /// Over which channels.
    pub channels: Vec<ChannelName>,
}

impl Plan {
    /// The first time from `wanted` on at which people want to be told of something this bad.
    pub fn tells_at(&self, wanted: Timestamp, worst: Severity) -> Timestamp {
        self.hours.tells_at(wanted, worst)
    }

    /// Whether people may not be told of something this bad at its group's next turn, which comes in an interval at the
    /// latest.
    pub fn oversleeps(&self, severity: Severity, now: Timestamp) -> bool {
        let turns = [now, after(now, self.group_interval)];
        turns.into_iter().any(|at| self.tells_at(at, severity) > at)
    }
}
