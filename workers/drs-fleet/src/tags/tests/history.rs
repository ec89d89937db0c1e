use drs_fleet_domain::tags::TagHistoryRow;

use super::*;
use crate::testing::dateless;

async fn changed(stage: &Stage, number: u32, at: Timestamp, more: &Value) {
    let mut row = json!({ "place": here(), "server": format!("s-{number:017}"), "instance": instance(number), "at": at });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.store(&serde_json::from_value::<TagHistoryRow>(row).unwrap()).await;
}

#[tokio::test]
async fn changes_are_shown_newest_first_with_what_asked_for_them() {
    let stage = stage().await;
    known(&stage, 1, "erp-db-01", &[], &json!({})).await;
    let changes = json!({ "Owner": { "before": "ada", "after": "bob" }, "Team": { "after": "core" }, "Old": { "before": "x" } });
    changed(&stage, 1, hours(5), &json!({ "cause": { "EVENT": 7 }, "changes": changes })).await;
    let refused = json!({ "cause": "SWEEP", "changes": { "Owner": { "after": "eve" } }, "refused": "AccessDenied: no" });
    changed(&stage, 2, hours(2), &refused).await;
    changed(&stage, 1, hours(240), &json!({ "cause": "RETRY", "changes": { "Owner": { "after": "ada" } } }))
        .await;

    let shown = stage.session("tags", &["history", "history DB-01 --since 30d", "history --since 1h"]).await;
    insta::assert_snapshot!(dateless(&shown));
    let all = stage.json("history --json").await;
    assert_eq!((&all["total"], &all["changes"][0]["refused"]), (&json!(2), &json!("AccessDenied: no")));
    assert_eq!(all["changes"][1]["name"], "erp-db-01");
}
