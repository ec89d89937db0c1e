use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::MuteRow;
use drs_fleet_domain::own_event::IncidentEvent;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::Command;
use crate::family::OneOf;
use crate::testing;

const ID: &str = "111122223333";

type Stage = testing::Stage<OneOf<Command>>;

/// Seven servers stall.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.register(ID, "Payments", &["us-west-2"], None).await;
    for n in 1..=7 {
        let subject = format!("s-{n:017}");
        let event = json!({
            "eventId": "e", "incident": format!("REPLICATION_STALLED/{ID}/us-west-2/{subject}"), "happened": "OPENED",
            "kind": "REPLICATION_STALLED", "severity": "HIGH", "accountId": ID, "accountName": "Payments",
            "region": "us-west-2", "subject": subject, "subjectName": format!("erp-{n}"), "sequence": 1, "reason": "",
            "openedAt": format!("2026-08-22T20:0{n}:00Z"), "at": "2026-08-22T20:10:00Z",
        });
        let latest: IncidentEvent = serde_json::from_value(event).unwrap();
        stage.store(&IncidentRow { latest, groups: Vec::new(), left: Vec::new(), ack: None }).await;
    }
    stage
}

fn mute(id: &str, matchers: Value, (from, until): (i64, i64)) -> MuteRow {
    let hours = |n: i64| Timestamp::now() + n.hours() - 20.seconds();
    MuteRow {
        id: id.into(),
        matchers: serde_json::from_value(matchers).unwrap(),
        from: hours(from),
        until: hours(until),
        reason: "network maintenance".into(),
        author: "arn:aws:sts::111122223333:assumed-role/ops/anna".into(),
        ended_at: None,
        ended_by: None,
    }
}

#[tokio::test]
async fn mutes_are_listed_with_what_they_swallow_now() {
    let stage = stage().await;
    stage.store(&mute("aaaa", json!({ "kind": "REPLICATION_*", "account": "Pay*" }), (-1, 7))).await;
    stage.store(&mute("bbbb", json!({ "subject": "erp-3" }), (-1, 13))).await;
    stage.store(&mute("cccc", json!({ "region": "*" }), (5, 21))).await;
    stage.store(&mute("dddd", json!({ "region": "*" }), (-50, -26))).await;
    insta::assert_snapshot!(stage.session("mutes", &["list", "list --all"]).await);
    let listed: Value = stage.json("list --json").await;
    assert_eq!(listed["mutes"].as_array().unwrap().len(), 3);
    assert_eq!(listed["mutes"][0]["swallows"].as_array().unwrap().len(), 7);
    assert_eq!(listed["mutes"][2]["on"], false);
}

#[tokio::test]
async fn a_mute_is_added_with_what_it_matches_and_ended_once() {
    let stage = stage().await;
    let words =
        ["add", "--match", "severity>=HIGH", "--match", "account=Pay*", "--for", "4h", "--reason", "a b"];
    let (added, code) = stage.run_words(words.into_iter(), None).await;
    assert_eq!(code, 0, "{added}");
    assert!(added.contains("holds back severity>=HIGH account=Pay* from "), "{added}");
    assert!(
        added.contains("\nIt matches 7 open incidents now.\n") && added.contains("and 2 more"),
        "{added}"
    );
    let id = added.split(' ').nth(1).unwrap().to_owned();
    let listed = stage.json("list --json").await;
    assert_eq!(listed["mutes"][0]["mute"]["matchers"], json!({ "severity": ">=HIGH", "account": "Pay*" }));
    let ended = stage.run(&format!("end {}", &id[..4])).await;
    assert!(ended.starts_with(&format!("Mute {id} is over.")), "{ended}");
    assert!(stage.run(&format!("end {id}")).await.contains("ended just now"));
    assert!(stage.run("list").await.starts_with("0 mutes."));
    assert!(stage.run("end ffff-none").await.contains("no mute has an id that begins with"));
}

#[tokio::test]
async fn a_mute_says_what_until_when_and_why() {
    let stage = Stage::new().await;
    for (line, told) in [
        ("add --for 4h --reason x", "--match"),
        ("add --match kind=JOB_FAILED --reason x", "<--for <LENGTH>|--until <TIME>>"),
        ("add --match kind=JOB_FAILED --for 4h", "--reason"),
        ("add --match team=blue --for 4h --reason x", "is no label; there are kind"),
        ("add --match kind=STALLED --for 4h --reason x", "there is no \"STALLED\", only"),
        ("add --match kind=JOB_FAILED --for 2161h --reason x", "longer than 90 days"),
        ("add --match kind=JOB_FAILED --until 2020-01-01T00:00Z --reason x", "over already"),
        ("add --match kind=JOB_FAILED --until tomorrow --reason x", "write it with its zone"),
    ] {
        let refused = stage.run(line).await;
        assert!(refused.contains(told), "{line}: {refused}");
    }
    assert!(stage.run("list --all").await.starts_with("0 mutes."));
}
