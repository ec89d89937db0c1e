//! Two spokes of the company in one Region: the second is the staging account of the first.

use std::time::Duration;

use drs_fleet_aws::io::{Io, ServerFilter};
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::quota::{QuotaOrigin, QuotaValue, QuotasRow};
use drs_fleet_domain::seen::Staging;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_local::drs::ServerSpec;
use drs_fleet_local::faults::{Fault, FaultRule};
use jiff::Timestamp;
use serde_json::Value;

use super::Command;
use crate::family::OneOf;
use crate::testing::{self, inventory, place, server, swept};

const TARGET: &str = "111122223333";
const STAGING: &str = "333344445555";
const REGION: &str = "us-west-2";

type Stage = testing::Stage<OneOf<Command>>;

fn target() -> Place {
    place(TARGET, REGION)
}

fn since() -> Timestamp {
    Timestamp::now() - Duration::from_mins(3)
}

async fn count(stage: &Stage, servers: u32) {
    stage.store(&swept(&target(), servers, 0, since())).await;
}

/// The staging account has two servers of the simulated company, and three more with tags.
async fn fleet() -> Stage {
    let stage = Stage::new().await;
    stage.register(TARGET, "Payments", &[REGION], None).await;
    stage.register(STAGING, "Web shop", &[REGION], Some(TARGET)).await;
    let drs = &stage.company.fleet.world.drs;
    drs.trust(STAGING, TARGET);
    for number in 1..=3 {
        let mut spec = ServerSpec::named(&format!("web-{number}")).continuous(Timestamp::now());
        spec.tags = [("Name", format!("Web {number}")), ("aws:x", "1".into()), ("Owner", "kim".into())]
            .map(|(key, value)| (key.to_owned(), value))
            .into();
        drs.add_server((STAGING, REGION), spec, Timestamp::now()).unwrap();
    }
    stage
}

fn servers(stage: &Stage) -> usize {
    stage.company.fleet.world.drs.servers((TARGET, REGION), Timestamp::now()).len()
}

#[tokio::test]
async fn what_is_missing_is_planned_extended_and_then_missing_no_more() {
    let stage = fleet().await;
    count(&stage, 2).await;
    let plan = stage.json("plan --json").await;
    assert_eq!(plan["missing"], 5);
    let pair = &plan["pairs"][0];
    assert_eq!((&pair["staging"], &pair["target"]), (&Value::from(STAGING), &Value::from(TARGET)));
    assert_eq!((&pair["target_servers"], &pair["quota"]["value"]), (&Value::from(2), &Value::from(4_000)));
    let (told, code) = stage.run_to_code("plan").await;
    assert!(code == 2 && told.contains("Web 3"), "{code}: {told}");
    assert!(
        told.contains("333344445555 (Web shop) → 111122223333 (Payments), us-west-2: 5 servers"),
        "{told}"
    );

    let done = stage.run("apply --yes --limit 3").await;
    assert!(done.contains("[3/3]") && done.contains("3 servers extended."), "{done}");
    assert!(done.contains("capacity-tracker and job-monitor sweep their places now."), "{done}");
    assert_eq!(servers(&stage), 5);
    let done = stage.run("apply --yes").await;
    assert!(done.contains("2 servers extended.") && !done.contains("error"), "{done}");
    assert_eq!(stage.run("apply --yes").await, "Nothing is missing.\n");
    let (told, code) = stage.run_to_code("plan").await;
    assert!(code == 0 && told.contains("0 servers not extended"), "{code}: {told}");
}

#[tokio::test]
async fn nothing_is_created_without_a_person_who_wants_it() {
    let stage = fleet().await;
    count(&stage, 2).await;
    let refused = stage.run("apply").await;
    assert!(refused.contains("error: 5 extended source servers would be created"), "{refused}");
    assert_eq!(servers(&stage), 2);
}

#[tokio::test]
async fn tags_are_copied_and_those_of_aws_are_not() {
    let stage = fleet().await;
    count(&stage, 2).await;
    stage.run("apply --yes").await;
    let shown = stage.hub.io.source_servers(&target(), &ServerFilter::All, None).await.unwrap().items;
    let web =
        shown.iter().find(|server| server.tags.get("Name").is_some_and(|name| name == "Web 1")).unwrap();
    assert_eq!(web.tags.keys().collect::<Vec<_>>(), ["Name", "Owner"]);
    assert_eq!(web.staging.account.as_ref().unwrap().as_str(), STAGING);
}

