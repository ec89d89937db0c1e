use drs_fleet_domain::job::{Outcome, Purpose};
use drs_fleet_local::faults::{Fault, FaultRule};
use serde_json::{Value, json};

use super::super::list;
use super::*;

#[tokio::test]
async fn jobs_are_listed_newest_first_with_how_far_they_are_or_what_came_of_them() {
    let stage = fleet().await;
    let lines = ["list", "list --active", "list --since 30d --purpose recovery", "list --plan other"];
    insta::assert_snapshot!(dateless(&stage.session("jobs", &lines).await));
}

fn ids(list: &Value) -> Vec<&str> {
    list["jobs"].as_array().unwrap().iter().map(|job| job["job"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn jobs_are_told_apart_by_many_things() {
    let stage = fleet().await;
    for (filter, expected) in [
        ("", vec![RUNNING, PARTIAL]),
        ("--since 400d", vec![RUNNING, PARTIAL, OLD]),
        ("--since 1h", vec![RUNNING]),
        ("--active", vec![RUNNING]),
        ("--account Payments", vec![PARTIAL]),
        ("--region us-east-1", vec![RUNNING]),
        ("--purpose drill,terminate", vec![RUNNING, PARTIAL]),
        ("--since 400d --purpose RECOVERY", vec![OLD]),
        ("--plan Quarterly", vec![PARTIAL]),
        ("--outcome partial,failed", vec![PARTIAL]),
        ("--since 400d --outcome succeeded", vec![OLD]),
        ("--since 400d --limit 1 --offset 1", vec![PARTIAL]),
    ] {
        let list = stage.json(&format!("list --json {filter}")).await;
        assert_eq!(ids(&list), expected, "{filter}");
    }
    assert!(stage.run("list --purpose lunch").await.contains("possible values: DRILL, RECOVERY"));
    assert!(stage.run("list --since soon").await.contains("write 30m, 24h or 90d"));
}

#[tokio::test]
async fn what_programs_read_says_what_follows_from_the_row() {
    let stage = fleet().await;
    let list = stage.json("list --json --plan quarterly").await;
    let job = &list["jobs"][0];
    assert_eq!((&job["purpose"], &job["outcome"]), (&json!("DRILL"), &json!("PARTIAL")));
    assert_eq!((&job["succeeded"], &job["job"]["counts"]["failed"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&job["recovery_seconds"], &job["label"]),
        (&json!(54 * 60), &json!("quarterly, drill of 3 servers"))
    );
}

#[tokio::test]
async fn a_place_that_cannot_be_read_is_named_and_the_code_is_1() {
    let stage = fleet().await;
    stage.company.fleet.world.faults.set(vec![FaultRule::of(
        ("dynamodb", "BatchGetItem"),
        1.0,
        Fault::Throttle,
    )]);
    let (told, code) = stage.run_to_code("limits").await;
    assert_eq!(code, 1);
    assert!(told.contains("error: 2 places could not be read, and nothing of that is shown:"), "{told}");
}

#[test]
fn every_purpose_and_outcome_can_be_asked_for() {
    use Purpose::{ConvertedSnapshot, Diagnostic, Drill, Failback, Network, Other, Recovery, Terminate};
    let purposes = [Drill, Recovery, Failback, Terminate, ConvertedSnapshot, Network, Diagnostic, Other];
    assert_eq!(purposes.map(|purpose| purpose.to_string()), list::PURPOSES);
    let outcomes = [Outcome::Succeeded, Outcome::Partial, Outcome::Failed, Outcome::Unknown];
    assert_eq!(outcomes.map(|outcome| outcome.to_string()), list::OUTCOMES);
}
