//! Drawn routes, as people write them, and who is told by them: said apart from the code that asks them.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::Routes;
use drs_fleet_testkit::company::place;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::ACCOUNTS;

/// Gets what no route takes.
pub(super) const ALL: &str = "mail";

/// A person, who is told besides.
pub(super) const KIM: &str = "kim";

/// Is told what nobody acknowledges.
pub(super) const CHIEF: &str = "chief";

/// Who takes what: a route over the channel of its name, of one account or of all.
#[derive(Clone, Debug)]
pub(super) struct Takes {
    account: Option<u64>,
    least: Severity,
    goes_on: bool,
    by_account: bool,
    escalates: bool,
}

pub(super) fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(vec![Severity::Low, Severity::High, Severity::Critical])
}

pub(super) fn takes() -> impl Strategy<Value = Takes> {
    let account = prop::option::of(1..=ACCOUNTS);
    (account, severity(), any::<[bool; 3]>()).prop_map(
        |(account, least, [goes_on, by_account, escalates])| Takes {
            account,
            least,
            goes_on,
            by_account,
            escalates,
        },
    )
}

fn name(n: usize) -> String {
    format!("team-{n}")
}

/// All channels that somebody may be told over.
pub(super) fn channels(routes: &[Takes]) -> Vec<String> {
    (0..routes.len()).map(name).chain([ALL, KIM, CHIEF].map(str::to_owned)).collect()
}

impl Takes {
    fn written(&self, n: usize) -> Value {
        let mut matchers = json!({ "severity": format!(">={}", self.least) });
        if let Some(account) = self.account {
            matchers["account"] = json!(place(account).account);
        }
        let by: &[&str] = if self.by_account { &["kind", "region", "account"] } else { &["kind", "region"] };
        let chief = self.escalates.then(|| json!({ "after": "10m", "channels": [CHIEF] }));
        json!({ "name": name(n), "match": matchers, "continue": self.goes_on, "channels": [name(n)],
            "group_by": by, "escalate": Vec::from_iter(chief) })
    }
}

/// The routes; the person is told of what is so bad.
pub(super) fn written(routes: &[Takes], person: Severity) -> Routes {
    let topic = |name: &String| {
        let arn = format!("arn:aws:sns:us-west-2:999900001111:drs-fleet-{name}");
        (name.clone(), json!({ "type": "topic", "arn": arn }))
    };
    let channels: BTreeMap<_, _> = channels(routes).iter().filter(|name| *name != ALL).map(topic).collect();
    let written: Vec<_> = routes.iter().enumerate().map(|(n, takes)| takes.written(n)).collect();
    let person = json!({ "name": KIM, "match": { "severity": format!(">={person}") }, "channels": [KIM] });
    let all = json!({ "channels": channels, "default": { "channels": [ALL] }, "routes": written,
        "people": [person] });
    serde_json::from_value(all).unwrap()
}

/// Who is told of something this bad in an account: the first that takes it, the next ones too where it says so, else the
/// mailbox of all; the person besides, and the chief at last.
pub(super) fn takers(
    routes: &[Takes],
    person: Severity,
    account: u64,
    severity: Severity,
) -> BTreeSet<String> {
    let mut takers = BTreeSet::new();
    for (n, takes) in routes.iter().enumerate() {
        if takes.account.is_none_or(|only| only == account) && severity >= takes.least {
            takers.insert(name(n));
            takers.extend(takes.escalates.then(|| CHIEF.to_owned()));
            if !takes.goes_on {
                break;
            }
        }
    }
    if takers.is_empty() {
        takers.insert(ALL.to_owned());
    }
    takers.extend((severity >= person).then(|| KIM.to_owned()));
    takers
}
