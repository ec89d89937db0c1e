use std::io::Write as _;
use std::path::PathBuf;

use drs_fleet_domain::policy::{Policy, PolicyRow};
use drs_fleet_domain::registry::AccountRow;
use serde_json::json;

use super::*;
use crate::testing::{self, account};

/// The example of `--help`, without what is around it.
fn example() -> String {
    let lines = EXAMPLE.lines().skip_while(|line| !line.starts_with("  "));
    let lines: Vec<_> = lines.map_while(|line| line.strip_prefix("  ")).collect();
    lines.join("\n")
}

#[test]
fn the_example_of_the_help_can_be_used_and_uses_all_that_there_is() {
    let policy: Policy = check::parse(&example()).unwrap();
    assert_eq!(policy.problems(), [""; 0]);
    assert_eq!((policy.overrides.len(), policy.fleet.info_at), (2, Some(240)));
    assert!(policy.application_tag.is_some());
}

#[test]
fn what_applies_is_shown_with_where_it_is_set() {
    let now = "2026-08-22T20:00:00Z".parse().unwrap();
    let row = PolicyRow {
        policy: check::parse(&example()).unwrap(),
        set_by: "arn:aws:sts::111122223333:assumed-role/drs-fleet-operator/ops".into(),
        set_at: "2026-08-20T20:00:00Z".parse().unwrap(),
    };
    let account = AccountRow { alias: Some("pay".into()), ..account("111122223333", "Payments", &[]) };
    let shown = [
        show::print(None, None, now),
        show::print(Some(&row), None, now),
        show::print(Some(&row), Some(&account), now),
    ];
    insta::assert_snapshot!(shown.join("\n\n----\n\n"));
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line() {
    let error = |text: &str| format!("{:#}", check::parse::<Policy>(text).unwrap_err());
    let unknown = error("fleet:\n  info: 240\n");
    assert!(unknown.contains("unknown field `info`") && unknown.contains("line 2"), "{unknown}");
    let length = error("fleet: { lag_above: soon }");
    assert!(length.contains("write 30m, 1h 30m or PT30M"), "{length}");
    let account = error("overrides:\n  - accounts: [Payments]\n    set: { info_at: 200 }\n");
    assert!(account.contains("Payments") && account.contains("line 2"), "{account}");
    assert!(error(" \n").contains("it is empty"));
    assert!(error("{ \"fleet\": { \"info_at\": 1, \"info_at\": 2 } }").contains("duplicate field"));
}

#[test]
fn an_account_id_needs_no_quotes_and_keeps_its_zeros() {
    let policy: Policy =
        check::parse("overrides:\n  - accounts: [012345678901]\n    set: { info_at: 200 }\n").unwrap();
    assert_eq!(policy.overrides[0].accounts.first().unwrap().as_str(), "012345678901");
}

#[test]
fn json_is_read_too() {
    let policy: Policy =
        check::parse(&json!({ "fleet": { "info_at": 240, "lag_above": "PT30M" } }).to_string()).unwrap();
    assert_eq!(policy.fleet.each_set().len(), 2);
}

/// A person at the command line, and a file.
struct Stage {
    stage: testing::Stage<OneOf<Command>>,
    file: PathBuf,
}

impl Stage {
    async fn new(name: &str) -> Self {
        let file = std::env::temp_dir().join(format!("drs-fleet-policy-{name}-{}.yaml", std::process::id()));
        Self { stage: testing::Stage::new().await, file }
    }

    fn write(&self, text: &str) {
        std::fs::File::create(&self.file).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// What a command prints, and after it the error that it ends with.
    async fn run(&self, line: &str, answer: Option<bool>) -> String {
        let file = self.file.display().to_string();
        let line = line.replace("FILE", &file);
        self.stage.run_and_answer(&line, answer).await.replace(&file, "FILE")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

#[tokio::test]
async fn a_policy_is_checked_shown_as_a_difference_and_stored_with_who_set_it() {
    let stage = Stage::new("set").await;
    stage.write("fleet: { info_at: 290 }");
    let bad = stage.run("check FILE", None).await;
    assert!(bad.starts_with("error: FILE cannot be used:\n  fleet: info_at 290, warning_at 280"), "{bad}");
    assert_eq!(stage.run("set FILE --yes", None).await, bad, "it is never stored");

    stage.write("fleet: { info_at: 240, lag_above: 30m }");
    let good = stage.run("check FILE", None).await;
    assert_eq!(good, "FILE can be used: it sets 2 thresholds for the fleet, and has 0 overrides.\n");
    let unasked = stage.run("set FILE", None).await;
    assert!(unasked.contains("no policy yet") && unasked.contains("+   info_at: 240"), "{unasked}");
    assert!(unasked.contains("error: the policy is not stored without --yes"), "{unasked}");
    assert!(stage.run("set FILE", Some(false)).await.ends_with("Nothing was stored.\n"));
    assert!(stage.run("show", None).await.contains("No policy was ever set"));

    let stored = stage.run("set FILE", Some(true)).await;
    assert!(stored.contains("Stored as set by arn:aws:sts::"), "{stored}");
    assert!(stored.contains("assumed-role/drs-fleet-operator/"), "{stored}");
    stage.write("fleet: { info_at: 230, lag_above: 30m }");
    let changed = stage.run("set FILE --yes", None).await;
    for part in ["set by arn:aws:sts::", "-   info_at: 240", "+   info_at: 230", "    lag_above: 30m"] {
        assert!(changed.contains(part), "{part}: {changed}");
    }
    assert!(stage.run("set FILE", None).await.starts_with("Nothing changes"));
    let shown: serde_json::Value = serde_json::from_str(&stage.run("show --json", None).await).unwrap();
    assert_eq!(shown["policy"], json!({ "fleet": { "info_at": 230, "lag_above": "30m" } }));
    assert_eq!(
        (&shown["effective"]["info_at"], &shown["effective"]["warning_at"]),
        (&json!(230), &json!(280))
    );
}

#[tokio::test]
async fn a_file_that_is_not_there_and_an_account_that_is_not_known_are_named() {
    let stage = Stage::new("missing").await;
    assert!(stage.run("check FILE", None).await.contains("FILE cannot be read"));
    let unknown = stage.run("show --account nobody", None).await;
    assert!(unknown.contains("\"nobody\"; none is registered"), "{unknown}");
}
