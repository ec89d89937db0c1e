//! What is wrong with a policy, in words for whoever wrote it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Limits, Override, Policy, TagValue};

/// A threshold of servers is of a quota of so many.
const WRITTEN_FOR: u32 = 300;
/// AWS's limits of a tag's key and value, in characters.
const KEY_LENGTH: usize = 128;
const VALUE_LENGTH: usize = 256;

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// What concerns an account as a whole, so that a tag of a server cannot change it.
const OF_ACCOUNTS: [&str; 13] = [
    "info_at",
    "warning_at",
    "critical_at",
    "hysteresis",
    "sweep_every",
    "sweep_uninitialized_every",
    "silent_after",
    "unswept_after",
    "job_stuck_after",
    "job_failed_kept",
    "job_quota_percent",
    "drill_left_after",
    "not_resumed_after",
];

impl Policy {
    /// What is wrong with it, in words for whoever wrote it; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(tag) = &self.application_tag {
            problems.extend(of_key(tag).map(|problem| format!("application_tag: {problem}")));
        }
        let mut fleet = Limits::default();
        fleet.take(&self.fleet);
        problems.extend(fleet.problems().into_iter().map(|problem| format!("fleet: {problem}")));
        for (n, each) in self.overrides.iter().enumerate() {
            let alone = Self { fleet: self.fleet.clone(), overrides: vec![each.clone()], ..Self::default() };
            // What is wrong with the fleet's is told once.
            let new =
                alone.limits_where(|_| true).problems().into_iter().filter(|p| !fleet.problems().contains(p));
            let all = each.problems().into_iter().chain(new);
            problems.extend(all.map(|problem| format!("override {}: {problem}", n + 1)));
        }
        if problems.is_empty() { self.clashes() } else { problems }
    }

    /// Overrides that are sound one by one, and not where several apply.
    fn clashes(&self) -> Vec<String> {
        let accounts: BTreeSet<_> = self.overrides.iter().flat_map(|each| &each.accounts).collect();
        let of_accounts = accounts.into_iter().map(|id| (format!("account {id}"), self.of_account(id)));
        let others = ("accounts that no override names".to_owned(), self.of_new_account());
        let told = |(who, limits): (String, Limits)| {
            let told = move |problem| format!("{who}, by all overrides that apply: {problem}");
            limits.problems().into_iter().map(told)
        };
        of_accounts.chain([others]).flat_map(told).collect()
    }
}

impl Override {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.accounts.is_empty() && self.tag.is_none() {
            problems.push("names neither accounts nor a tag; use fleet".to_owned());
        }
        if self.set.is_empty() {
            problems.push("sets nothing".to_owned());
        }
        let Some(TagValue { key, value }) = &self.tag else { return problems };
        problems.extend(of_key(key).map(|problem| format!("tag: {problem}")));
        if value.chars().count() > VALUE_LENGTH {
            problems.push(format!("tag: a value has {VALUE_LENGTH} characters at most"));
        }
        for (name, _) in self.set.each_set().iter().filter(|(name, _)| OF_ACCOUNTS.contains(name)) {
            problems
                .push(format!("{name} concerns a whole account, which a tag of a server does not change"));
        }
        problems
    }
}

fn of_key(key: &str) -> Option<String> {
    match key.chars().count() {
        0 => Some("the key of a tag is empty".to_owned()),
        1..=KEY_LENGTH => None,
        _ => Some(format!("the key of a tag has {KEY_LENGTH} characters at most")),
    }
}

