//! What a source server should be tagged with, by the tags of its EC2 machine and the rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{KEY_LENGTH, Rules, VALUE_LENGTH, is_protected};
use crate::ids::{AccountId, InstanceId, Region};
use crate::pattern::Pattern;

/// An EC2 machine and its tags.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Which machine.
    pub instance: &'a InstanceId,
    /// Whose it is.
    pub account: &'a AccountId,
    /// Where it runs.
    pub region: &'a Region,
    /// Its instance type, once EC2 has told it.
    pub instance_type: Option<&'a str>,
    /// All its tags.
    pub tags: &'a BTreeMap<String, String>,
}

/// What a source server should have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// What cannot be written.
    pub unfit: BTreeSet<Unfit>,
    /// Keys whose values nobody knows yet: they stay as they are.
    pub unknown: BTreeSet<&'static str>,
}

/// A tag that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unfit {
    /// Its key.
    pub key: String,
    /// Why.
    pub why: Why,
}

/// Why a tag cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Why {
    /// Its key has more than 128 characters on the source server.
    LongKey,
    /// Its value has more than 256 characters.
    LongValue,
    /// The rules give it a key that is never written.
    Protected,
    /// The rules give two tags this key.
    Clash,
    /// The source server has 50 tags already.
    NoRoom,
}

impl Why {
    /// In plain words.
    pub fn words(self) -> &'static str {
        match self {
            Self::LongKey => "its key has more than 128 characters",
            Self::LongValue => "its value has more than 256 characters",
            Self::Protected => "the rules give it a key of AWS's own",
            Self::Clash => "the rules give another tag the same key",
            Self::NoRoom => "the source server has 50 tags already",
        }
    }
}

/// What the rules make of the tags of a machine.
pub fn wanted(source: &Source<'_>, rules: &Rules) -> Wanted {
    let mut wanted = Wanted::default();
    for (key, value) in source.tags {
        if is_protected(key) || !fits(&rules.include, key) || fits(&rules.exclude, key) {
            continue;
        }
        let target = rules.rename.get(key).cloned().unwrap_or_else(|| format!("{}{key}", rules.prefix));
        let value = rules.values.get(key).and_then(|map| map.get(value)).unwrap_or(value);
        wanted.add(target, value);
    }
    if rules.origin {
        for (key, value) in origin(source) {
            wanted.tags.insert(key.to_owned(), value);
        }
        if !wanted.tags.contains_key(TYPE) {
            wanted.unknown.insert(TYPE);
        }
    }
    wanted
}

/// The one of these that neither tag events nor `GetResources` nor DRS tell: EC2 is asked for it.
const TYPE: &str = "source:instance-type";

/// Whether a key is one of those that say where a server comes from.
pub(super) fn is_origin(key: &str) -> bool {
    matches!(key, "source:account" | "source:region" | "source:instance-id" | TYPE)
}

/// AWS's own sample writes these four.
fn origin(source: &Source<'_>) -> Vec<(&'static str, String)> {
    let mut tags = vec![
        ("source:account", source.account.to_string()),
        ("source:region", source.region.to_string()),
        ("source:instance-id", source.instance.to_string()),
    ];
    tags.extend(source.instance_type.map(|name| (TYPE, name.to_owned())));
    tags
}

fn fits(patterns: &[Pattern], key: &str) -> bool {
    patterns.iter().any(|pattern| pattern.fits(key))
}

impl Wanted {
    fn add(&mut self, key: String, value: &str) {
        let why = if is_protected(&key) {
            Some(Why::Protected)
        } else if !(1..=KEY_LENGTH).contains(&key.chars().count()) {
            Some(Why::LongKey)
        } else if value.chars().count() > VALUE_LENGTH {
            Some(Why::LongValue)
        } else if self.tags.contains_key(&key) {
            Some(Why::Clash)
        } else {
            None
        };
        match why {
            // The error that tells of it must not be as long as the key.
            Some(why) => {
                let key = key.chars().take(KEY_LENGTH).collect();
                self.unfit.insert(Unfit { key, why });
            }
            None => {
                self.tags.insert(key, value.to_owned());
            }
        }
    }
}
