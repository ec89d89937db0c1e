use std::time::Duration;

use drs_fleet_domain::incident::{Incident, IncidentKind, Severity};
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::recovery::{Failback, Machine, RecoveryRow};
use drs_fleet_domain::seen::Size;
use drs_fleet_domain::stamp::Stamp;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Command;
use crate::family::OneOf;
use crate::testing::{self, before, dateless, place};

const PAYMENTS: &str = "111122223333";
const CLAIMS: &str = "222233334444";
const LEFT: &str = "drsjob-11111111111111111";

type Stage = testing::Stage<OneOf<Command>>;

fn hours(number: u64) -> Timestamp {
    before(Duration::from_hours(number))
}

fn instance(account: &str, number: u32, name: &str, cores: u64, launched: u64) -> RecoveryRow {
    let size = Size { cores, ram: cores << 32 };
    let mut row: RecoveryRow = serde_json::from_value(json!({
        "place": place(account, "us-west-2"), "id": format!("i-{number:017x}"), "name": name, "drill": true, "job": LEFT,
        "plan": "quarterly", "launched_at": hours(launched),
    }))
    .unwrap();
    row.machine = Some(Machine { seen_at: hours(1), state: "RUNNING".to_owned(), size });
    failback(&mut row, "FAILBACK_NOT_STARTED");
    row
}

fn failback(row: &mut RecoveryRow, state: &str) {
    let (state, since) = (state.to_owned(), hours(1));
    row.failback = Some(Failback { state, since, stamp: Stamp::swept(since), error: None });
}

fn incident(reason: &str) -> Incident {
    Incident {
        opened_at: hours(3),
        severity: Severity::Medium,
        sequence: 1,
        reason: reason.to_owned(),
        closed_at: None,
        flaps: 0,
        told_over: false,
    }
}

/// Of a drill that was left running two instances, one of which is stopped; a recovery whose failback failed; one that is
/// gone.
async fn fleet() -> Stage {
    let stage = Stage::new().await;
    stage.register(PAYMENTS, "Payments", &["us-west-2"], None).await;
    stage.register(CLAIMS, "Claims", &["us-west-2"], None).await;
    let here = place(PAYMENTS, "us-west-2");
    let mut left = JobRow::unknown((&here, &LEFT.parse().unwrap()));
    left.incidents.insert(IncidentKind::DrillLeftRunning, incident("it still runs").into());
    stage.store(&left).await;
    stage.store(&instance(PAYMENTS, 1, "erp-app", 2, 30)).await;
    stage.store(&instance(PAYMENTS, 2, "erp-db\n1", 16, 31)).await;
    let mut stopped = instance(PAYMENTS, 3, "erp-web", 2, 50);
    stopped.machine.as_mut().unwrap().state = "STOPPED".to_owned();
    stage.store(&stopped).await;
    let mut recovered = instance(CLAIMS, 4, "crm-db", 4, 5);
    (recovered.drill, recovered.plan, recovered.job) = (Some(false), None, None);
    failback(&mut recovered, "FAILBACK_ERROR");
    recovered.incidents.insert(IncidentKind::FailbackFailed, incident("no client").into());
    stage.store(&recovered).await;
    let gone = RecoveryRow { gone_since: Some(hours(2)), ..instance(CLAIMS, 5, "old-web", 0, 9) };
    stage.store(&gone).await;
    stage
}

#[tokio::test]
async fn those_that_run_come_first_by_age_with_what_they_cost() {
    let stage = fleet().await;
    let lines = ["list", "list --gone --account Claims", "list --older-than 400d"];
    insta::assert_snapshot!(dateless(&stage.session("recovery-instances", &lines).await));
}

fn labels(list: &Value) -> Vec<&str> {
    list["instances"].as_array().unwrap().iter().map(|instance| instance["label"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn instances_are_told_apart_by_many_things() {
    let stage = fleet().await;
    for (filter, expected) in [
        ("", vec!["erp-db\n1", "erp-app", "crm-db", "erp-web"]),
        ("--drill", vec!["erp-db\n1", "erp-app", "erp-web"]),
        ("--older-than 24h", vec!["erp-db\n1", "erp-app", "erp-web"]),
        ("--older-than 31h", vec!["erp-db\n1", "erp-web"]),
        ("--failback error", vec!["crm-db"]),
        ("--failback FAILBACK_ERROR,not_started --account Claims", vec!["crm-db"]),
        ("--gone --account Claims", vec!["crm-db", "old-web"]),
    ] {
        let list = stage.json(&format!("list --json {filter}")).await;
        assert_eq!(labels(&list), expected, "{filter}");
    }
}

#[tokio::test]
async fn programs_get_the_sums_of_what_runs_and_the_incident_of_the_drill() {
    let stage = fleet().await;
    let list = stage.json("list --json").await;
    assert_eq!(list["instances"][0]["incidents"], json!(["DRILL_LEFT_RUNNING"]));
    assert_eq!(list["instances"][3]["incidents"], json!([]), "it does not run");
    let large = json!({
        "account": PAYMENTS, "account_name": "Payments", "cost_class": "LARGE", "instances": 1, "cores": 16,
        "core_hours": 16 * 31,
    });
    assert_eq!(list["running"][1], large);
    assert_eq!(list["running"].as_array().unwrap().len(), 3);
}
