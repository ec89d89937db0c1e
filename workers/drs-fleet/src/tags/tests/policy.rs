use std::fs;

use drs_fleet_domain::registry::AccountRow;
use drs_fleet_domain::tags::TagPolicy;
use drs_fleet_domain::tags::rules::{Rules, TagPolicyRow};

use super::super::policy::{EXAMPLE, print};
use super::*;
use crate::policy::check::parse;
use crate::testing::account;

fn example() -> TagPolicy {
    let lines = EXAMPLE.lines().skip_while(|line| !line.starts_with("  "));
    let lines: Vec<_> = lines.map_while(|line| line.strip_prefix("  ")).collect();
    parse(&lines.join("\n")).unwrap()
}

#[test]
fn the_example_of_the_help_can_be_used_and_names_every_rule() {
    let policy = example();
    assert_eq!(policy.problems(), [""; 0]);
    let names =
        |value: Value| value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    let written = names(serde_json::to_value(&policy.fleet).unwrap());
    assert_eq!(written, names(serde_json::to_value(Rules::default()).unwrap()));
}

#[test]
fn what_applies_is_shown_with_where_it_is_set() {
    let now = "2026-08-22T20:00:00Z".parse().unwrap();
    let row = TagPolicyRow {
        policy: example(),
        set_by: "ops".into(),
        set_at: "2026-08-20T20:00:00Z".parse().unwrap(),
    };
    let payments = AccountRow { alias: Some("pay".into()), ..account(PAYMENTS, "Payments", &[]) };
    let shown = [print(None, None, now), print(Some(&row), Some(&payments), now)].map(Result::unwrap);
    insta::assert_snapshot!(shown.join("\n\n----\n\n"));
}

#[tokio::test]
async fn rules_are_checked_shown_as_a_difference_and_stored_with_who_set_them() {
    let stage = stage().await;
    let file = std::env::temp_dir().join(format!("drs-fleet-tag-policy-{}.yaml", std::process::id()));
    let path = file.display().to_string();
    let run = async |line: &str| stage.run(&line.replace("FILE", &path)).await.replace(&path, "FILE");

    fs::write(&file, "fleet: { prefix: 'aws:' }").unwrap();
    let bad = run("policy check FILE").await;
    assert!(
        bad.starts_with("error: FILE cannot be used:\n  fleet: prefix: \"aws:\" is a tag of AWS"),
        "{bad}"
    );
    assert_eq!(run("policy set FILE --yes").await, bad, "it is never stored");

    fs::write(&file, "fleet: { remove: true }").unwrap();
    assert_eq!(run("policy check FILE").await, "FILE can be used: it has 0 overrides.\n");
    let unasked = run("policy set FILE").await;
    assert!(unasked.contains("has no tag policy yet") && unasked.contains("+   remove: true"), "{unasked}");
    assert!(unasked.ends_with("the tag policy is not stored without --yes, for nobody can be asked here\n"));
    let stored = run("policy set FILE --yes").await;
    assert!(stored.contains("Stored as set by arn:aws:sts::"), "{stored}");
    assert!(run("policy set FILE").await.starts_with("Nothing changes"));
    let shown = stage.json("policy show --json --account Payments").await;
    assert_eq!(
        (&shown["policy"], &shown["effective"]["remove"]),
        (&json!({ "fleet": { "remove": true } }), &json!(true))
    );
    fs::remove_file(&file).unwrap();
}
