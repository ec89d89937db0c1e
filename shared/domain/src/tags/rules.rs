//! Which tags are copied, and how: for the fleet and for accounts. What is not set is as [`Rules::default`] says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{KEY_LENGTH, VALUE_LENGTH, is_protected};
use crate::ids::AccountId;
use crate::keys::{self, Key};
use crate::notify::routes::lines_with_secrets;
use crate::pattern::Pattern;
use crate::row::Row;

/// All rules, as people write them. Stored as one item; the workers read it again every minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagPolicy {
    /// For the whole fleet.
    #[serde(default, skip_serializing_if = "Written::is_empty")]
    pub fleet: Written,
    /// For source servers of some accounts; the later wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

/// Rules for source servers of some accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// In these accounts.
    pub accounts: BTreeSet<AccountId>,
    /// The rules.
    pub set: Written,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr;)*) => {
        /// Rules as far as they are set.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Written {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $name: Option<$type>,)*
        }

        /// Rules as they apply.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        pub struct Rules {
            $($(#[$doc])* pub $name: $type,)*
        }

        impl Default for Rules {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Rules {
            fn take(&mut self, set: &Written) {
                $(if let Some(value) = &set.$name { self.$name = value.clone(); })*
            }
        }
    };
}

rules! {
    /// Whether tags are copied at all.
    enabled: bool = true;
    /// Only tags whose key fits one of these are copied. A list of exact keys is an allow-list: a copied tag that is a
    /// condition of an access policy can widen access.
    include: Vec<Pattern> = vec![Pattern::new("*")];
    /// Tags whose key fits one of these are not copied.
    exclude: Vec<Pattern> = Vec::new();
    /// Keys that are called otherwise on source servers.
    rename: BTreeMap<String, String> = BTreeMap::new();
    /// What keys that are not renamed begin with on source servers.
    prefix: String = String::new();
    /// By key, values that are written otherwise on source servers.
    values: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    /// Whether source servers are tagged with where they come from: `source:account`, `source:region`,
    /// `source:instance-id`, `source:instance-type`.
    origin: bool = true;
    /// Whether what a person put on a source server gives way to what EC2 says.
    ec2_wins: bool = false;
    /// Whether tags that were copied are removed when they are gone from EC2.
    remove: bool = false;
    /// Whether `copyTags` is switched on in launch configurations, so that recovery instances get the tags.
    copy_tags: bool = false;
}

impl Written {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl TagPolicy {
    /// What applies to source servers of an account that no override names.
    pub fn of_new_account(&self) -> Rules {
        let mut rules = Rules::default();
        rules.take(&self.fleet);
        rules
    }

    /// What applies to source servers of an account.
    pub fn of(&self, account: &AccountId) -> Rules {
        let mut rules = self.of_new_account();
        for each in self.overrides.iter().filter(|each| each.accounts.contains(account)) {
            rules.take(&each.set);
        }
        rules
    }

    /// What is wrong with it, in words for whoever wrote it; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<_> = self.fleet.problems().map(|problem| format!("fleet: {problem}")).collect();
        for (n, each) in self.overrides.iter().enumerate() {
            let n = n + 1;
            if each.accounts.is_empty() {
                problems.push(format!("override {n}: names no account; use fleet"));
            }
            if each.set.is_empty() {
                problems.push(format!("override {n}: sets nothing"));
            }
            problems.extend(each.set.problems().map(|problem| format!("override {n}: {problem}")));
        }
        problems
    }
}

impl Written {
    fn problems(&self) -> impl Iterator<Item = String> {
        let patterns = self.include.iter().chain(&self.exclude).flatten();
        let empty = patterns.filter(|p| p.as_str().is_empty()).map(|_| "a pattern is empty".to_owned());
        let renamed = self.rename.iter().flatten().filter_map(|(from, to)| {
            bad_key(to).map(|why| format!("rename: {from} becomes {to:?}, which {why}"))
        });
        let prefix = self
            .prefix
            .iter()
            .filter(|prefix| !prefix.is_empty())
            .filter_map(|prefix| bad_key(prefix).map(|why| format!("prefix: {prefix:?} {why}")));
        let values = self.values.iter().flatten().flat_map(|(key, map)| {
            let long = map.values().filter(|value| value.chars().count() > VALUE_LENGTH);
            long.map(move |_| format!("values: {key} has a value of more than {VALUE_LENGTH} characters"))
        });
        empty.chain(renamed).chain(prefix).chain(values).map(keeps_secrets)
    }
}

/// Who pastes a webhook's URL into the wrong file does not read it again in a log.
fn keeps_secrets(problem: String) -> String {
    if lines_with_secrets(&problem).is_empty() {
        return problem;
    }
    let member = problem.split(": ").next().unwrap_or_default();
    format!("{member}: a name seems to be a secret or a URL; a tag policy holds none")
}

fn bad_key(key: &str) -> Option<String> {
    match key.chars().count() {
        0 => Some("is empty".to_owned()),
        1..=KEY_LENGTH if is_protected(key) => Some("is a tag of AWS that is never written".to_owned()),
        1..=KEY_LENGTH => None,
        _ => Some(format!("has more than {KEY_LENGTH} characters")),
    }
}

/// The rules as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagPolicyRow {
    /// What is set.
    pub policy: TagPolicy,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

impl Row for TagPolicyRow {
    const KIND: &'static str = "tag-policy";
    const WORKER: &'static str = "cli";

    fn key(&self) -> Key {
        keys::tag_policy()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(json: serde_json::Value) -> TagPolicy {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_last_override_of_an_account_applies_over_the_fleet() {
        let policy = policy(json!({
            "fleet": { "remove": true, "prefix": "ec2:" },
            "overrides": [
                { "accounts": ["111122223333"], "set": { "include": ["Owner"], "prefix": "" } },
                { "accounts": ["111122223333", "222233334444"], "set": { "remove": false } },
            ],
        }));
        let here = policy.of(&"111122223333".parse().unwrap());
        assert_eq!((here.remove, here.prefix.as_str(), here.include.len()), (false, "", 1));
        let there = policy.of(&"333344445555".parse().unwrap());
        assert_eq!((there.remove, there.prefix.as_str(), there.origin), (true, "ec2:", true));
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_where_it_stands() {
        let bad = policy(json!({
            "fleet": { "rename": { "a": "aws:a" }, "exclude": [""] },
            "overrides": [{ "accounts": [], "set": {} }],
        }));
        assert_eq!(
            bad.problems(),
            [
                "fleet: a pattern is empty",
                "fleet: rename: a becomes \"aws:a\", which is a tag of AWS that is never written",
                "override 1: names no account; use fleet",
                "override 1: sets nothing",
            ]
        );
        assert!(serde_json::from_value::<TagPolicy>(json!({ "fleet": { "includes": ["a"] } })).is_err());
        assert_eq!(TagPolicy::default().problems(), [""; 0]);
    }
}
