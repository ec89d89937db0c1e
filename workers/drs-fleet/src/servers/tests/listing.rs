use drs_fleet_local::faults::{Fault, FaultRule};

use super::*;

/// The names of a list, in its order.
fn names(list: &Value) -> Vec<&str> {
    list["servers"].as_array().unwrap().iter().map(|server| server["name"].as_str().unwrap()).collect()
}

async fn found(stage: &Stage, filter: &str) -> Vec<String> {
    let list = stage.json(&format!("list {filter} --format json")).await;
    names(&list).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn servers_are_listed_by_account_region_and_name_and_told_apart_by_many_things() {
    let stage = fleet().await;
    let lines = [
        "list",
        "list --gone --limit 2",
        "list --limit 2 --offset 2",
        "list --health extension,lag",
        "list --account Payments --region us-east-1",
        "list --account nobody",
    ];
    insta::assert_snapshot!(stage.session("servers", &lines).await);
}

#[tokio::test]
async fn each_filter_finds_what_it_says() {
    let stage = fleet().await;
    for (filter, expected) in [
        ("", vec!["=crm-web", "erp-db-01", "mes-app", "mes-app"]),
        ("--state stalled", vec!["erp-db-01"]),
        ("--state STALLED,GONE --gone", vec!["erp-db-01", "old-web"]),
        ("--health incident", vec!["erp-db-01"]),
        ("--health stalled", vec!["erp-db-01"]),
        ("--health resync", vec![]),
        ("--health ok --account payments", vec!["=crm-web", "mes-app"]),
        ("--tag Environment", vec!["=crm-web", "erp-db-01"]),
        ("--tag Environment=prod", vec!["erp-db-01"]),
        ("--tag a=b", vec!["erp-db-01"]),
        ("--tag a=b=c", vec!["erp-db-01"]),
        ("--tag a=b=d", vec![]),
        ("--tag Environment --tag a=b", vec!["erp-db-01"]),
        ("ERP", vec!["erp-db-01"]),
        (".corp", vec!["erp-db-01"]),
        ("0a1b2c3d", vec!["erp-db-01"]),
        ("10.20.30", vec!["=crm-web", "erp-db-01", "mes-app"]),
        ("s-00000000000000004", vec!["mes-app"]),
        ("--account 444455556666", vec!["mes-app"]),
        ("--region us-east-1", vec![]),
    ] {
        assert_eq!(found(&stage, filter).await, expected, "{filter}");
    }
    assert!(stage.run("list --health broken").await.contains("possible values: ok, incident, stalled"));
}

#[tokio::test]
async fn what_programs_read_is_whole_unless_they_ask_for_a_part() {
    let stage = fleet().await;
    let here = place(PAYMENTS, "us-east-1");
    for number in 100..160 {
        stage.store(&row(&here, number, &format!("web-{number}"), "CONTINUOUS")).await;
    }
    let whole = stage.json("list --json").await;
    assert_eq!((names(&whole).len(), &whole["total"]), (64, &Value::from(64)));
    let part = stage.json("list --format json --limit 3 --offset 2").await;
    assert_eq!((names(&part), &part["total"]), (vec!["web-102", "web-103", "web-104"], &Value::from(64)));
    let table = stage.run("list").await;
    assert!(table.contains("Servers 1 to 50 of 64; 14 more: --offset 50, or --all"), "{table}");
    assert!(stage.run("list --all").await.contains("\n64 servers.\n"));
    assert!(stage.run("list --offset 70").await.contains("64 servers, and none after the first 70."));
    assert!(stage.run("list --offset 18446744073709551615").await.contains("and none after"));
    assert!(stage.run("list --all --limit 2").await.contains("cannot be used with"));
}

#[tokio::test]
async fn a_spreadsheet_gets_every_column_and_no_formula() {
    let stage = fleet().await;
    let text = stage.run("list --format csv").await;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heading: Vec<_> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let column = |name: &str| heading.iter().position(|column| column == name).unwrap();
    let lines: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(&lines[0][column("name")], "'=crm-web");
    assert_eq!(&lines[1][column("lag_seconds")], "5400");
    assert_eq!(&lines[1][column("tags")], "Environment=prod; a=b=c");
    assert_eq!(&lines[1][column("incidents")], "stalled");
    assert_eq!([0, 1, 2].map(|n| &lines[n][column("tags_freshness")]), ["stale", "synced", "never"]);
    assert_eq!(&lines[0][column("tags_skipped")], "it is disconnected from DRS");
    assert_eq!(&lines[2][column("staging_account")], STAGING);
    assert_eq!(&lines[1][column("rpo")], "15m");
    assert_eq!([0, 2].map(|n| &lines[n][column("lag_seconds")]), ["0", ""], "unknown is no zero");
    let none = stage.run("list nothing-is-called-so --format csv").await;
    assert_eq!(none.lines().count(), 1, "{none}");
}

#[tokio::test]
async fn places_that_cannot_be_read_are_named_and_what_programs_read_says_so() {
    let stage = fleet().await;
    stage.company.fleet.world.faults.set(vec![FaultRule::of(
        ("dynamodb", "BatchGetItem"),
        1.0,
        Fault::Throttle,
    )]);
    let told = stage.run("list").await;
    assert!(told.contains("error: 3 places could not be read, and nothing of that is shown:"), "{told}");
    assert!(told.contains("\n  111122223333/us-west-2: BatchGetItem failed (Throttled)"), "{told}");
    let told = stage.run("list --format json").await;
    let (list, error) = told.split_once("error: ").unwrap();
    let list: Value = serde_json::from_str(list).unwrap();
    assert_eq!(list["unread"].as_array().unwrap().len(), 3, "{error}");
}
