use std::time::Duration;

use drs_fleet_domain::keys::Place;
use drs_fleet_domain::launches::{Launch, LaunchesRow};
use drs_fleet_domain::policy::RTO_TAG;
use drs_fleet_domain::seen::{LastLaunch, ServerFacts, Staging};
use drs_fleet_domain::server::{ServerDetailsRow, ServerRow};
use drs_fleet_domain::span::Length;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Command;
use crate::family::OneOf;
use crate::testing::{self, before, dateless, inventory, place, server};

const PAYMENTS: &str = "111122223333";
const STAGING: &str = "444455556666";
const JOB: &str = "drsjob-11111111111111111";

type Stage = testing::Stage<OneOf<Command>>;

fn days(number: u64) -> Timestamp {
    before(Duration::from_hours(number * 24))
}

fn here() -> Place {
    place(PAYMENTS, "us-west-2")
}

fn row(number: u32, name: &str, application: Option<&str>) -> ServerRow {
    let mut row = server(&here(), number, name, "CONTINUOUS", days(1));
    let marks = &mut inventory(&mut row).marks;
    marks.extend(application.map(|name| ("Application".to_owned(), name.to_owned())));
    marks.insert(RTO_TAG.to_owned(), "1h".to_owned());
    row
}

fn launch(day: u64, minutes: u64) -> Launch {
    Launch {
        at: days(day),
        job: JOB.parse().unwrap(),
        by: Some("arn:aws:sts::111122223333:assumed-role/ops/alice".to_owned()),
        took: Some(Length(Duration::from_mins(minutes))),
        exact: true,
        objective: None,
    }
}

fn details(row: &ServerRow, last_launch: Option<LastLaunch>) -> ServerDetailsRow {
    let tags = row.inventory.as_ref().unwrap().marks.clone();
    ServerDetailsRow {
        place: row.place.clone(),
        id: row.id.clone(),
        arn: format!("arn:aws:drs:us-west-2:{}:source-server/{}", row.place.account, row.id),
        hostname: None,
        facts: ServerFacts { last_launch, ..ServerFacts::default() },
        tags,
        seen_at: days(1),
        gone_since: None,
        forget_at: None,
    }
}

impl Stage {
    async fn history(
        &self,
        server: &ServerRow,
        drill: Option<Launch>,
        recovery: Option<Launch>,
        failed: Option<Launch>,
    ) {
        let (place, server) = (server.place.clone(), server.id.clone());
        self.store(&LaunchesRow { place, server, drill, recovery, failback: None, failed }).await;
    }
}

/// Of Payments: a server drilled in time, one too long ago and too slowly, one drilled before drs-fleet was there, one that
/// only failed, one that is gone, and one that is extended from Staging.
async fn fleet() -> Stage {
    let stage = Stage::new().await;
    stage.register(PAYMENTS, "Payments", &["us-west-2"], None).await;
    stage.register(STAGING, "Staging", &["us-west-2"], Some(PAYMENTS)).await;
    let in_time = row(1, "=crm-web", Some("CRM"));
    stage.history(&in_time, Some(launch(10, 20)), None, None).await;
    let overdue = row(2, "erp-db", Some("ERP"));
    stage.history(&overdue, Some(launch(93, 75)), Some(launch(40, 30)), None).await;
    let before = row(3, "erp-app", Some("ERP"));
    let told = LastLaunch { at: days(120), drill: true, job: None, status: "LAUNCHED".to_owned() };
    stage.store(&details(&before, Some(told))).await;
    let failed = row(4, "fax", None);
    stage.history(&failed, None, None, Some(launch(5, 9))).await;
    let gone = ServerRow { gone_since: Some(days(1)), ..row(5, "old-web", None) };
    let staged = server(&place(STAGING, "us-west-2"), 6, "mes-app", "CONTINUOUS", days(1));
    let arn = details(&staged, None).arn;
    stage.store(&details(&staged, None)).await;
    let mut extended = row(7, "mes-app", None);
    inventory(&mut extended).staging = Staging {
        status: Some("EXTENDED".to_owned()),
        account: Some(STAGING.parse().unwrap()),
        server_arn: Some(arn),
        error: None,
    };
    stage.history(&extended, Some(launch(3, 15)), None, None).await;
    for row in [in_time, overdue, before, failed, gone, staged, extended] {
        stage.store(&row).await;
    }
    stage
}

#[tokio::test]
async fn servers_that_are_due_are_listed_by_account_and_application_with_their_sums() {
    let stage = fleet().await;
    let lines =
        ["report", "report --in-time --older-than 400d --account Payments", "report --application nothing"];
    insta::assert_snapshot!(dateless(&stage.session("drills", &lines).await));
}

#[tokio::test]
async fn the_code_says_whether_a_server_is_due() {
    let stage = fleet().await;
    let code = async |line: &str| stage.run_to_code(line).await.1;
    assert_eq!(code("report").await, 2);
    assert_eq!(code("report --application crm").await, 0);
    assert_eq!(code("report --application CRM --older-than 5d").await, 2);
    assert_eq!(code("report --account Staging").await, 0, "what is extended is drilled elsewhere");
}

#[tokio::test]
async fn a_server_that_is_extended_is_left_out_of_the_account_that_it_replicates_in() {
    let stage = fleet().await;
    let report = stage.json("report --json --account Staging").await;
    assert_eq!((&report["servers"], &report["extended"]), (&json!([]), &json!(1)));
    let all = stage.json("report --json").await;
    let names: Vec<_> =
        all["servers"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["=crm-web", "erp-app", "erp-db", "fax", "mes-app"]);
}

#[tokio::test]
async fn programs_get_all_servers_whether_due_or_not() {
    let stage = fleet().await;
    let report = stage.json("report --format json --account Payments").await;
    let fleet = json!({ "servers": 5, "in_time": 2, "overdue": 2, "never": 1, "late": 1 });
    assert_eq!((&report["fleet"], &report["due"]), (&fleet, &Value::from(3)));
    let overdue = &report["servers"][2];
    assert_eq!((&overdue["drill"]["seconds"], &overdue["drill"]["late"]), (&json!(4_500), &json!(true)));
    let text = stage.run("report --format csv").await;
    let csv = text.split("error:").next().unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let heading: Vec<_> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let column = |name: &str| heading.iter().position(|column| column == name).unwrap();
    let lines: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!((&lines[0][column("name")], &lines[0][column("standing")]), ("'=crm-web", "IN_TIME"));
    assert_eq!((&lines[1][column("standing")], &lines[1][column("drill_by")]), ("OVERDUE", ""));
    assert_eq!((&lines[2][column("drill_seconds")], &lines[2][column("drill_late")]), ("4500", "true"));
    assert_eq!((&lines[3][column("standing")], &lines[3][column("failed_job")]), ("NEVER", JOB));
}
