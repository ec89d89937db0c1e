//! The one place where thresholds are set: for the fleet, for accounts, and for servers by a tag.
//!
//! What is not set is the default of [`Limits`]. Of several overrides that match, the later wins.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::AccountId;
use crate::keys::{self, Key};
use crate::row::Row;
use crate::span::Length;

mod problems;

const GIB: u64 = 1 << 30;

/// The tag with a server's recovery point objective, such as `15m`.
pub const RPO_TAG: &str = "drs-fleet:rpo";

/// The tag with a server's recovery time objective, such as `1h`.
pub const RTO_TAG: &str = "drs-fleet:rto";

/// The tag with the window of a server's or an account's next drill, see [`WindowRow::of_tag`].
///
/// [`WindowRow::of_tag`]: crate::notify::WindowRow::of_tag
pub const DRILL_TAG: &str = "drs-fleet:drill";

/// The tag of a job that names the plan it belongs to, so that the jobs of one drill can be grouped.
pub const PLAN_TAG: &str = "drs-fleet:plan";

/// All thresholds, as people write them. Stored as one item; the workers read it again every minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// For the whole fleet.
    #[serde(default, skip_serializing_if = "Thresholds::is_empty")]
    pub fleet: Thresholds,
    /// The tag that names a server's application; `Application` where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_tag: Option<String>,
    /// For accounts and for servers with a tag; the later wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

/// Thresholds for some accounts, for servers with a tag, or for servers with a tag in some accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// In these accounts; empty means in all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accounts: BTreeSet<AccountId>,
    /// Of servers with this tag; what concerns a whole account is not changed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagValue>,
    /// The thresholds.
    pub set: Thresholds,
}

/// A tag and its value, both exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagValue {
    /// Which tag.
    pub key: String,
    /// Which value.
    pub value: String,
}

macro_rules! thresholds {
    ($($(#[$doc:meta])* $name:ident: $written:ty => $used:ty = $default:expr;)*) => {
        /// Thresholds as far as they are set.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Thresholds {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $name: Option<$written>,)*
        }

        /// Thresholds as they apply.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[$doc])* pub $name: $used,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Thresholds {
            /// Those that are set, by name and as they are written.
            pub fn each_set(&self) -> Vec<(&'static str, String)> {
                let mut all = Vec::new();
                $(if let Some(value) = self.$name { all.push((stringify!($name), value.to_string())); })*
                all
            }
        }

        impl Limits {
            fn take(&mut self, set: &Thresholds) {
                $(if let Some(value) = set.$name { self.$name = value.into(); })*
            }

            /// As they would be written in a policy.
            pub fn written(&self) -> Thresholds {
                Thresholds { $($name: Some(self.$name.into()),)* }
            }
        }
    };
}

thresholds! {
    /// From so many replicating servers of a quota of 300 on the status is INFO; also what placement fills up to.
    /// Scaled to the applied quota.
    info_at: u32 => u32 = 250;
    /// From so many of 300 on the status is WARNING.
    warning_at: u32 => u32 = 280;
    /// From so many of 300 on the status is CRITICAL.
    critical_at: u32 => u32 = 300;
    /// A status is left only when the count is so many of 300 below its threshold.
    hysteresis: u32 => u32 = 5;
    /// How often an account is swept.
    sweep_every: Length => Duration = Duration::from_mins(5);
    /// How often a Region is swept in which DRS was never initialised.
    sweep_uninitialized_every: Length => Duration = Duration::from_hours(6);
    /// A spoke is silent when nothing came from it for this long.
    silent_after: Length => Duration = Duration::from_mins(15);
    /// When no sweep of an account and Region has ended for this long, though several were begun, nothing is known of it.
    unswept_after: Length => Duration = Duration::from_mins(15);
    /// A stall is CRITICAL when it lasts this long.
    stalled_critical_after: Length => Duration = Duration::from_mins(30);
    /// More lag than this is an incident.
    lag_above: Length => Duration = Duration::from_hours(1);
    /// More bytes of backlog than this are an incident.
    backlog_above: u64 => u64 = 10 * GIB;
    /// An agent that DRS has not seen for longer is an incident.
    not_seen_after: Length => Duration = Duration::from_mins(15);
    /// A first replication without progress for this long is stuck.
    initial_sync_stuck_after: Length => Duration = Duration::from_hours(6);
    /// Servers that are gone from AWS are forgotten after this long.
    gone_kept: Length => Duration = Duration::from_hours(90 * 24);
    /// A job is stuck when nothing of it moved for this long. Unless it is set, what the fleet's earlier jobs took is
    /// learnt.
    job_stuck_after: Length => Duration = Duration::from_mins(30);
    /// A job in which servers failed is an incident for this long, unless they were launched since.
    job_failed_kept: Length => Duration = Duration::from_hours(7 * 24);
    /// From this many percent of a quota of jobs on (jobs at a time, servers in them) it is an incident.
    job_quota_percent: u32 => u32 = 80;
    /// A drill whose instances still run so long after its end is an incident.
    drill_left_after: Length => Duration = Duration::from_hours(24);
    /// A server that was not drilled successfully for this long is due for a drill.
    drill_every: Length => Duration = Duration::from_hours(90 * 24);
    /// After a failback, an extended server that does not replicate again for this long is an incident.
    not_resumed_after: Length => Duration = Duration::from_mins(30);
}

