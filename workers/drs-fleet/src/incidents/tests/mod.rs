use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::incident::{Incident, IncidentKind, Incidents, Severity};
use drs_fleet_domain::notification::{self, IncidentRow};
use drs_fleet_domain::notify::delivery::{self, Answer};
use drs_fleet_domain::notify::group::Joined;
use drs_fleet_domain::notify::{ChannelName, DeliveryRow, Digest, GroupRow, Labels, Routes, group, member};
use drs_fleet_domain::own_event::{Happened, IncidentEvent};
use drs_fleet_domain::row::Row;
use drs_fleet_domain::unhandled::{Reason, UnhandledRow};
use jiff::Timestamp;
use serde_json::Value;

use super::Command;
use crate::family::OneOf;
use crate::testing::{self, dateless, place, server, swept};

const PAYMENTS: &str = "111122223333";
const STRANGER: &str = "999900001111";

type Stage = testing::Stage<OneOf<Command>>;

fn ago(minutes: u64) -> Timestamp {
    Timestamp::now() - Duration::from_secs(minutes * 60 + 20)
}

fn event(kind: IncidentKind, severity: Severity, subject: &str, minutes: u64) -> IncidentEvent {
    let (account, region) = (PAYMENTS, "us-west-2");
    let incident = format!("{kind}/{account}/{region}/{subject}");
    IncidentEvent {
        event_id: format!("{incident}@0#1"),
        incident,
        happened: Happened::Opened,
        kind,
        severity,
        account_id: account.parse().unwrap(),
        account_name: "Payments".into(),
        region: region.parse().unwrap(),
        subject: subject.into(),
        subject_name: format!("name of {subject}"),
        opened_at: ago(minutes),
        at: ago(minutes),
        sequence: 1,
        reason: "no reason\nat all".into(),
        flaps: 0,
        job_id: None,
        plan_name: None,
        drill: None,
        application: None,
        drill_tag: None,
    }
}

fn told(event: IncidentEvent) -> IncidentRow {
    let taken = |event: &IncidentEvent| Routes::default().taken(&Labels::of(event, None));
    notification::decide(&[event], None, taken).unwrap().row
}

/// What the notifier stores when it told of an incident by mail, and Slack refused.
async fn in_its_group(stage: &Stage, row: &IncidentRow) {
    let taken = &row.groups[0];
    let member = member::joined(&taken.group, &row.latest, None, false).unwrap().row;
    stage.store(&member::told(&member, 7, ago(5)).unwrap().row).await;
    let plan = Routes::default().plan(&taken.route);
    let joined = Joined { severity: row.latest.severity, is_back: false };
    let group = group::poke(taken, &[joined], None, &plan, ago(6)).unwrap().row;
    let mut last = BTreeMap::new();
    for (channel, answer) in
        [("mail", Answer::Taken(None)), ("slack", Answer::RefusedForGood("no webhook".into()))]
    {
        let channel = ChannelName::try_from(channel.to_owned()).unwrap();
        let digest = Digest { at: ago(5), ..Digest::of_one(&row.latest) };
        let made = DeliveryRow::new((&taken.group, 7), &channel, digest.into(), None);
        let claimed = delivery::claim(&made, None, ago(5)).unwrap().row;
        stage.store(&delivery::answered(&claimed, 1, &answer, ago(5)).unwrap().row).await;
        last.insert(channel, made.place());
    }
    let episode = group::Episode {
        began_at: ago(5),
        waits_since: None,
        escalated_at: None,
        told_at: ago(5),
        open: 1,
        worst: Some(row.latest.severity),
        escalated: 0,
        last,
        acks: None,
    };
    stage.store(&GroupRow { episode: Some(episode), ..group }).await;
}

/// Three open incidents, one of them of an account that is not registered, and one that is over.
async fn fleet() -> Stage {
    let stage = Stage::new().await;
    stage.register(PAYMENTS, "Payments", &["us-west-2"], None).await;
    let stalled = event(IncidentKind::ReplicationStalled, Severity::Critical, "s-00000000000000001", 45);
    let stalled = told(IncidentEvent { flaps: 3, sequence: 4, happened: Happened::Escalated, ..stalled });
    stage.store(&stalled).await;
    in_its_group(&stage, &stalled).await;
    stage.store(&told(event(IncidentKind::ReplicationLag, Severity::High, "s-00000000000000002", 180))).await;
    let over = event(IncidentKind::FullResync, Severity::Medium, "s-00000000000000001", 180);
    stage.store(&told(over.clone())).await;
    resolve(&stage, &over, 60).await;

    let unknown = event(IncidentKind::UnregisteredAccount, Severity::Medium, STRANGER, 30);
    let incident = format!("UNREGISTERED_ACCOUNT/{STRANGER}/sa-east-1/{STRANGER}");
    let (account_id, region) = (STRANGER.parse().unwrap(), "sa-east-1".parse().unwrap());
    let account_name = STRANGER.to_owned();
    stage.store(&told(IncidentEvent { incident, account_id, region, account_name, ..unknown })).await;
    stage.store(&unregistered()).await;
    stage
}

