//! How a source server stands, by what is known of it: what would be written, or why nothing is, and how old that is.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    InstanceTagsRow, Owned, Plan, Rules, ServerTagsRow, Skipped, Source, TagSweepRow, Wanted, wanted,
};
use crate::ids::InstanceId;
use crate::keys::Place;
use crate::sweep::after;

/// What was in line within this time counts as in line now.
const FRESH: Duration = Duration::from_hours(24);

/// How old it is that a server was known to be in line with its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Freshness {
    /// Less than a day.
    Synced,
    /// A day or more.
    Stale,
    /// It never was.
    Never,
}

impl Freshness {
    /// Of what was last in line at `at`.
    pub fn of(at: Option<Timestamp>, now: Timestamp) -> Self {
        match at {
            None => Self::Never,
            Some(at) if now < after(at, FRESH) => Self::Synced,
            Some(_) => Self::Stale,
        }
    }

    /// As it stands in a column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Stale => "stale",
            Self::Never => "never",
        }
    }

    /// As people are told.
    pub fn words(self) -> &'static str {
        if self == Self::Never { "never synced" } else { self.word() }
    }
}

/// Why nothing is copied to a server that protects this machine, if there is a reason.
pub fn reason_to_skip(
    protects: Option<&InstanceId>,
    is_disconnected: bool,
    told: Option<&InstanceTagsRow>,
    rules: &Rules,
) -> Option<Skipped> {
    if !rules.enabled {
        return Some(Skipped::SwitchedOff);
    }
    if is_disconnected {
        return Some(Skipped::Disconnected);
    }
    match told {
        Some(_) => None,
        None if protects.is_none() => Some(Skipped::NoInstance),
        None => Some(Skipped::TagsUnknown),
    }
}

impl InstanceTagsRow {
    /// What its source servers should have.
    pub fn wanted(&self, rules: &Rules) -> Wanted {
        let source = Source {
            instance: &self.instance,
            account: &self.place.account,
            region: &self.place.region,
            instance_type: self.machine_type.as_ref().map(|known| known.name.as_str()),
            tags: &self.tags,
        };
        wanted(&source, rules)
    }

    /// What has to be written to a source server of it that has the tags `actual`.
    pub fn plan(&self, actual: &BTreeMap<String, String>, owned: &Owned, rules: &Rules) -> Plan {
        super::plan(&self.wanted(rules), actual, owned, rules)
    }
}

impl ServerTagsRow {
    /// When the server was last known to be in line with its machine, which runs in `machine`: when it was brought in line,
    /// or when a later sweep that could read the machine's account found nothing to do.
    pub fn in_line_at(&self, machine: Option<&Place>, sweep: Option<&TagSweepRow>) -> Option<Timestamp> {
        let synced_at = self.synced_at?;
        let rests = self.doing.is_none() && self.refused.is_none() && self.skipped.is_none();
        let could_read = |sweep: &&TagSweepRow| {
            machine.is_some_and(|machine| !sweep.unread.iter().any(|(place, _)| place == machine))
        };
        let swept_at = sweep.filter(|_| rests).filter(could_read).and_then(|sweep| sweep.swept_at);
        swept_at.max(Some(synced_at))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + hour * 3_600).unwrap()
    }

    fn place(region: &str) -> Place {
        Place { account: "111122223333".parse().unwrap(), region: region.parse().unwrap() }
    }

    fn row(more: &serde_json::Value) -> ServerTagsRow {
        let mut row = json!({ "place": place("us-west-2"), "server": "s-12345678901234567", "name": "erp" });
        let members = row.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        serde_json::from_value(row).unwrap()
    }

    fn sweep(hour: i64, unread: &[&str]) -> TagSweepRow {
        let unread = unread.iter().map(|region| (place(region), "no".to_owned())).collect();
        TagSweepRow { place: place("us-west-2"), swept_at: Some(at(hour)), sweeping: None, unread }
    }

    #[test]
    fn a_later_sweep_confirms_a_server_that_had_nothing_left_to_do() {
        let machine = place("us-east-1");
        let rests = row(&json!({ "synced_at": at(0) }));
        assert_eq!(rests.in_line_at(Some(&machine), Some(&sweep(5, &[]))), Some(at(5)));
        assert_eq!(rests.in_line_at(Some(&machine), Some(&sweep(-5, &[]))), Some(at(0)));
        assert_eq!(
            rests.in_line_at(Some(&machine), Some(&sweep(5, &["us-east-1"]))),
            Some(at(0)),
            "not read"
        );
        assert_eq!(rests.in_line_at(None, Some(&sweep(5, &[]))), Some(at(0)), "nobody knows where it runs");
        assert_eq!(rests.in_line_at(Some(&machine), None), Some(at(0)));
        for more in [
            json!({ "synced_at": at(0), "skipped": "DISCONNECTED" }),
            json!({ "synced_at": at(0), "refused": { "since": at(1), "retry_at": at(6), "attempts": 1, "reason": "no" } }),
            json!({ "synced_at": at(0), "doing": { "since": at(1), "plan": {}, "cause": "SWEEP" } }),
        ] {
            assert_eq!(row(&more).in_line_at(Some(&machine), Some(&sweep(5, &[]))), Some(at(0)), "{more}");
        }
        assert_eq!(row(&json!({})).in_line_at(Some(&machine), Some(&sweep(5, &[]))), None, "never");
    }

    #[test]
    fn a_day_is_fresh() {
        assert_eq!(Freshness::of(None, at(0)), Freshness::Never);
        assert_eq!(Freshness::of(Some(at(0)), at(23)), Freshness::Synced);
        assert_eq!(Freshness::of(Some(at(0)), at(24)), Freshness::Stale);
    }

    #[test]
    fn rules_that_switch_off_come_before_what_is_wrong_with_the_server() {
        let off = Rules { enabled: false, ..Rules::default() };
        assert_eq!(reason_to_skip(None, true, None, &off), Some(Skipped::SwitchedOff));
        assert_eq!(reason_to_skip(None, true, None, &Rules::default()), Some(Skipped::Disconnected));
        assert_eq!(reason_to_skip(None, false, None, &Rules::default()), Some(Skipped::NoInstance));
        let instance = "i-0a1b2c3d4e5f60718".parse().unwrap();
        let unknown = reason_to_skip(Some(&instance), false, None, &Rules::default());
        assert_eq!(unknown, Some(Skipped::TagsUnknown));
    }
}
