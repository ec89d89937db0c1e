//! The routes: which incident is told over which channels, grouped how, and when.
//!
//! A tree. An incident goes down from the default route into the first route that it matches, and further into those
//! below, and is told by the deepest; into the next ones as well where a route says `continue`. What a route does not set
//! is as in the one above it. People are routes beside the tree: they get whatever they match, besides.

mod group;
mod overlaps;
mod people;
mod problems;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::overlaps::Overlap;
pub use self::people::{Digest, Person, Quiet};
pub use self::problems::lines_with_secrets;
pub use self::walk::{Asked, Outcome};
use super::plan::{Plan, Step, Taken};
use super::{Channel, ChannelName, Hours, Label, Labels, Matchers, hold};
use crate::keys::{self, Key};
use crate::message::Links;
use crate::row::Row;
use crate::span::Length;

/// The route that takes what no other does; also what the names of all routes in the tree begin with.
pub const DEFAULT: &str = "default";

/// What the routes of people begin with.
pub const PEOPLE: &str = "people";

/// All routes, as people write them. Stored as one item; the notifier reads it again every minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routes {
    /// Where people and programs are told, besides `mail` and `slack`, which are the hub's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<ChannelName, Channel>,
    /// Where people find more.
    #[serde(default, skip_serializing_if = "no_links")]
    pub links: Links,
    /// So many servers stalled in one Region are one event of that Region: their lag, in accounts that have such stalls, is
    /// no news of its own. Stalls that are muted or in a drill do not count. 20 where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_wide_stalls: Option<u32>,
    /// How is told what no route takes, and what routes do not set.
    #[serde(default, skip_serializing_if = "Telling::is_empty")]
    pub default: Telling,
    /// The routes, in the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Who is told besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
}

fn no_links(links: &Links) -> bool {
    *links == Links::default()
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What people call it.
    pub name: String,
    /// What takes it; everything where it is not set.
    #[serde(default, rename = "match", skip_serializing_if = "Matchers::is_empty")]
    pub matchers: Matchers,
    /// Whether the routes after it are asked too.
    #[serde(default, rename = "continue", skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
    /// How it is told.
    #[serde(flatten)]
    pub tell: Telling,
    /// The routes below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
}

/// How incidents are told, as far as it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telling {
    /// Over which channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<ChannelName>>,
    /// What all in a group have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Vec<Label>>,
    /// How long the first of a group waits for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_wait: Option<Length>,
    /// How often a group is told of what is new in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_interval: Option<Length>,
    /// How often a group is told again while nothing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_interval: Option<Length>,
    /// Who is told when nobody acknowledges in time, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Vec<Escalation>>,
}

/// A step of an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// How long after people were told of the first of what is open that nobody acknowledged.
    pub after: Length,
    /// Over which channels.
    pub channels: Vec<ChannelName>,
}

impl Telling {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The hub's own channels, which are there whether or not anything is set.
static OF_HUB: [(&str, Channel); 2] =
    [("mail", Channel::Topic { arn: None }), ("slack", Channel::SlackWebhook { secret: None })];

impl Routes {
    /// The routes that an incident takes, and the group that it joins on each; there is always one.
    pub fn taken(&self, labels: &Labels<'_>) -> Vec<Taken> {
        let asked = self.walk(labels).into_iter().filter(|(_, _, outcome)| *outcome == Outcome::Taken);
        asked.map(|(route, ..)| self.group(route, labels)).collect()
    }

    /// How the groups of a route are told; of one that there is not, or not any more, as those of the default route. What
    /// somebody was told who is told no more, others know: it goes to nobody else.
    pub fn plan(&self, route: &str) -> Plan {
        let mut plan = self.effective(route).unwrap_or_else(|| self.by_default()).plan;
        if self.effective(route).is_none() && route.split('/').next() == Some(PEOPLE) {
            (plan.channels, plan.escalate) = (Vec::new(), Vec::new());
        }
        let is_thread = |channel: &Channel| matches!(channel, Channel::Slack { .. });
        let threads = self.channels().filter(|(_, channel)| is_thread(channel)).map(|(name, _)| name);
        Plan { threads: threads.collect(), ..plan }
    }