#[tokio::test]
async fn the_quota_of_the_target_is_never_exceeded() {
    let stage = fleet().await;
    count(&stage, 2).await;
    let values = [("L-E28BE5E0".to_owned(), QuotaValue { value: 3, origin: QuotaOrigin::Applied })].into();
    stage.store(&QuotasRow { place: target(), read_at: since(), values, failed_at: None }).await;
    let plan = stage.run("plan").await;
    assert!(plan.contains("the target has 2 of 3 source servers (L-E28BE5E0, applied quota)"), "{plan}");
    assert!(plan.contains("4 servers more than that allows"), "{plan}");
    let done = stage.run("apply --yes").await;
    assert!(done.contains("1 server extended."), "{done}");
    assert!(
        done.contains("error: 4 servers of account 333344445555 stay: 111122223333/us-west-2 has 2 of 3"),
        "{done}"
    );
    assert_eq!(servers(&stage), 3);
}

#[tokio::test]
async fn without_a_count_nothing_is_extended() {
    let stage = fleet().await;
    let done = stage.run("apply --yes").await;
    assert!(done.contains("error: 5 servers of account 333344445555 stay: no sweep has counted"), "{done}");
    assert_eq!(servers(&stage), 2);
}

#[tokio::test]
async fn a_failure_is_named_and_the_rest_goes_on() {
    let stage = fleet().await;
    count(&stage, 2).await;
    let rule = |probability| {
        vec![FaultRule::of(("drs", "CreateExtendedSourceServer"), probability, Fault::ServerError)]
    };
    stage.company.fleet.world.faults.set(rule(0.5));
    let told = stage.run("apply --yes").await;
    let failed = told.lines().filter(|line| line.contains("failed: CreateExtendedSourceServer")).count();
    assert!((1..5).contains(&failed), "the dice are seeded: {told}");
    assert_eq!(servers(&stage), 7 - failed, "{told}");
    assert!(told.contains("could not be extended; run it again"), "{told}");
    stage.company.fleet.world.faults.set(rule(0.0));
    stage.run("apply --yes").await;
    assert_eq!(servers(&stage), 7);
}

#[test]
fn a_refusal_that_would_meet_every_server_ends_the_calls_of_its_target() {
    let refused = |verdict, message: &str| {
        super::apply::why_closed(&IoError::new(
            Neighbour::Spoke,
            "CreateExtendedSourceServer",
            verdict,
            message,
        ))
    };
    let denied = refused(Verdict::Denied, "AccessDeniedException: no").unwrap();
    assert!(denied.contains("AllowExtend=true"), "{denied}");
    let full = refused(Verdict::Permanent, "ServiceQuotaExceededException: 4000").unwrap();
    assert!(full.contains("quota"), "{full}");
    assert_eq!(refused(Verdict::Permanent, "ConflictException: is extended already"), None);
    assert_eq!(refused(Verdict::Transient, "500"), None);
}

#[tokio::test]
async fn what_cannot_be_compared_says_what_to_do() {
    let stage = fleet().await;
    stage.register("222233334444", "Logistics", &[REGION], Some("999900001111")).await;
    stage.register("444455556666", "ERP", &["eu-central-1", REGION], Some(TARGET)).await;
    let lines = ["plan --staging logistics", "plan --staging ERP", "plan --target nobody", "list"];
    insta::assert_snapshot!(stage.session("extended", &lines).await);
}

fn extended(number: u32, name: &str, error: Option<&str>) -> ServerRow {
    let staging = Staging {
        status: Some(if error.is_some() { "EXTENSION_ERROR" } else { "EXTENDED" }.to_owned()),
        account: Some(STAGING.parse().unwrap()),
        server_arn: Some(format!("arn:aws:drs:us-west-2:{STAGING}:source-server/s-{number:017}")),
        error: error.map(str::to_owned),
    };
    let mut row = server(&target(), number, name, "CONTINUOUS", since());
    inventory(&mut row).staging = staging;
    row
}

#[tokio::test]
async fn relations_are_listed_with_what_is_wrong_with_them() {
    let stage = fleet().await;
    stage.store(&extended(1, "web-1", None)).await;
    stage.store(&extended(2, "web-2", Some("the role was revoked"))).await;
    let mut own = extended(3, "own", None);
    inventory(&mut own).staging.account = Some(TARGET.parse().unwrap());
    stage.store(&own).await;
    insta::assert_snapshot!(stage.run("list").await);
    let list = stage.json("list --json").await;
    assert_eq!(list["relations"][0]["servers"][1]["error"], "EXTENSION_ERROR: the role was revoked");
    assert_eq!(list["relations"].as_array().unwrap().len(), 1);
}