impl Thresholds {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Policy {
    /// What applies to an account as a whole.
    pub fn of_account(&self, account: &AccountId) -> Limits {
        self.limits(account, |_| false)
    }

    /// What applies to a server, by its tags.
    pub fn of_server(&self, account: &AccountId, tags: &BTreeMap<String, String>) -> Limits {
        self.limits(account, |tag| tags.get(&tag.key) == Some(&tag.value))
    }

    fn limits(&self, account: &AccountId, is_tagged: impl Fn(&TagValue) -> bool) -> Limits {
        self.limits_where(|each| each.is_in(account) && each.tag.as_ref().is_none_or(&is_tagged))
    }

    fn limits_where(&self, applies: impl Fn(&Override) -> bool) -> Limits {
        let mut limits = Limits::default();
        limits.take(&self.fleet);
        for each in self.overrides.iter().filter(|each| applies(each)) {
            limits.take(&each.set);
        }
        limits
    }

    /// The tag that names a server's application.
    pub fn application_tag(&self) -> &str {
        self.application_tag.as_deref().unwrap_or("Application")
    }

    /// The tags that decisions on a server look at: those of overrides, its application, its recovery
    /// objectives, the window of its next drill.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        let overrides =
            self.overrides.iter().filter_map(|each| each.tag.as_ref()).map(|tag| tag.key.as_str());
        overrides.chain([self.application_tag(), RPO_TAG, RTO_TAG, DRILL_TAG])
    }

    /// What applies to an account that no override names, such as one that is still to be registered.
    pub fn of_new_account(&self) -> Limits {
        self.limits_where(|each| each.accounts.is_empty() && each.tag.is_none())
    }

    /// Where the value of a threshold comes from that applies to an account as a whole.
    pub fn origin(&self, account: &AccountId, threshold: &str) -> SetBy {
        let sets = |set: &Thresholds| set.each_set().iter().any(|(name, _)| *name == threshold);
        let of_account = |each: &Override| each.tag.is_none() && each.is_in(account);
        let overridden = self.overrides.iter().rposition(|each| of_account(each) && sets(&each.set));
        match overridden {
            Some(n) => SetBy::Override(n + 1),
            None if sets(&self.fleet) => SetBy::Fleet,
            None => SetBy::Default,
        }
    }
}

/// Where the value of a threshold comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// It is not set.
    Default,
    /// Set for the fleet.
    Fleet,
    /// Set by the override of this number; the first is 1.
    Override(usize),
}

impl std::fmt::Display for SetBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Fleet => f.write_str("fleet"),
            Self::Override(n) => write!(f, "override {n}"),
        }
    }
}

impl Override {
    fn is_in(&self, account: &AccountId) -> bool {
        self.accounts.is_empty() || self.accounts.contains(account)
    }
}

/// The policy as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// What is set.
    pub policy: Policy,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: jiff::Timestamp,
}

impl Row for PolicyRow {
    const KIND: &'static str = "policy";
    const WORKER: &'static str = "cli";

    fn key(&self) -> Key {
        keys::policy()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy() -> Policy {
        serde_json::from_value(json!({
            "fleet": { "info_at": 240, "lag_above": "30m" },
            "overrides": [
                { "accounts": ["111122223333"], "set": { "info_at": 200 } },
                { "tag": { "key": "Tier", "value": "gold" }, "set": { "lag_above": "5m" } },
                { "accounts": ["111122223333"], "set": { "info_at": 210 } },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn the_last_override_that_matches_applies_and_says_that_it_does() {
        let (policy, id) = (policy(), "111122223333".parse().unwrap());
        assert_eq!(policy.of_account(&id).info_at, 210);
        assert_eq!(policy.origin(&id, "info_at"), SetBy::Override(3));
        assert_eq!(policy.origin(&id, "lag_above"), SetBy::Fleet, "that of a tag is not the account's");
        assert_eq!(policy.origin(&id, "warning_at"), SetBy::Default);
        assert_eq!(policy.origin(&"222233334444".parse().unwrap(), "info_at"), SetBy::Fleet);
    }

    #[test]
    fn a_new_account_has_what_no_override_of_others_sets() {
        assert_eq!(policy().of_new_account().info_at, 240);
    }

    #[test]
    fn what_is_set_is_named_as_it_is_written() {
        assert_eq!(
            policy().fleet.each_set(),
            [("info_at", "240".to_owned()), ("lag_above", "30m".to_owned())]
        );
        let all = Limits::default().written().each_set();
        assert_eq!(all.first(), Some(&("info_at", "250".to_owned())), "in the order of the documentation");
    }
}
