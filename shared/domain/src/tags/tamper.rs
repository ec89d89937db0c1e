//! Tags that DRS itself put on instances and servers: without them it may lose or terminate resources.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::incident::{Condition, IncidentKind, Severity};
use crate::sweep::after;

/// What nobody put right within this time stays as it is, and is no news any more.
const OVER: Duration = Duration::from_hours(7 * 24);

/// Those of the protected tags that DRS sets and nobody else has a reason to change.
fn is_of_drs(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.starts_with("awselasticdisasterrecovery") || key.starts_with("drs.amazonaws.com")
}

/// Takes note of the tags of DRS that a resource has, and of those that it has no more, or with another value.
pub(super) fn watch(
    protected: &mut BTreeMap<String, String>,
    tampered: &mut BTreeMap<String, Timestamp>,
    tags: &BTreeMap<String, String>,
    at: Timestamp,
) {
    // An instance that is terminated loses all its tags.
    if tags.is_empty() {
        return;
    }
    for (key, value) in tags.iter().filter(|(key, _)| is_of_drs(key)) {
        protected.entry(key.clone()).or_insert_with(|| value.clone());
    }
    for (key, value) in &*protected {
        if tags.get(key) == Some(value) {
            tampered.remove(key);
        } else {
            tampered.entry(key.clone()).or_insert(at);
        }
    }
}

/// When the oldest of it is no news any more.
pub(super) fn over_at(tampered: &BTreeMap<String, Timestamp>) -> Option<Timestamp> {
    tampered.values().map(|at| after(*at, OVER)).min()
}

/// What nobody put right in time is as it should be from now on.
pub(super) fn forget_old(
    protected: &mut BTreeMap<String, String>,
    tampered: &mut BTreeMap<String, Timestamp>,
    now: Timestamp,
) {
    tampered.retain(|key, at| {
        let is_news = now < after(*at, OVER);
        if !is_news {
            protected.remove(key);
        }
        is_news
    });
}

pub(super) fn condition(tampered: &BTreeMap<String, Timestamp>) -> Option<Condition> {
    let since = tampered.values().min().copied()?;
    let keys: Vec<_> = tampered.keys().map(String::as_str).collect();
    Some(Condition {
        kind: IncidentKind::InstanceTagTampered,
        since,
        severity: Severity::High,
        reason: format!("removed or changed: {}", keys.join(", ")),
    })
}
