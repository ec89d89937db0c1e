use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use drs_fleet_domain::policy::PolicyRow;
use drs_fleet_domain::registry::{AccountRow, AccountStatus};
use serde_json::json;

use super::*;
use crate::hub::Hub;
use crate::local::operator::Operator;
use crate::local::testing::{Company, company};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

/// The example of `--help`, without what is around it.
fn example() -> String {
    let lines = EXAMPLE.lines().skip_while(|line| !line.starts_with("  "));
    let lines: Vec<_> = lines.map_while(|line| line.strip_prefix("  ")).collect();
    lines.join("\n")
}

fn account() -> AccountRow {
    AccountRow {
        id: "111122223333".parse().unwrap(),
        name: "Payments".into(),
        alias: Some("pay".into()),
        role_arn: String::new(),
        external_id_secret: String::new(),
        regions: Vec::new(),
        status: AccountStatus::Active,
        last_validated: None,
        last_error: None,
        target: None,
    }
}

#[test]
fn the_example_of_the_help_can_be_used_and_uses_all_that_there_is() {
    let policy = check::parse(&example()).unwrap();
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
    let account = account();
    let shown = [
        show::print(None, None, now),
        show::print(Some(&row), None, now),
        show::print(Some(&row), Some(&account), now),
    ];
    insta::assert_snapshot!(shown.join("\n\n----\n\n"));
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line() {
    let error = |text: &str| format!("{:#}", check::parse(text).unwrap_err());
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
    let policy =
        check::parse("overrides:\n  - accounts: [012345678901]\n    set: { info_at: 200 }\n").unwrap();
    assert_eq!(policy.overrides[0].accounts.first().unwrap().as_str(), "012345678901");
}

#[test]
fn json_is_read_too() {
    let policy =
        check::parse(&json!({ "fleet": { "info_at": 240, "lag_above": "PT30M" } }).to_string()).unwrap();
    assert_eq!(policy.fleet.each_set().len(), 2);
}

/// A person at the command line, and a file.
struct Stage {
    _company: Company,
    hub: Hub,
    file: PathBuf,
}

impl Stage {
    async fn new(name: &str) -> Self {
        let company = company().await;
        let hub = Hub::of_operator(&Operator::at(company.desk.address()).await.unwrap());
        let file = std::env::temp_dir().join(format!("drs-fleet-policy-{name}-{}.yaml", std::process::id()));
        Self { _company: company, hub, file }
    }

    fn write(&self, text: &str) {
        std::fs::File::create(&self.file).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// What a command prints, and after it the error that it ends with.
    async fn run(&self, line: &str, answer: Option<bool>) -> String {
        let file = self.file.display().to_string();
        let line = line.replace("FILE", &file);
        let words = std::iter::once("policy").chain(line.split_whitespace());
        let mut printed = Vec::new();
        let command = Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).arguments.command;
        let ended = match command {
            Command::Check(check) => check::check(&check, &mut printed),
            Command::Show(show) => show::show(&self.hub, &show, &mut printed).await,
            Command::Set(set) => set::set(&self.hub, &set, &mut printed, &move |_| Ok(answer)).await,
        };
        let error = ended.err().map(|error| format!("error: {error:#}\n")).unwrap_or_default();
        (String::from_utf8(printed).unwrap() + &error).replace(&file, "FILE")
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
