use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::incident::Severity;
use crate::notify::testing::{account, event};

pub(super) fn routes(document: Value) -> Routes {
    serde_json::from_value(document).unwrap()
}

fn company() -> Routes {
    routes(json!({
        "channels": {
            "erp": { "type": "slack", "secret": "drs-fleet/slack", "channel": "C0123456789" },
            "pager": { "type": "webhook", "secret": "drs-fleet/pager" },
        },
        "default": { "group_by": ["kind", "account"], "repeat_interval": "8h" },
        "routes": [
            { "name": "audit", "match": { "severity": "CRITICAL" }, "continue": true, "channels": ["mail"] },
            {
                "name": "erp", "match": { "application": "ERP" }, "channels": ["erp"], "group_wait": "1m",
                "routes": [
                    {
                        "name": "night", "match": { "severity": ">=HIGH" },
                        "escalate": [{ "after": "15m", "channels": ["pager"] }],
                    },
                ],
            },
            { "name": "rest-of-erp", "match": { "application": "ERP*" } },
        ],
        "people": [
            { "name": "anna", "match": { "account": "Pay*" }, "channels": ["mail"],
              "quiet": { "from": "22:00", "to": "07:00", "zone": "Europe/Berlin", "except": "CRITICAL" } },
            { "name": "bob", "channels": ["mail"],
              "digest": { "at": "08:00", "zone": "Europe/Berlin", "days": "monday" } },
        ],
    }))
}

fn taken(routes: &Routes, odd: Value) -> Vec<String> {
    let (event, account) = (event(odd), account());
    routes.taken(&Labels::of(&event, Some(&account))).into_iter().map(|taken| taken.route).collect()
}

fn name(text: &str) -> ChannelName {
    text.to_owned().try_into().unwrap()
}

#[test]
fn without_any_document_all_is_told_by_mail_and_slack_grouped_by_kind_and_region() {
    let routes = Routes::default();
    let event = event(json!({}));
    let all = routes.taken(&Labels::of(&event, None));
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].group, "default|kind=REPLICATION_STALLED|region=eu-central-1");
    assert_eq!(all[0].labels["region"], "eu-central-1");
    let plan = routes.plan(&all[0].route);
    assert_eq!(plan.channels, [name("mail"), name("slack")]);
    let minutes = |n| Duration::from_mins(n);
    assert_eq!((plan.group_wait, plan.group_interval), (Duration::from_secs(30), minutes(5)));
    assert_eq!((plan.repeat_interval, plan.escalate.len()), (minutes(240), 0));
    assert_eq!(routes.channel(&name("mail")), Some(&Channel::Topic { arn: None }));
    assert_eq!(routes.problems(), [""; 0]);
}

#[test]
fn the_first_route_that_matches_wins_unless_it_continues_and_the_deepest_counts() {
    let routes = company();
    assert_eq!(routes.problems(), [""; 0]);
    assert_eq!(taken(&routes, json!({})), ["default/erp/night", "people/anna", "people/bob"]);
    assert_eq!(taken(&routes, json!({ "severity": "LOW" }))[0], "default/erp");
    let critical = taken(&routes, json!({ "severity": "CRITICAL", "accountName": "ERP" }));
    assert_eq!(critical, ["default/audit", "default/erp/night", "people/bob"]);
    assert_eq!(taken(&routes, json!({ "application": "ERP2" }))[0], "default/rest-of-erp");
    assert_eq!(taken(&routes, json!({ "application": null }))[0], "default");
}

#[test]
fn a_route_tells_as_the_one_above_it_where_it_says_nothing() {
    let routes = company();
    let plan = routes.plan("default/erp/night");
    assert_eq!((plan.channels, plan.group_wait), (vec![name("erp")], Duration::from_mins(1)));
    assert_eq!((plan.repeat_interval, plan.escalate.len()), (Duration::from_hours(8), 1));
    assert_eq!(routes.plan("default/erp").escalate, []);
    let nobody = Plan { channels: Vec::new(), escalate: Vec::new(), ..routes.plan("default") };
    assert_eq!(routes.plan("people/gone"), nobody, "others know it");
    for gone in ["default/gone", "gone", ""] {
        assert_eq!(routes.plan(gone), routes.plan("default"), "{gone}");
    }
}

#[test]
fn people_are_told_at_their_hours() {
    let routes = company();
    let night = "2026-08-22T23:00:00Z".parse().unwrap();
    let told = |route: &str, worst| routes.plan(route).tells_at(night, worst).to_string();
    assert_eq!(told("people/anna", Severity::High), "2026-08-23T05:00:00Z");
    assert_eq!(told("people/anna", Severity::Critical), "2026-08-22T23:00:00Z");
    assert_eq!(told("people/bob", Severity::Critical), "2026-08-24T06:00:00Z");
    assert_eq!(told("default", Severity::Low), "2026-08-22T23:00:00Z");
}