fn unregistered() -> UnhandledRow {
    UnhandledRow {
        worker: "capacity-tracker".into(),
        reason: Reason::Unregistered,
        account: STRANGER.parse().unwrap(),
        subject: "sa-east-1".into(),
        count: 3,
        ids: vec!["1".into()],
        last_at: ago(1),
        regions: BTreeMap::new(),
        incidents: Incidents::new(),
        look_at: None,
    }
}

/// As the notifier does, which read the row before.
async fn resolve(stage: &Stage, event: &IncidentEvent, minutes: u64) {
    let key = notification::key(event);
    let stored = stage.hub.io.read::<IncidentRow>(&[key]).await.unwrap().pop().flatten().unwrap();
    let sequence = stored.row.latest.sequence + 1;
    let over = IncidentEvent { happened: Happened::Resolved, sequence, at: ago(minutes), ..event.clone() };
    let change = notification::decide(&[over], Some(&stored.row), |_| Vec::new()).unwrap();
    let none = BTreeMap::new();
    let write = drs_fleet_aws::io::Write {
        row: &change.row,
        expected: Some(stored.rev),
        outbox_before: &none,
        outbox: &none,
        due: change.row.wake_at(),
    };
    stage.hub.io.commit(write).await.unwrap();
}

#[tokio::test]
async fn the_worst_is_listed_first_and_what_is_over_only_when_asked_for() {
    let stage = fleet().await;
    let lines = ["list", "list --all", "list --kind replication_lag,FULL_RESYNC", "list --severity LOW"];
    insta::assert_snapshot!(dateless(&stage.session("incidents", &lines).await));
    let list: Value = serde_json::from_str(&stage.run("list --json --account Payments").await).unwrap();
    assert_eq!(list["incidents"].as_array().unwrap().len(), 2);
    assert_eq!(list["incidents"][0]["open"], true);
    assert!(stage.run(&format!("list --account {STRANGER}")).await.contains("UNREGISTERED_ACCOUNT"));
    assert!(stage.run("list --severity WORST").await.contains("possible values: LOW"));
}

#[tokio::test]
async fn all_that_is_known_of_an_incident_is_shown() {
    let stage = fleet().await;
    let lines =
        ["show repl", "show REPLICATION_S", "show s-00000000000000002", "show FULL_RESYNC", "show NONE"];
    insta::assert_snapshot!(dateless(&stage.session("incidents", &lines).await));
    let shown: Value = serde_json::from_str(&stage.run("show FULL --json").await).unwrap();
    assert_eq!(shown["latest"]["kind"], "FULL_RESYNC");
    assert!(shown["console"].as_str().unwrap().starts_with("https://us-west-2.console.aws.amazon.com/drs"));
}

/// The incident as its subject's row keeps it, with a cause that people were not told.
fn known(told: &IncidentEvent, reason: &str) -> Incidents {
    let incident = Incident {
        opened_at: told.opened_at,
        severity: told.severity,
        sequence: told.sequence,
        reason: reason.into(),
        closed_at: None,
        flaps: 0,
        told_over: false,
    };
    [(told.kind, incident.into())].into()
}

#[tokio::test]
async fn the_newest_cause_is_shown_beside_the_one_that_was_told_whatever_the_subject_is() {
    let stage = fleet().await;
    let here = place(PAYMENTS, "us-west-2");
    let lag = event(IncidentKind::ReplicationLag, Severity::High, "s-00000000000000007", 30);
    let mut late = server(&here, 7, "late", "CONTINUOUS", ago(30));
    late.incidents = known(&lag, "now 3 h behind");
    let silent = event(IncidentKind::SpokeSilent, Severity::High, PAYMENTS, 30);
    let mut quiet = swept(&here, 1, 0, ago(30));
    quiet.incidents = known(&silent, "not heard for 30 min");
    let mut stranger = event(IncidentKind::UnregisteredAccount, Severity::Medium, "222233334444", 30);
    stranger.account_id = "222233334444".parse().unwrap();
    stranger.incident = "UNREGISTERED_ACCOUNT/222233334444/us-west-2/222233334444".into();
    let heard = UnhandledRow {
        account: stranger.account_id.clone(),
        subject: "us-west-2".into(),
        incidents: known(&stranger, "90 events were counted"),
        ..unregistered()
    };
    stage.store(&late).await;
    stage.store(&quiet).await;
    stage.store(&heard).await;
    for (event, reason) in
        [(lag, "now 3 h behind"), (silent, "not heard for 30 min"), (stranger, "90 events were counted")]
    {
        let key = event.incident.clone();
        stage.store(&told(event)).await;
        let shown = stage.run(&format!("show {key}")).await;
        assert!(shown.contains(&format!("  reason       {reason}\n")), "{shown}");
        assert!(shown.contains("  told because no reason at all\n"), "{shown}");
        assert_eq!(stage.json(&format!("show {key} --json")).await["reason"], reason);
    }
}

