use drs_fleet_domain::tags::TagPolicy;
use drs_fleet_domain::tags::rules::TagPolicyRow;

use super::*;
use crate::testing::dateless;

/// One server for each way to stand; their machines run in the account itself but for the last one's.
async fn fleet() -> Stage {
    let stage = stage().await;
    let policy: TagPolicy = serde_json::from_value(json!({ "fleet": { "remove": true, "origin": false },
        "overrides": [{ "accounts": [PAYMENTS], "set": { "exclude": ["tmp*"] } }] }))
    .unwrap();
    stage.store(&TagPolicyRow { policy, set_by: "ops".to_owned(), set_at: hours(60) }).await;
    let machines = place(PAYMENTS, "us-east-1");

    listed(&stage, 1, "erp-db-01", "CONTINUOUS", &[("Owner", "ada"), ("Old", "x"), ("Env", "test")]).await;
    let long = "y".repeat(300);
    let has =
        [("Owner", "bob"), ("Env", "prod"), ("Team", "core\nline"), ("Note", long.as_str()), ("tmp1", "x")];
    told(&stage, 1, &machines, &has).await;
    known(&stage, 1, "erp-db-01", &[("Owner", "ada"), ("Old", "x")], &json!({ "synced_at": hours(30) }))
        .await;

    listed(&stage, 2, "in-line", "CONTINUOUS", &[("Owner", "ada")]).await;
    told(&stage, 2, &machines, &[("Owner", "ada")]).await;
    let copied = json!({ "synced_at": hours(50), "copy_tags": "OFF" });
    known(&stage, 2, "in-line", &[("Owner", "ada")], &copied).await;

    listed(&stage, 3, "just-written", "CONTINUOUS", &[]).await;
    told(&stage, 3, &machines, &[("Owner", "ada")]).await;
    known(&stage, 3, "just-written", &[("Owner", "ada")], &json!({ "synced_at": hours(1) })).await;

    listed(&stage, 4, "cut-off", "DISCONNECTED", &[]).await;
    told(&stage, 4, &machines, &[("Owner", "ada")]).await;
    listed(&stage, 5, "new-one", "CONTINUOUS", &[]).await;

    listed(&stage, 6, "refused", "CONTINUOUS", &[]).await;
    told(&stage, 6, &machines, &[("Owner", "ada")]).await;
    let refused =
        json!({ "since": hours(5), "retry_at": hours(0), "attempts": 3, "reason": "AccessDenied: no" });
    known(&stage, 6, "refused", &[], &json!({ "refused": refused })).await;

    listed(&stage, 7, "far-away", "CONTINUOUS", &[("Owner", "ada")]).await;
    told(&stage, 7, &place(SOURCE, "us-east-1"), &[("Owner", "ada")]).await;
    known(&stage, 7, "far-away", &[("Owner", "ada")], &json!({ "synced_at": hours(30) })).await;
    stage
}

#[tokio::test]
async fn what_differs_is_shown_with_what_is_left_alone_and_why() {
    let stage = fleet().await;
    let (shown, code) = stage.run_to_code("plan").await;
    assert_eq!(code, 2, "{shown}");
    insta::assert_snapshot!(dateless(&shown));

    let (in_line, code) = stage.run_to_code("plan --server IN-LINE").await;
    assert!(in_line.starts_with("1 source server: 0 to be changed") && code == 0, "{in_line}");
    let (nobody, code) = stage.run_to_code("plan --server nobody").await;
    assert!(nobody.contains("no source server there has a name") && code == 1, "{nobody}");
}

#[tokio::test]
async fn programs_read_each_server_with_how_it_stands() {
    let stage = fleet().await;
    let all = stage.json("plan --json").await;
    assert_eq!((&all["differs"], &all["total"]), (&json!(true), &json!(7)));
    let of = |name: &str| {
        all["servers"].as_array().unwrap().iter().find(|server| server["name"] == name).unwrap().clone()
    };
    let erp = of("erp-db-01");
    let plan = &erp["standing"]["compared"];
    assert_eq!(plan["set"], json!({ "Owner": "bob", "Team": "core\nline" }));
    assert_eq!((&plan["remove"], &plan["left"]), (&json!(["Old"]), &json!({ "Env": "BY_PERSON" })));
    assert_eq!(plan["unfit"], json!([{ "key": "Note", "why": "LONG_VALUE" }]));
    assert_eq!(erp["before"], json!({ "Env": "test", "Old": "x", "Owner": "ada" }));
    assert_eq!(of("just-written")["standing"], json!("written"));
    assert_eq!(of("cut-off")["standing"]["skipped"], json!("DISCONNECTED"));
    let fresh = ["in-line", "far-away", "refused"].map(|name| of(name)["freshness"].clone());
    assert_eq!(fresh, [json!("SYNCED"), json!("STALE"), json!("NEVER")]);
}