#[test]
fn all_in_a_group_have_in_common_what_it_is_grouped_by() {
    let routes = company();
    let event = event(json!({}));
    let all = routes.taken(&Labels::of(&event, None));
    assert_eq!(all[0].group, "default/erp/night|kind=REPLICATION_STALLED|account=111122223333");
    assert_eq!(all[0].labels["account"], "Payments", "people know it by its name");
    assert_eq!((all[2].group.as_str(), all[2].labels.len()), ("people/bob", 0), "one digest of all");
}

#[test]
fn channels_are_those_of_the_hub_and_those_that_are_set() {
    let names: Vec<_> = company().channels().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["erp", "mail", "pager", "slack"]);
    let own = routes(json!({ "channels": { "mail": { "type": "event-bridge" } } }));
    assert_eq!(own.channel(&name("mail")), Some(&Channel::EventBridge), "what is set wins");
    assert_eq!(own.channel(&name("gone")), None);
}

#[test]
fn why_tells_of_each_route_that_was_asked_and_of_those_that_were_not() {
    let (routes, event) = (company(), event(json!({ "severity": "LOW" })));
    let why = routes.why(&Labels::of(&event, None));
    let told: Vec<_> = why.iter().map(|asked| (asked.route.as_str(), asked.outcome)).collect();
    assert_eq!(
        told,
        [
            ("default", Outcome::Deeper),
            ("default/audit", Outcome::NotMatched),
            ("default/erp", Outcome::Taken),
            ("default/erp/night", Outcome::NotMatched),
            ("default/rest-of-erp", Outcome::NotAsked),
            ("people/anna", Outcome::Taken),
            ("people/bob", Outcome::Taken),
        ]
    );
    assert_eq!(why[1].because[0].has, ["LOW"]);
}

#[test]
fn what_is_written_is_read_again_and_what_is_unknown_is_refused() {
    let written = serde_json::to_value(company()).unwrap();
    assert_eq!(routes(written), company());
    for unknown in [
        json!({ "route": [] }),
        json!({ "default": { "channel": ["mail"] } }),
        json!({ "routes": [{ "name": "a", "matches": {} }] }),
        json!({ "routes": [{ "name": "a", "match": {}, "groupby": [] }] }),
        json!({ "people": [{ "name": "a", "channels": ["mail"], "mute": 1 }] }),
    ] {
        let error = serde_json::from_value::<Routes>(unknown.clone()).unwrap_err().to_string();
        assert!(error.contains("unknown field"), "{unknown}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_are_the_same_if_and_only_if_their_labels_are_and_fit_a_key(
        (one, other) in (".{0,300}", ".{0,300}"),
        (plan, another) in ("[|=%# a-c]{0,4}", "[|=%# a-c]{0,4}"),
    ) {
        let routes = routes(json!({ "default": { "group_by": ["application", "plan"] } }));
        let group = |application: &str, plan: &str| {
            let event = event(json!({ "application": application, "planName": plan }));
            routes.taken(&Labels::of(&event, None)).remove(0).group
        };
        prop_assert_eq!(group(&one, &plan), group(&one, &plan));
        prop_assert_eq!(group(&one, &plan) == group(&other, &another), (&one, &plan) == (&other, &another));
        prop_assert!(group(&one, &plan).len() <= 200);
    }

    #[test]
    fn every_incident_takes_a_route_and_each_route_at_most_once(
        kinds in prop::collection::vec(prop::sample::select(&["*", "REPLICATION_*", "JOB_*"][..]), 0..6),
        goes_on in prop::collection::vec(any::<bool>(), 6),
    ) {
        let each = kinds.iter().zip(&goes_on).enumerate();
        let each = each.map(|(n, (kind, on))| json!({ "name": format!("r{n}"), "match": { "kind": kind }, "continue": on }));
        let routes = routes(json!({ "routes": each.collect::<Vec<_>>() }));
        let taken = taken(&routes, json!({}));
        let unique: BTreeSet<_> = taken.iter().collect();
        prop_assert!(!taken.is_empty());
        prop_assert_eq!(unique.len(), taken.len());
        let wins = kinds.iter().zip(&goes_on).position(|(kind, on)| !on && *kind != "JOB_*");
        let expected = kinds.iter().take(wins.map_or(kinds.len(), |n| n + 1)).filter(|kind| **kind != "JOB_*").count();
        prop_assert_eq!(taken.len(), expected.max(1));
    }
}
