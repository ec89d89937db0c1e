//! What is held back is told once nothing holds it any more, if it lasts.

use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::spells::{Ended, SpellEditor};
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::notify::{Label, Matchers, MuteRow, RoutesRow, WindowRow};
use drs_fleet_domain::own_event::{Happened, IncidentEvent};
use drs_fleet_testkit::company::{place, register, window};
use jiff::Timestamp;
use serde_json::json;

use super::stage::{Stage, stall};

const OPENED: (Happened, u32) = (Happened::Opened, 1);
const RESOLVED: (Happened, u32) = (Happened::Resolved, 2);

fn minutes(minutes: u64) -> impl Future<Output = ()> {
    tokio::time::sleep(Duration::from_mins(minutes))
}

fn of_kind(kind: IncidentKind, subject: &str, what: (Happened, u32), stage: &Stage) -> IncidentEvent {
    let stall = stall(&place(1), 1, Severity::High, what, stage.world.now());
    let incident = format!("{kind}/{}/{}/{subject}", stall.account_id, stall.region);
    IncidentEvent {
        event_id: format!("{incident}#{}", what.1),
        incident,
        kind,
        subject: subject.into(),
        ..stall
    }
}

/// The kinds that were told open so far.
fn kinds(stage: &Stage) -> Vec<String> {
    let named = stage.digests("mail").into_iter().flat_map(|(_, post)| post.named());
    named.filter(|named| !named.is_over).map(|named| named.kind).collect()
}

fn working() -> Stage {
    let stage = Stage::new();
    register(&stage.world, &place(1));
    stage.notifier();
    stage
}

#[tokio::test(start_paused = true)]
async fn a_silent_spoke_holds_back_what_its_servers_have_and_no_other() {
    let stage = working();
    let account = place(1).account.to_string();
    stage.happens(1, of_kind(IncidentKind::SpokeSilent, &account, OPENED, &stage));
    minutes(1).await;
    stage.happens(2, of_kind(IncidentKind::ReplicationLag, "s-1", OPENED, &stage));
    stage.happens(3, of_kind(IncidentKind::CapacityTotal, &account, OPENED, &stage));
    let elsewhere = stall(&place(2), 9, Severity::High, OPENED, stage.world.now());
    stage.happens(4, elsewhere);
    minutes(20).await;
    let mut told = kinds(&stage);
    told.sort_unstable();
    assert_eq!(told, ["CAPACITY_TOTAL", "REPLICATION_STALLED", "SPOKE_SILENT"]);
    stage.happens(5, of_kind(IncidentKind::SpokeSilent, &account, RESOLVED, &stage));
    minutes(10).await;
    assert_eq!(kinds(&stage).last().unwrap(), "REPLICATION_LAG", "it lasts");
}

#[tokio::test(start_paused = true)]
async fn what_was_told_before_its_spoke_fell_silent_is_not_told_again_before_that_speaks() {
    let stage = working();
    let account = place(1).account.to_string();
    let stalls = || kinds(&stage).iter().filter(|kind| *kind == "REPLICATION_STALLED").count();
    stage.happens(1, stall(&place(1), 1, Severity::High, OPENED, stage.world.now()));
    minutes(10).await;
    stage.happens(2, of_kind(IncidentKind::SpokeSilent, &account, OPENED, &stage));
    minutes(13 * 60).await;
    assert_eq!(stalls(), 1);
    assert!(kinds(&stage).iter().filter(|kind| *kind == "SPOKE_SILENT").count() > 2, "that is told again");
    stage.happens(3, of_kind(IncidentKind::SpokeSilent, &account, RESOLVED, &stage));
    minutes(5 * 60).await;
    assert!(stalls() > 1, "it lasts");
}

