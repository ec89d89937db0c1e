use std::collections::BTreeSet;
use std::time::Duration;

use drs_fleet_domain::notify::delivery::{self, Answer, day_of};
use drs_fleet_domain::notify::{Bulletin, ChannelName, Covered, DeliveryRow, Digest, Drill, DrillHappened};
use drs_fleet_domain::own_event::IncidentEvent;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Command;
use crate::family::OneOf;
use crate::testing::{self, before, dateless};

type Stage = testing::Stage<OneOf<Command>>;

fn event(kind: &str, account: (&str, &str), at: Timestamp) -> IncidentEvent {
    let (id, name) = account;
    let event = json!({
        "eventId": "e", "incident": format!("{kind}/{id}/us-west-2/s-1"), "happened": "OPENED", "kind": kind,
        "severity": "HIGH", "accountId": id, "accountName": name, "region": "us-west-2",
        "subject": "s-12345678901234567", "subjectName": "erp-db-01", "sequence": 1, "reason": "",
        "openedAt": at, "at": at,
    });
    serde_json::from_value(event).unwrap()
}

fn made(channel: &str, number: u32, kind: &str, account: (&str, &str), minutes: u64) -> DeliveryRow {
    let at = before(Duration::from_mins(minutes));
    let digest = Digest { at, ..Digest::of_one(&event(kind, account, at)) };
    let channel = ChannelName::try_from(channel.to_owned()).unwrap();
    DeliveryRow::new((&format!("default|kind={kind}"), number), &channel, digest.into(), None)
}

fn answered(made: &DeliveryRow, answer: &Answer) -> DeliveryRow {
    let claimed = delivery::claim(made, None, made.made_at).unwrap().row;
    delivery::answered(&claimed, 1, answer, made.made_at).unwrap().row
}

fn wave(minutes: u64) -> DeliveryRow {
    let at = before(Duration::from_mins(minutes));
    let happened = DrillHappened::Wave {
        number: 1,
        job_id: "drsjob-1".into(),
        account_id: None,
        account_name: "Payments".into(),
        region: "us-west-2".into(),
        servers: 10,
        succeeded: 9,
        failed: 1,
        recovery_seconds: Some(600),
        failed_servers: Vec::new(),
    };
    let drill =
        Drill { key: "d#2".into(), name: "spring".into(), happened, at, since: at, sites: BTreeSet::new() };
    let channel = ChannelName::try_from("mail".to_owned()).unwrap();
    DeliveryRow::new(("drill/plan/spring", 2), &channel, drill.into(), None)
}

const PAYMENTS: (&str, &str) = ("111122223333", "Payments");
const LOGISTICS: (&str, &str) = ("444455556666", "Logistics");

/// What was sent, what waits, and what was given up on.
async fn stage() -> (Stage, DeliveryRow) {
    let stage = Stage::new().await;
    stage.register(PAYMENTS.0, PAYMENTS.1, &["us-west-2"], None).await;
    let stalled = made("mail", 1, "REPLICATION_STALLED", PAYMENTS, 5);
    let refused = made("slack", 1, "REPLICATION_STALLED", PAYMENTS, 5);
    let refused = answered(&refused, &Answer::RefusedForGood("slack: no_service".into()));
    let late = made("pager", 1, "JOB_FAILED", LOGISTICS, 90);
    let late = answered(&late, &Answer::Refused("timed out".into(), None));
    stage.store(&answered(&stalled, &Answer::Taken(None))).await;
    stage.store(&refused).await;
    stage.store(&late).await;
    stage.store(&answered(&wave(3), &Answer::Taken(None))).await;
    stage.store(&answered(&made("mail", 2, "SPOKE_SILENT", LOGISTICS, 3 * 1440), &Answer::Taken(None))).await;
    (stage, refused)
}

/// A key begins with the day of the test.
fn dayless(text: &str) -> String {
    let key = |word: &str| match word.split_once('/') {
        Some((day, print)) if day.parse::<jiff::civil::Date>().is_ok() => format!("DAY/{print}"),
        _ => word.to_owned(),
    };
    dateless(text).lines().map(|line| line.split(' ').map(key).collect::<Vec<_>>().join(" ") + "\n").collect()
}

async fn whats(stage: &Stage, line: &str) -> Vec<String> {
    let listed = stage.json(&format!("{line} --json")).await;
    let all = listed["notifications"].as_array().unwrap().clone();
    all.iter()
        .map(|each| format!("{} {}", each["delivery"]["channel"], each["state"]).replace('"', ""))
        .collect()
}