    /// What all in a group of a route have in common.
    pub fn group_by(&self, route: &str) -> Vec<Label> {
        self.effective(route).unwrap_or_else(|| self.by_default()).group_by
    }

    /// So many servers stalled in one Region are one event of that Region.
    pub fn region_wide_stalls(&self) -> u32 {
        self.region_wide_stalls.unwrap_or(hold::REGION_WIDE)
    }

    /// A channel.
    pub fn channel(&self, name: &ChannelName) -> Option<&Channel> {
        let of_hub = || OF_HUB.iter().find(|(each, _)| *each == name.as_str()).map(|(_, channel)| channel);
        self.channels.get(name).or_else(of_hub)
    }

    /// All channels, by name.
    pub fn channels(&self) -> impl Iterator<Item = (ChannelName, &Channel)> {
        let names: BTreeSet<_> = self.channels.keys().cloned().chain(names_of_hub()).collect();
        names.into_iter().filter_map(|name| self.channel(&name).map(|channel| (name.clone(), channel)))
    }

    fn group(&self, route: String, labels: &Labels<'_>) -> Taken {
        let group_by = self.group_by(&route);
        let shown =
            group_by.iter().filter_map(|label| Some((label.to_string(), labels.shown(label)?.to_owned())));
        let group = group::id(&route, group_by.iter().map(|label| (label.to_string(), labels.id(label))));
        Taken { group, labels: shown.collect(), route }
    }

    fn by_default(&self) -> Effective {
        Effective::default().with(&self.default)
    }

    /// By the names on the way to it.
    fn effective(&self, route: &str) -> Option<Effective> {
        let mut names = route.split('/');
        let root = names.next();
        if root == Some(PEOPLE) {
            let name = names.next()?;
            return self
                .people
                .iter()
                .find(|person| person.name == name)
                .map(|p| p.beside(self.by_default()));
        }
        let mut at = (self.by_default(), &self.routes);
        for name in names {
            let route = at.1.iter().find(|route| route.name == name)?;
            at = (at.0.with(&route.tell), &route.routes);
        }
        (root == Some(DEFAULT)).then_some(at.0)
    }
}

fn names_of_hub() -> impl Iterator<Item = ChannelName> {
    OF_HUB.iter().filter_map(|(name, _)| ChannelName::try_from((*name).to_owned()).ok())
}

/// How a route tells, with what it has from the routes above it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Effective {
    plan: Plan,
    group_by: Vec<Label>,
}

impl Default for Effective {
    fn default() -> Self {
        let plan = Plan {
            channels: names_of_hub().collect(),
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_mins(5),
            repeat_interval: Duration::from_hours(4),
            escalate: Vec::new(),
            hours: Hours::Any,
            threads: BTreeSet::new(),
        };
        Self { plan, group_by: vec![Label::Kind, Label::Region] }
    }
}

impl Effective {
    fn with(self, set: &Telling) -> Self {
        let Plan { channels, group_wait, group_interval, repeat_interval, escalate, hours, threads } =
            self.plan;
        let step = |step: &Escalation| Step { after: step.after.into(), channels: step.channels.clone() };
        let length = |set: Option<Length>, above| set.map_or(above, Duration::from);
        let plan = Plan {
            channels: set.channels.clone().unwrap_or(channels),
            group_wait: length(set.group_wait, group_wait),
            group_interval: length(set.group_interval, group_interval),
            repeat_interval: length(set.repeat_interval, repeat_interval),
            escalate: set.escalate.as_ref().map_or(escalate, |steps| steps.iter().map(step).collect()),
            hours,
            threads,
        };
        Self { plan, group_by: set.group_by.clone().unwrap_or(self.group_by) }
    }
}

/// The routes as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutesRow {
    /// What is set.
    pub policy: Routes,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

impl Row for RoutesRow {
    const KIND: &'static str = "routes";
    const WORKER: &'static str = "cli";

    fn key(&self) -> Key {
        keys::routes()
    }
}

#[cfg(test)]
mod tests;