#[tokio::test(start_paused = true)]
async fn a_stall_of_a_whole_region_holds_back_its_consequences() {
    let stage = working();
    for server in 0..20 {
        stage.happens(server, stall(&place(1), server, Severity::High, OPENED, stage.world.now()));
    }
    minutes(2).await;
    stage.happens(100, of_kind(IncidentKind::ReplicationLag, "s-1", OPENED, &stage));
    stage.happens(101, of_kind(IncidentKind::ReplicationLag, "s-2", OPENED, &stage));
    stage.happens(102, of_kind(IncidentKind::ServerDisconnected, "s-1", OPENED, &stage));
    minutes(20).await;
    assert_eq!(kinds(&stage).iter().filter(|kind| **kind == "REPLICATION_LAG").count(), 0);
    assert!(kinds(&stage).iter().any(|kind| kind == "SERVER_DISCONNECTED"), "that is no consequence");
    stage.happens(103, of_kind(IncidentKind::ReplicationLag, "s-2", RESOLVED, &stage));
    stage.happens(104, stall(&place(1), 0, Severity::High, RESOLVED, stage.world.now()));
    minutes(10).await;
    assert_eq!(
        kinds(&stage).iter().filter(|kind| **kind == "REPLICATION_LAG").count(),
        1,
        "the one that lasts"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stall_of_a_whole_region_holds_nothing_back_in_accounts_that_have_none_or_where_nobody_is_told_of_it()
 {
    let lag_of = async |account: u64, stalls_are_muted: bool| {
        let stage = working();
        register(&stage.world, &place(2));
        if stalls_are_muted {
            let mute = mute_of("REPLICATION_STALLED", stage.world.now(), Duration::from_hours(1));
            stage.world.set_row(&mute);
        }
        for server in 0..20 {
            stage.happens(server, stall(&place(1), server, Severity::High, OPENED, stage.world.now()));
        }
        minutes(2).await;
        let lag = of_kind(IncidentKind::ReplicationLag, "s-1", OPENED, &stage);
        let account_id = place(account).account;
        let incident = format!("REPLICATION_LAG/{account_id}/{}/s-1", lag.region);
        stage.happens(100, IncidentEvent { incident, account_id, ..lag });
        minutes(20).await;
        kinds(&stage).iter().any(|kind| kind == "REPLICATION_LAG")
    };
    assert!(!lag_of(1, false).await, "a consequence");
    assert!(lag_of(2, false).await, "no server of this account is stalled");
    assert!(lag_of(1, true).await, "nobody is told of the stalls");
}

#[tokio::test(start_paused = true)]
async fn a_silent_spoke_that_nobody_is_told_of_holds_nothing_back() {
    let stage = working();
    stage.world.set_row(&mute_of("SPOKE_SILENT", stage.world.now(), Duration::from_hours(1)));
    let account = place(1).account.to_string();
    stage.happens(1, of_kind(IncidentKind::SpokeSilent, &account, OPENED, &stage));
    minutes(1).await;
    stage.happens(2, of_kind(IncidentKind::ReplicationLag, "s-1", OPENED, &stage));
    minutes(10).await;
    assert_eq!(kinds(&stage), ["REPLICATION_LAG"]);
}

/// Whoever looks after one application has a channel of their own, and is told of nothing else.
fn erp_has_its_own(stage: &Stage) {
    let arn = "arn:aws:sns:us-west-2:999900001111:drs-fleet-erp";
    let policy = serde_json::from_value(json!({
        "channels": { "erp": { "type": "topic", "arn": arn } },
        "routes": [{ "name": "erp", "match": { "application": "ERP" }, "channels": ["erp"] }],
    }))
    .unwrap();
    stage.world.set_row(&RoutesRow { policy, set_by: "kim".into(), set_at: stage.world.now() });
}

fn is_erp_told(stage: &Stage) -> bool {
    let to_erp = |notice: &Notice| matches!(notice, Notice::Topic { arn: Some(_), .. });
    stage.world.notices().iter().any(to_erp)
}

#[tokio::test(start_paused = true)]
async fn what_only_others_are_told_of_holds_nothing_back() {
    let lag_of = async |application: Option<&str>, cause: &dyn Fn(&Stage)| {
        let stage = working();
        erp_has_its_own(&stage);
        cause(&stage);
        minutes(2).await;
        let lag = of_kind(IncidentKind::ReplicationLag, "s-1", OPENED, &stage);
        stage.happens(100, IncidentEvent { application: application.map(str::to_owned), ..lag });
        minutes(20).await;
        (is_erp_told(&stage), kinds(&stage).iter().any(|kind| kind == "REPLICATION_LAG"))
    };
    let silence = |stage: &Stage| {
        let silent = of_kind(IncidentKind::SpokeSilent, place(1).account.as_str(), OPENED, stage);
        stage.happens(1, silent);
    };
    let stalls = |stage: &Stage| {
        for server in 0..20 {
            stage.happens(server, stall(&place(1), server, Severity::High, OPENED, stage.world.now()));
        }
    };
    for cause in [&silence as &dyn Fn(&Stage), &stalls] {
        assert!(lag_of(Some("ERP"), cause).await.0, "nobody there hears of the cause");
        assert_eq!(lag_of(None, cause).await, (false, false), "whoever hears of the cause needs no more");
    }
}

/// A spoke falls silent, and something else happens there. The topics that are told of the latter.
async fn told_of_a_silent_spoke(
    policy: serde_json::Value,
    event: IncidentEvent,
    stage: &Stage,
) -> Vec<String> {
    let set_at = stage.world.now();
    let policy = serde_json::from_value(policy).unwrap();
    stage.world.set_row(&RoutesRow { policy, set_by: "kim".into(), set_at });
    stage.happens(1, of_kind(IncidentKind::SpokeSilent, place(1).account.as_str(), OPENED, stage));
    minutes(2).await;
    stage.happens(2, event);
    minutes(60).await;
    stage.world.notices().iter().filter_map(topic).collect()
}

/// The end of the name of the topic that a message went to, but for what tells of the silence.
fn topic(notice: &Notice) -> Option<String> {
    let Notice::Topic { arn: Some(arn), subject, .. } = notice else { return None };
    (!subject.contains("silent")).then(|| arn.rsplit('-').next().unwrap().to_owned())
}

fn topic_of(name: &str) -> serde_json::Value {
    json!({ "type": "topic", "arn": format!("arn:aws:sns:us-west-2:999900001111:drs-fleet-{name}") })
}

#[tokio::test(start_paused = true)]
async fn whoever_sleeps_through_the_cause_is_woken_by_what_they_want_to_be_woken_for() {
    for (severity, expected) in [(Severity::Critical, vec!["ann"]), (Severity::High, vec![])] {
        let stage = working();
        let quiet = json!({ "from": "00:00", "to": "08:00", "zone": "UTC", "except": "CRITICAL" });
        let people = json!([{ "name": "ann", "channels": ["ann"], "quiet": quiet }]);
        let policy = json!({ "channels": { "ann": topic_of("ann") }, "people": people });
        let stalled = stall(&place(1), 1, severity, OPENED, stage.world.now());
        assert_eq!(told_of_a_silent_spoke(policy, stalled, &stage).await, expected, "{severity}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_would_page_somebody_whom_nobody_pages_for_the_cause_is_not_held_back() {
    let escalate = json!([{ "after": "30m", "channels": ["pager"] }]);
    for (of_all, expected) in [(json!([]), vec!["pager"]), (escalate.clone(), vec![])] {
        let stage = working();
        let erp = json!({ "name": "erp", "match": { "application": "ERP" }, "escalate": escalate });
        let policy = json!({
            "channels": { "pager": topic_of("pager") }, "default": { "escalate": of_all }, "routes": [erp],
        });
        let lag = of_kind(IncidentKind::ReplicationLag, "s-1", OPENED, &stage);
        let lag = IncidentEvent { application: Some("ERP".to_owned()), ..lag };
        assert_eq!(told_of_a_silent_spoke(policy, lag, &stage).await, expected);
    }
}

/// A mute of stalls from now on.
fn mute(now: Timestamp, length: Duration) -> MuteRow {
    mute_of("REPLICATION_*", now, length)
}

/// A mute of kinds of incidents from now on.
fn mute_of(kinds: &str, now: Timestamp, length: Duration) -> MuteRow {
    MuteRow {
        id: "m".into(),
        matchers: Matchers::of([(Label::Kind, kinds.to_owned())]),
        from: now,
        until: now + length,
        reason: "maintenance".into(),
        author: "kim".into(),
        ended_at: None,
        ended_by: None,
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_muted_is_told_when_the_mute_ends() {
    let stage = working();
    let now = stage.world.now();
    stage.world.set_row(&mute(now, Duration::from_mins(30)));
    stage.happens(1, stall(&place(1), 1, Severity::Critical, OPENED, now));
    stage.happens(2, stall(&place(1), 2, Severity::High, OPENED, now));
    minutes(20).await;
    stage.happens(3, stall(&place(1), 2, Severity::High, RESOLVED, stage.world.now()));
    minutes(5).await;
    assert_eq!(stage.digests("mail"), []);
    minutes(15).await;
    let told = stage.digests("mail");
    assert_eq!((told.len(), told[0].1.counts().opened), (1, 1), "the one that lasts");
}

#[tokio::test(start_paused = true)]
async fn what_came_and_went_at_night_is_told_in_the_morning_unless_it_was_muted() {
    let stage = working();
    let now = stage.world.now();
    let quiet = json!({ "from": "00:00", "to": "08:00", "zone": "UTC" });
    let people = json!([{ "name": "ann", "channels": ["mail"], "quiet": quiet }]);
    let default = json!({ "channels": ["slack"] });
    let policy = serde_json::from_value(json!({ "default": default, "people": people })).unwrap();
    stage.world.set_row(&RoutesRow { policy, set_by: "kim".into(), set_at: now });
    stage.world.set_row(&mute_of("REPLICATION_LAG", now, Duration::from_hours(1)));
    assert_eq!(now.strftime("%H:%M").to_string(), "00:00");
    for (n, kind) in [(1, IncidentKind::ReplicationStalled), (2, IncidentKind::ReplicationLag)] {
        let opened = IncidentEvent { opened_at: now, ..of_kind(kind, "s-1", OPENED, &stage) };
        stage.happens(n, opened);
    }
    minutes(2 * 60).await;
    for (n, kind) in [(3, IncidentKind::ReplicationStalled), (4, IncidentKind::ReplicationLag)] {
        let over = IncidentEvent { opened_at: now, ..of_kind(kind, "s-1", RESOLVED, &stage) };
        stage.happens(n, over);
    }
    minutes(22 * 60).await;
    let told = stage.digests("mail");
    let lines: Vec<_> = told.iter().map(|(at, post)| (*at, post.counts().resolved)).collect();
    assert_eq!(lines, [(8 * 3600, 1)], "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_muted_after_it_was_told_is_not_told_again_before_the_mute_ends() {
    let stage = working();
    stage.happens(1, stall(&place(1), 1, Severity::High, OPENED, stage.world.now()));
    minutes(10).await;
    stage.world.set_row(&mute(stage.world.now(), Duration::from_hours(9)));
    minutes(8 * 60).await;
    assert_eq!(stage.digests("mail").len(), 1, "the first alone");
    minutes(2 * 60).await;
    let told = stage.digests("mail");
    assert_eq!(told.iter().map(|(_, post)| post.is_repeated()).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_a_person_opens_and_closes_begins_and_ends_a_drill_and_pages_nobody_meanwhile() {
    let stage = working();
    let now = stage.world.now();
    let opens = WindowRow { from: now + Duration::from_mins(5), ..window(&place(1), now) };
    let editor = SpellEditor::new(stage.world.clone(), WriteToken::for_command_of_a_person());
    editor.open(&opens).await.unwrap();
    minutes(10).await;
    stage.happens(1, stall(&place(1), 1, Severity::High, OPENED, stage.world.now()));
    minutes(30).await;
    assert!(matches!(editor.end::<WindowRow>("w", "kim").await.unwrap(), Ended::Now(_)));
    minutes(10).await;
    let told: Vec<_> = stage.drills("mail").into_iter().map(|(_, post)| post).collect();
    let [started, ended] = &told[..] else { panic!("{told:#?}") };
    assert_eq!(
        (started.headline.as_str(), started.facts["Opened by"].as_str()),
        ("Drill started: autumn", "kim")
    );
    assert!(ended.headline.starts_with("Drill ended: autumn"), "{ended:?}");
    let pages = stage.digests("mail");
    assert_eq!(pages.len(), 1, "what lasts is told when the window is closed");
    assert!(pages[0].0 >= 40 * 60);
}