#[tokio::test]
async fn messages_are_listed_the_newest_first_with_what_came_of_them() {
    let (stage, _) = stage().await;
    insta::assert_snapshot!(dayless(&stage.session("notifications", &["list", "list --failed"]).await));
    for (line, found) in [
        ("list --days 7", 5),
        ("list --channel mail", 2),
        ("list --account Payments", 3),
        ("list --account 444455556666 --days 30", 2),
        ("list --account logistics", 1),
        ("list --kind replication_stalled", 2),
        ("list --kind JOB_FAILED --account Payments", 0),
    ] {
        assert_eq!(whats(&stage, line).await.len(), found, "{line}");
    }
    assert_eq!(whats(&stage, "list --failed").await, ["slack given up"]);
    assert!(stage.run("list --channel none").await.starts_with("No message of the last day is as asked."));
}

#[tokio::test]
async fn one_message_is_shown_as_it_was_sent_and_what_helps_where_it_was_not() {
    let (stage, refused) = stage().await;
    let shown = dayless(&stage.run(&format!("show {}", refused.id())).await);
    let lines = shown.lines().filter(|line| !line.starts_with("Since:"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    let json = stage.json(&format!("show {} --json", refused.id())).await;
    assert_eq!((&json["key"], &json["state"]), (&Value::from(refused.id()), &Value::from("given up")));
    let day = day_of(refused.made_at);
    for (key, told) in [
        ("3f9a".to_owned(), "is no key of a message"),
        (format!("{day}/zz"), "no message of that day has a key that begins with"),
        (format!("{day}/"), "is the beginning of several keys"),
    ] {
        let error = stage.run(&format!("show {key}")).await;
        assert!(error.contains(told), "{error}");
    }
}

#[tokio::test]
async fn what_was_given_up_on_is_sent_once_more_and_what_comes_of_it_is_said() {
    let (stage, refused) = stage().await;
    let notifier = stage.notifier(Answer::RefusedForGood("slack: still no_service".into()));
    let (told, code) = stage.run_to_code(&format!("retry {} 3f9a", refused.id())).await;
    assert!(
        told.contains(
            "to slack: given up after 1 attempt: slack: still no_service\n  look whether the hub's secret"
        ),
        "{told}"
    );
    assert!(code == 1 && told.contains("1 message not sent:\n  3f9a: \"3f9a\" is no key"), "{told}");
    drop(notifier);
    let _notifier = stage.notifier(Answer::Taken(None));
    let (told, code) = stage.run_to_code("retry --all --failed").await;
    assert!(told.contains(" to slack: sent just now\n"), "{told}");
    assert!(code == 0 && told.ends_with("\n2 of 2 messages sent.\n"), "{told}");
    let again = stage.run(&format!("retry {}", refused.id())).await;
    assert!(again.contains("need not be asked for: sent just now."), "{again}");
    assert!(stage.run("list --failed").await.starts_with("No message of the last 90 days is as asked."));
}

#[tokio::test]
async fn a_digest_is_found_by_what_it_counts_and_does_not_name() {
    let stage = Stage::new().await;
    stage.register(LOGISTICS.0, LOGISTICS.1, &["us-west-2"], None).await;
    let mut row = made("mail", 1, "REPLICATION_STALLED", PAYMENTS, 5);
    let Bulletin::Digest(digest) = &mut row.bulletin else { panic!("it is of an incident") };
    digest.unnamed = Covered::of([&event("RPO_GAP", LOGISTICS, row.made_at)]);
    stage.store(&row).await;
    for (line, found) in [
        ("list --account logistics", 1),
        ("list --account 444455556666", 1),
        ("list --kind RPO_GAP", 1),
        ("list --kind JOB_FAILED", 0),
        ("list --account 777788889999", 0),
    ] {
        assert_eq!(whats(&stage, line).await.len(), found, "{line}");
    }
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_is_sent_now() {
    let (stage, _) = stage().await;
    let waiting = made("team", 1, "JOB_FAILED", LOGISTICS, 0);
    let hour = Some(Duration::from_hours(1));
    let waiting = answered(&waiting, &Answer::Refused("archived".into(), hour));
    stage.store(&waiting).await;
    assert_eq!(whats(&stage, "list --waiting").await, ["team waiting", "pager waiting"]);
    let _notifier = stage.notifier(Answer::Taken(None));
    let (told, code) = stage.run_to_code("retry --all --waiting --channel team").await;
    assert!(code == 0 && told.ends_with("\n1 of 1 message sent.\n"), "{told}");
}

#[tokio::test]
async fn where_no_notifier_runs_that_is_said() {
    let (stage, refused) = stage().await;
    let (told, code) = stage.run_to_code(&format!("retry {} --timeout 1s", refused.id())).await;
    assert!(
        code == 2 && told.ends_with("is the notifier running, or does an older message of the group wait?\n"),
        "{told}"
    );
    assert!(stage.run("retry").await.contains("required"));
    assert!(stage.run("retry --all").await.contains("--failed"));
    assert!(stage.run("retry 2026-08-22/3f --all --failed").await.contains("cannot be used with"));
}