#[tokio::test]
async fn the_cause_of_a_later_incident_is_not_shown_as_that_of_the_one_before() {
    let stage = fleet().await;
    let lag = event(IncidentKind::ReplicationLag, Severity::High, "s-00000000000000007", 30);
    let mut late = server(&place(PAYMENTS, "us-west-2"), 7, "late", "CONTINUOUS", ago(30));
    late.incidents = known(&IncidentEvent { opened_at: ago(3), ..lag.clone() }, "another one");
    stage.store(&late).await;
    stage.store(&told(lag)).await;
    let shown = stage.run("show s-00000000000000007").await;
    assert!(shown.contains("  reason       no reason at all\n") && !shown.contains("another one"), "{shown}");
}

#[tokio::test]
async fn who_acknowledged_an_incident_is_known_and_still_when_it_is_over() {
    let stage = fleet().await;
    let key = "REPLICATION_LAG/111122223333/us-west-2/s-00000000000000002";
    let words = ["ack", key, "NONE", "--by", "kim", "--note", "disk is being replaced"];
    let told = stage.run_words(words.into_iter(), None).await.0;
    assert!(told.starts_with(&format!("{key} is acknowledged by kim.\n")), "{told}");
    assert!(
        told.contains("error: 1 of 2 incidents not acknowledged:\n  NONE: no incident begins with"),
        "{told}"
    );
    let again = stage.run("ack REPLICATION_LAG --by lee").await;
    assert!(
        again.contains("is acknowledged already by kim, just now: disk is being replaced; --take-over"),
        "{again}"
    );
    let taken = stage.run("ack REPLICATION_LAG --by lee --take-over").await;
    assert_eq!(taken, format!("{key} is acknowledged by lee.\n"));
    let taken = stage.run("ack REPLICATION_LAG --by kim --take-over").await;
    assert_eq!(taken, format!("{key} is acknowledged by kim.\n"));
    let over = stage.run("ack FULL_RESYNC --by lee").await;
    assert_eq!(
        over,
        "FULL_RESYNC/111122223333/us-west-2/s-00000000000000001 is not acknowledged: it ended 60 min ago.\n"
    );
    let list = stage.run("list --kind REPLICATION_LAG").await;
    assert!(list.contains("  kim  ") && list.contains("1 open, 0 of them acknowledged by nobody"), "{list}");

    let lag = event(IncidentKind::ReplicationLag, Severity::High, "s-00000000000000002", 180);
    let stored = stage.hub.io.read::<IncidentRow>(&[notification::key(&lag)]).await.unwrap();
    resolve(&stage, &stored[0].as_ref().unwrap().row.latest, 1).await;
    let shown = stage.run("show REPLICATION_LAG").await;
    assert!(shown.contains("acked        by kim"), "{shown}");
}

#[tokio::test]
async fn a_storm_is_acknowledged_with_one_command() {
    let stage = fleet().await;
    let stored = stage.run("list --json").await;
    let all: serde_json::Value = serde_json::from_str(&stored).unwrap();
    let open = all["incidents"].as_array().unwrap().len();
    let lag = "ack --kind REPLICATION_LAG --by kim";
    assert_eq!(stage.run(lag).await, "1 incident is acknowledged by kim.\n");
    assert_eq!(stage.run(lag).await, "0 incidents are acknowledged by kim; 1 other had been before.\n");
    let rest = stage.run("ack --severity low,medium,high,critical --by lee").await;
    assert_eq!(rest, format!("{} incidents are acknowledged by lee; 1 other had been before.\n", open - 1));
    assert_eq!(stage.run("ack --kind RPO_GAP --by lee").await, "No open incident is as asked.\n");
    assert!(
        stage.run("ack").await.contains("required")
            && stage.run("ack x --kind RPO_GAP").await.contains("cannot be used")
    );
}

#[tokio::test]
async fn who_acknowledges_without_a_name_is_whoever_aws_says() {
    let stage = fleet().await;
    let told = stage.run("ack REPLICATION_LAG").await;
    assert!(
        told.contains("is acknowledged by arn:aws:sts::") && told.contains("/drs-fleet-operator/"),
        "{told}"
    );
    let list = stage.run("list --kind REPLICATION_LAG").await;
    assert!(!list.contains("arn:") && list.contains("0 of them acknowledged by nobody"), "{list}");
}

#[tokio::test]
async fn of_a_group_only_what_people_were_told_of_is_acknowledged() {
    let stage = fleet().await;
    let joined = told(event(IncidentKind::ReplicationStalled, Severity::Critical, "s-00000000000000009", 1));
    let group = &joined.groups[0].group;
    stage.store(&joined).await;
    stage.store(&member::joined(group, &joined.latest, None, false).unwrap().row).await;
    let said = stage.run(&format!("ack --group {group} --by kim")).await;
    assert_eq!(
        said,
        "1 incident is acknowledged by kim.\n\
         1 incident of which nobody was told here yet is left as before.\n"
    );
    let none = stage.run("ack --group default|kind=RPO_GAP --by kim").await;
    assert!(none.starts_with("error: there is no group \"default|kind=RPO_GAP\""), "{none}");
}
