//! Tags as people type them, and what the rules make of the tags of a machine: `{"rules": …, "tags": …}`.

use std::collections::BTreeMap;

use drs_fleet_domain::ids::{AccountId, InstanceId, Region};
use drs_fleet_domain::tags::{
    KEY_LENGTH, MOST, Owned, Rules, Source, TagPolicy, VALUE_LENGTH, from_person, is_protected, is_tagged, plan, wanted,
};
use proptest::{prop_assert, prop_assert_eq};
use serde::Deserialize;

use super::{Checked, text};

pub(super) const TAKES_EVENTS: bool = false;
pub(super) const WORDS: &[&str] = &[
    "=",
    "aws:",
    "AWS:",
    "source:account",
    "AWSElasticDisasterRecovery",
    "map-migrated",
    "\"prefix\":",
    "\"rename\":",
    "\"remove\":true",
    "\"ec2_wins\":true",
    "K",
    "\u{212a}",
];

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    rules: TagPolicy,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// On the source server.
    #[serde(default)]
    server: BTreeMap<String, String>,
}

pub(super) fn check(input: &[u8]) -> Checked {
    let text = text(input);
    if let Ok((key, value)) = from_person(&text) {
        prop_assert_eq!(format!("{key}={value}"), &*text);
        prop_assert!(fits(&key, &value) && !text.contains(char::is_control), "{text:?}");
        let tags = [(key.clone(), value)].into();
        prop_assert!(is_tagged(&tags, &text) && is_tagged(&tags, &key), "{text:?}");
    }
    let tags = [("a".to_owned(), "b=c".to_owned()), ("a=b".to_owned(), "c".to_owned())];
    let expected = ["a", "a=b", "a=b=c"].contains(&&*text);
    prop_assert_eq!(is_tagged(&tags.into(), &text), expected, "{:?}", text);
    let Ok(case) = serde_json::from_str::<Case>(&text) else { return Ok(()) };
    if case.rules.problems().is_empty() { is_writable(&case) } else { Ok(()) }
}

fn fits(key: &str, value: &str) -> bool {
    (1..=KEY_LENGTH).contains(&key.chars().count()) && value.chars().count() <= VALUE_LENGTH
}

/// What is written is what AWS takes, and nothing that it or a person owns.
fn is_writable(case: &Case) -> Checked {
    let account: AccountId = "111122223333".parse().unwrap();
    let region: Region = "us-west-2".parse().unwrap();
    let instance: InstanceId = "i-0a1b2c3d4e5f60718".parse().unwrap();
    let source = Source {
        instance: &instance,
        account: &account,
        region: &region,
        instance_type: Some("m7i.large"),
        tags: &case.tags,
    };
    let rules: Rules = case.rules.of(&account);
    let wanted = wanted(&source, &rules);
    for (key, value) in &wanted.tags {
        prop_assert!(fits(key, value) && !is_protected(key), "{key:?}: {value:?}");
    }
    prop_assert!(wanted.unfit.iter().all(|unfit| unfit.key.chars().count() <= KEY_LENGTH));
    let first = plan(&wanted, &case.server, &Owned::default(), &rules);
    let mut after = case.server.clone();
    after.retain(|key, _| !first.remove.contains(key));
    after.extend(first.set.clone());
    let mut of_aws = case.server.iter().filter(|(key, _)| is_protected(key));
    prop_assert!(of_aws.all(|(key, value)| after.get(key) == Some(value)), "a tag of AWS was touched: {first:?}");
    let counted = |tags: &BTreeMap<String, String>| tags.keys().filter(|key| !key.to_ascii_lowercase().starts_with("aws:")).count();
    prop_assert!(counted(&after) <= counted(&case.server).max(MOST), "too many tags: {first:?}");
    let owned = Owned::default().after(&first, &case.server);
    let second = plan(&wanted, &after, &owned, &rules);
    prop_assert!(second.set.is_empty() && second.remove.is_empty(), "{:?} and again {:?}", first, second);
    Ok(())
}
