use drs_fleet_aws::io::Io;
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::server::ServerRow;

use super::super::Capacity;
use super::*;
use crate::testing;

const PAYMENTS: &str = "111122223333";
const CLAIMS: &str = "222233334444";

type Stage = testing::Stage<Capacity>;

/// Payments has 200 servers in us-east-1 and 20 in us-west-2, Claims 100 in us-east-1.
async fn fleet() -> Stage {
    let stage = Stage::new().await;
    stage.register(PAYMENTS, "Payments", &["us-east-1", "us-west-2"], None).await;
    stage.register(CLAIMS, "Claims", &["us-east-1"], None).await;
    let now = stage.hub.io.now();
    for (id, region, count) in
        [(PAYMENTS, "us-east-1", 200), (PAYMENTS, "us-west-2", 20), (CLAIMS, "us-east-1", 100)]
    {
        stage.store(&row(&place(id, region), ("OK", count), now, &json!({}))).await;
    }
    stage
}

impl Stage {
    async fn error(&self, line: &str) -> String {
        let (text, code) = self.run_to_code(line).await;
        assert_eq!(code, 1, "{text}");
        text
    }
}

#[tokio::test]
async fn places_are_shown_with_their_jobs_and_chosen_by_account_and_region() {
    let stage = fleet().await;
    let job = |id: &str, status: &str| -> JobRow {
        serde_json::from_value(json!({
            "place": place(PAYMENTS, "us-east-1"), "id": id, "status": status,
            "counts": { "done": 0, "failed": 0, "servers": 7 },
        }))
        .unwrap()
    };
    stage.store(&job("drsjob-11111111111111111", "STARTED")).await;
    stage.store(&job("drsjob-22222222222222222", "COMPLETED")).await;
    let all = stage.json("--json").await;
    let first = &all["places"][0];
    assert_eq!((&first["account_name"], &first["level"]), (&json!("Payments"), &json!("OK")));
    assert_eq!((&first["jobs"]["used"], &first["servers_in_jobs"]["used"]), (&json!(1), &json!(7)));
    assert_eq!(first["replicating"]["quota"], json!({ "value": 300, "origin": "DOCUMENTED" }));
    assert_eq!(all["fleet"]["limit"], 900, "three places of 300");
    assert_eq!(all["regions"]["us-east-1"]["to_target"], 200);
    let west = stage.json("--account payments --region us-west-2 --json").await;
    assert_eq!((west["places"].as_array().unwrap().len(), &west["fleet"]["replicating"]), (1, &json!(20)));
    let (text, code) = stage.run_to_code("--account Claims").await;
    assert_eq!(code, 0);
    assert!(text.contains("███░░░░░░░ 100/300") && !text.contains("Payments"), "{text}");
}

#[tokio::test]
async fn an_error_says_which_accounts_and_regions_there_are() {
    let stage = fleet().await;
    let nobody = stage.error("--account nobody").await;
    let there = "there are 111122223333 (Payments), 222233334444 (Claims)";
    assert!(nobody.contains("the id, alias or name \"nobody\"") && nobody.contains(there), "{nobody}");
    let nowhere = stage.error("place --servers 3 --region eu-west-1").await;
    assert!(nowhere.contains("no account has DRS in eu-west-1, only in us-east-1, us-west-2"), "{nowhere}");
    let both = stage.error("history --account Payments").await;
    assert!(both.contains("add --region us-east-1 or us-west-2"), "{both}");
    let all = stage.error("history").await;
    assert!(all.contains("3 places are meant: add --account"), "{all}");
    let elsewhere = stage.error("--account Claims --region us-west-2").await;
    assert!(elsewhere.contains("has no DRS in us-west-2, only in us-east-1"), "{elsewhere}");
}

#[tokio::test]
async fn what_belongs_to_a_command_is_written_after_it() {
    let stage = fleet().await;
    for line in [
        "--json history --account Claims",
        "--account Claims history",
        "--region us-east-1 place --servers 3",
    ] {
        let (text, code) = stage.run_to_code(line).await;
        let is_refused = text.contains("after the command") || text.contains("required");
        assert!(code != 0 && is_refused, "{line}: {text}");
    }
    assert_eq!(stage.run_to_code("--local history --account Claims").await.1, 0);
}

#[tokio::test]
async fn a_place_without_history_says_when_there_will_be_some() {
    let stage = fleet().await;
    let (text, code) = stage.run_to_code("history --account Claims").await;
    assert!(code == 0 && text.contains("Nothing was counted in this time"), "{text}");
    assert_eq!(stage.json("history --account Claims --json").await["trend"], Value::Null);
}

#[tokio::test]
async fn servers_go_where_there_is_room_and_code_2_says_that_new_accounts_are_needed() {
    let stage = fleet().await;
    let fits = stage.json("place --servers 120 --region us-east-1 --json").await;
    assert_eq!((&fits["takes"][0]["name"], &fits["takes"][0]["after"]), (&json!("Claims"), &json!(220)));
    assert_eq!(stage.run_to_code("place --servers 120 --region us-east-1").await.1, 0);
    let (text, code) = stage.run_to_code("place --servers 210 --region us-east-1").await;
    assert_eq!(code, 2);
    assert!(text.contains("1 new account is needed, up to 250 servers each: 210."), "{text}");
    assert!(text.contains("only above the targets: --up-to limit"), "{text}");
    let (text, code) = stage.run_to_code("place --servers 210 --region us-east-1 --up-to limit").await;
    assert!(code == 0 && text.contains("100 -> 300") && text.contains("200 -> 210"), "{text}");
}

#[tokio::test]
async fn an_account_that_is_not_known_is_never_chosen_and_is_named() {
    let stage = fleet().await;
    stage.store(&account("333344445555", "Ledger", &["us-east-1"])).await;
    let (text, code) = stage.run_to_code("place --servers 10 --region us-east-1").await;
    assert_eq!(code, 0);
    assert!(text.contains("Not chosen:\n  333344445555 (Ledger): it was never swept\n"), "{text}");
}

#[tokio::test]
async fn an_application_goes_to_the_account_that_has_it() {
    let stage = fleet().await;
    let server: ServerRow = serde_json::from_value(json!({
        "place": place(PAYMENTS, "us-east-1"), "id": "s-11111111111111111",
        "inventory": {
            "seen_at": "2026-08-22T20:00:00Z", "name": "db", "marks": { "Application": "Ledger" },
        },
        "replication": {
            "state": "CONTINUOUS", "since": "2026-08-22T20:00:00Z",
            "stamp": serde_json::to_value(drs_fleet_domain::stamp::Stamp::swept(now())).unwrap(),
        },
    }))
    .unwrap();
    stage.store(&server).await;
    let line = "place --servers 40 --region us-east-1 --application";
    let (text, _) = stage.run_to_code(&format!("{line} Ledger")).await;
    assert!(text.contains("200 -> 240") && text.contains("1 of Ledger replicate there already"), "{text}");
    let other = stage.json(&format!("{line} Other --json")).await;
    assert_eq!(other["takes"][0]["of_application"], 0);
}