impl Limits {
    fn problems(&self) -> Vec<String> {
        let Self { info_at, warning_at, critical_at, hysteresis, .. } = *self;
        let mut problems = Vec::new();
        let ladder = info_at <= warning_at && warning_at <= critical_at;
        if !ladder || info_at == 0 || critical_at > WRITTEN_FOR {
            problems.push(format!(
                "info_at {info_at}, warning_at {warning_at} and critical_at {critical_at} must rise within 1 to \
                 {WRITTEN_FOR}"
            ));
        }
        if hysteresis >= info_at {
            problems.push(format!("hysteresis {hysteresis} must be below info_at {info_at}"));
        }
        if !(1..=100).contains(&self.job_quota_percent) {
            problems.push(format!("job_quota_percent {} must lie within 1 to 100", self.job_quota_percent));
        }
        for (name, value, least, words) in [
            ("sweep_every", self.sweep_every, MINUTE, "a minute"),
            ("sweep_uninitialized_every", self.sweep_uninitialized_every, MINUTE, "a minute"),
            ("silent_after", self.silent_after, MINUTE, "a minute"),
            ("lag_above", self.lag_above, MINUTE, "a minute"),
            ("not_seen_after", self.not_seen_after, MINUTE, "a minute"),
            ("initial_sync_stuck_after", self.initial_sync_stuck_after, MINUTE, "a minute"),
            ("gone_kept", self.gone_kept, DAY, "a day"),
            ("job_stuck_after", self.job_stuck_after, MINUTE, "a minute"),
            ("job_failed_kept", self.job_failed_kept, MINUTE, "a minute"),
            ("drill_left_after", self.drill_left_after, MINUTE, "a minute"),
            ("drill_every", self.drill_every, DAY, "a day"),
            ("not_resumed_after", self.not_resumed_after, MINUTE, "a minute"),
        ] {
            if value < least {
                problems.push(format!("{name} must be {words} at least"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn problems(policy: Value) -> Vec<String> {
        serde_json::from_value::<Policy>(policy).unwrap().problems()
    }

    #[test]
    fn what_is_not_set_is_a_default_and_no_problem() {
        assert_eq!(problems(json!({})), [""; 0]);
        assert_eq!(problems(json!({ "fleet": { "info_at": 240 } })), [""; 0]);
    }

    #[test]
    fn thresholds_rise_and_lie_within_the_quota() {
        let ladder = "fleet: info_at 290, warning_at 280 and critical_at 300 must rise within 1 to 300";
        assert_eq!(problems(json!({ "fleet": { "info_at": 290 } })), [ladder]);
        assert_eq!(problems(json!({ "fleet": { "critical_at": 301 } })).len(), 1);
        let hysteresis = "fleet: hysteresis 250 must be below info_at 250";
        assert_eq!(problems(json!({ "fleet": { "hysteresis": 250 } })), [hysteresis]);
    }

    #[test]
    fn times_that_would_do_harm_are_refused() {
        let fleet = json!({ "fleet": { "sweep_every": "30s", "lag_above": "0s", "gone_kept": "1h" } });
        let told = [
            "fleet: sweep_every must be a minute at least",
            "fleet: lag_above must be a minute at least",
            "fleet: gone_kept must be a day at least",
        ];
        assert_eq!(problems(fleet), told);
    }

    #[test]
    fn an_override_says_whom_it_is_for_and_sets_something_that_is_theirs() {
        let told = [
            "override 1: names neither accounts nor a tag; use fleet",
            "override 2: sets nothing",
            "override 3: info_at concerns a whole account, which a tag of a server does not change",
            "override 4: tag: the key of a tag is empty",
        ];
        let tag = |key: &str| json!({ "key": key, "value": "gold" });
        let policy = json!({ "overrides": [
            { "set": { "lag_above": "5m" } },
            { "accounts": ["111122223333"], "set": {} },
            { "tag": tag("Tier"), "set": { "info_at": 200, "lag_above": "5m" } },
            { "tag": tag(""), "set": { "lag_above": "5m" } },
        ] });
        assert_eq!(problems(policy), told);
        assert_eq!(
            problems(json!({ "application_tag": "" })),
            ["application_tag: the key of a tag is empty"]
        );
    }

    #[test]
    fn a_problem_of_the_fleet_is_not_told_again_with_each_override() {
        let policy = json!({
            "fleet": { "sweep_every": "1s" },
            "overrides": [{ "accounts": ["111122223333"], "set": { "lag_above": "5m" } }],
        });
        assert_eq!(problems(policy), ["fleet: sweep_every must be a minute at least"]);
    }

    #[test]
    fn overrides_that_are_sound_alone_may_clash_where_both_apply() {
        let both = json!({ "overrides": [
            { "accounts": ["111122223333"], "set": { "info_at": 290, "warning_at": 295 } },
            { "accounts": ["111122223333", "222233334444"], "set": { "warning_at": 285 } },
        ] });
        let told = problems(both);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("account 111122223333, by all overrides that apply: info_at 290"),
            "{told:?}"
        );
    }
}
