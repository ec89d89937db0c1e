//! What has to be written so that a source server has the tags that it should have, and nothing else is touched.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::wanted::is_origin;
use super::{MOST, Rules, Unfit, Wanted, Why, is_protected};
use crate::stamp::fnv1a;

/// The keys that were copied to a source server, each with a fingerprint of the value: so that it is known whether a
/// person has changed it since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owned(pub BTreeMap<String, u32>);

/// What has to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Tags to add or to overwrite (`TagResource`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Keys to remove (`UntagResource`).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub remove: BTreeSet<String>,
    /// Keys that differ and are left alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, Left>,
    /// What cannot be written.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unfit: BTreeSet<Unfit>,
}

/// Why a key that differs is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Left {
    /// A person put it there, or changed it.
    ByPerson,
    /// It is gone from EC2, and the rules do not remove.
    NotRemoved,
}

impl Owned {
    /// Whether the key was copied, and has the value that was.
    fn holds(&self, key: &str, value: &str) -> bool {
        self.0.get(key) == Some(&fnv1a(value))
    }

    /// After a plan was carried out, on a server that had `actual` before.
    #[must_use]
    pub fn after(&self, plan: &Plan, actual: &BTreeMap<String, String>) -> Self {
        let mut owned = self.clone().with(&plan.set).0;
        owned.retain(|key, print| {
            let now = plan.set.get(key).or_else(|| actual.get(key));
            !plan.remove.contains(key) && now.is_some_and(|value| fnv1a(value) == *print)
        });
        Self(owned)
    }
}

impl Owned {
    /// Together with tags that were written.
    #[must_use]
    pub fn with(mut self, set: &BTreeMap<String, String>) -> Self {
        self.0.extend(set.iter().map(|(key, value)| (key.clone(), fnv1a(value))));
        self
    }
}

impl Plan {
    /// Whether nothing has to be written.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

/// Compares what a source server should have with what it has. Where there is no room for all, the machine's own tags come
/// before those that say where it comes from.
pub fn plan(wanted: &Wanted, actual: &BTreeMap<String, String>, owned: &Owned, rules: &Rules) -> Plan {
    let mut plan = removals(wanted, actual, owned, rules);
    let counted = actual.keys().filter(|key| !key.to_ascii_lowercase().starts_with("aws:")).count();
    let mut room = (MOST + plan.remove.len()).saturating_sub(counted);
    let (origin, own): (Vec<_>, Vec<_>) = wanted.tags.iter().partition(|(key, _)| is_origin(key));
    let lacks = own.iter().filter(|(key, _)| !actual.contains_key(*key)).count();
    let ours = |key: &String| actual.get(key).is_some_and(|value| owned.holds(key, value));
    let yields =
        origin.iter().rev().map(|(key, _)| *key).filter(|key| ours(key)).take(lacks.saturating_sub(room));
    for key in yields.collect::<Vec<_>>() {
        room += 1;
        plan.remove.insert(key.clone());
        plan.unfit.insert(Unfit { key: key.clone(), why: Why::NoRoom });
    }
    for (key, value) in own.into_iter().chain(origin) {
        match actual.get(key) {
            Some(_) if plan.remove.contains(key) => {}
            Some(there) if there == value => {}
            Some(there) if rules.ec2_wins || owned.holds(key, there) => {
                plan.set.insert(key.clone(), value.clone());
            }
            Some(_) => {
                plan.left.insert(key.clone(), Left::ByPerson);
            }
            None if room > 0 => {
                room -= 1;
                plan.set.insert(key.clone(), value.clone());
            }
            None => {
                plan.unfit.insert(Unfit { key: key.clone(), why: Why::NoRoom });
            }
        }
    }
    plan
}

/// What was copied and is gone from EC2.
fn removals(wanted: &Wanted, actual: &BTreeMap<String, String>, owned: &Owned, rules: &Rules) -> Plan {
    let mut plan = Plan { unfit: wanted.unfit.clone(), ..Plan::default() };
    // An unfit tag is still there in EC2: what was copied of it before stays.
    let is_unfit = |key: &String| wanted.unfit.iter().any(|unfit| unfit.key == *key);
    let is_unknown = |key: &String| wanted.unknown.contains(key.as_str());
    let is_gone = |key: &String| !wanted.tags.contains_key(key) && !is_unfit(key) && !is_unknown(key);
    for key in owned.0.keys().filter(|key| is_gone(key)) {
        let Some(value) = actual.get(key).filter(|value| owned.holds(key, value)) else { continue };
        debug_assert!(!is_protected(key), "{key}={value} was never written");
        if rules.remove {
            plan.remove.insert(key.clone());
        } else {
            plan.left.insert(key.clone(), Left::NotRemoved);
        }
    }
    plan
}

#[cfg(test)]
mod tests;
