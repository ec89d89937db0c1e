//! Nothing is lost to a route that leads nowhere, or to what an earlier release left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use drs_fleet_aws::deliveries::DeliveryEditor;
use drs_fleet_aws::io::{Io, Notice, Write};
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::keys::due_shards;
use drs_fleet_domain::notification::{self, IncidentRow};
use drs_fleet_domain::notify::routes::{DEFAULT, Telling};
use drs_fleet_domain::notify::{Channel, ChannelName, DeliveryRow, Digest, Routes, RoutesRow};
use drs_fleet_domain::own_event::{Happened, IncidentEvent};
use drs_fleet_domain::row::{Outbox, Row};
use drs_fleet_testkit::company::place;

use serde_json::json;

use super::stage::{Stage, stall};

#[tokio::test(start_paused = true)]
async fn what_is_sent_late_does_not_turn_the_first_message_of_a_thread_back() {
    let stage = Stage::new();
    let team = ChannelName::try_from("team".to_owned()).unwrap();
    let bot = Channel::Slack { secret: "bot".to_owned(), channel: "C1".to_owned() };
    let mut routes = Routes { channels: [(team.clone(), bot)].into(), ..Routes::default() };
    routes.default.channels = Some(vec![team.clone()]);
    let (set_by, set_at) = (DEFAULT.to_owned(), stage.world.now());
    stage.world.set_row(&RoutesRow { policy: routes, set_by, set_at });
    let now = stage.world.now();
    let bulletin = |n: u32, state| {
        let event = stall(&place(1), 1, Severity::High, (state, n), now);
        DeliveryRow::new(("g", n), &team, Digest::of_one(&event).into(), None)
    };
    let first = DeliveryRow {
        sent_at: Some(now),
        try_at: None,
        thread: Some("7".into()),
        ..bulletin(1, Happened::Opened)
    };
    let follows = |row: &DeliveryRow| Some(row.place());
    let late = DeliveryRow {
        given_up: true,
        thread: first.thread.clone(),
        try_at: None,
        attempts: 1,
        follows: follows(&first),
        ..bulletin(2, Happened::Reopened)
    };
    let over = DeliveryRow { follows: follows(&late), ..bulletin(3, Happened::Resolved) };
    for row in [&first, &late] {
        stage.world.set_row(row);
    }
    let editor = DeliveryEditor::new(stage.world.clone(), WriteToken::for_command_of_a_person());
    let new = Outbox::new();
    let write = Write { row: &over, expected: None, outbox_before: &new, outbox: &new, due: over.try_at };
    stage.world.commit(write).await.unwrap();
    stage.notifier();
    tokio::time::sleep(Duration::from_mins(1)).await;
    editor.again(&late.key()).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    let told: Vec<_> = stage
        .world
        .notices()
        .into_iter()
        .map(|notice| match notice {
            Notice::Slack { thread, is_late, .. } => (thread, is_late),
            other => panic!("{other:?}"),
        })
        .collect();
    let thread = Some("7".to_owned());
    assert_eq!(told, [(thread.clone(), false), (thread, true)]);
}

#[tokio::test(start_paused = true)]
async fn who_reads_once_a_day_reads_each_digest_in_the_channel() {
    let stage = Stage::new();
    let policy: Routes = serde_json::from_value(json!({
        "channels": { "bob": { "type": "slack", "secret": "bot", "channel": "C1" } },
        "people": [{ "name": "bob", "channels": ["bob"], "digest": { "at": "08:00", "zone": "Europe/Berlin" } }],
    }))
    .unwrap();
    let (set_by, set_at) = ("kim".to_owned(), stage.world.now());
    stage.world.set_row(&RoutesRow { policy, set_by, set_at });
    stage.notifier();
    for server in 1..4 {
        let stalls = stall(&place(1), server, Severity::Medium, (Happened::Opened, 1), stage.world.now());
        stage.happens(server, stalls);
        tokio::time::sleep(Duration::from_hours(24)).await;
    }
    let threads: Vec<_> = stage
        .world
        .notices()
        .into_iter()
        .filter_map(|notice| match notice {
            Notice::Slack { thread, .. } => Some(thread),
            _ => None,
        })
        .collect();
    assert_eq!(threads, [None, None, None]);
}

#[tokio::test(start_paused = true)]
async fn what_a_channel_did_not_take_comes_before_what_happened_after_all_of_that_was_over() {
    let stage = Stage::new();
    stage.notifier();
    stage.world.deafen(Some(|notice| matches!(notice, Notice::Topic { .. })));
    let happens = |n: u32, happened| {
        let now = stage.world.now();
        stage.happens(
            usize::try_from(n).unwrap(),
            stall(&place(1), 1, Severity::Critical, (happened, n), now),
        );
    };
    let minutes = |minutes| tokio::time::sleep(Duration::from_mins(minutes));
    happens(1, Happened::Opened);
    minutes(1).await;
    happens(2, Happened::Resolved);
    minutes(15).await;
    happens(3, Happened::Reopened);
    minutes(10).await;
    stage.world.deafen(None);
    minutes(20).await;
    let read = |channel| stage.digests(channel).iter().map(|(_, post)| post.is_over()).collect::<Vec<_>>();
    assert_eq!((read("slack"), read("mail")), (vec![false, true, false], vec![false, true, false]));
}

#[tokio::test(start_paused = true)]
async fn of_the_reminders_that_a_channel_did_not_take_for_hours_only_the_last_is_sent() {
    let stage = Stage::new();
    stage.notifier();
    stage.world.deafen(Some(|notice| matches!(notice, Notice::Topic { .. })));
    stage.happens(1, stall(&place(1), 1, Severity::High, (Happened::Opened, 1), stage.world.now()));
    tokio::time::sleep(Duration::from_hours(9)).await;
    stage.world.deafen(None);
    tokio::time::sleep(Duration::from_mins(30)).await;
    let told = |channel| stage.digests(channel).len();
    assert_eq!((told("slack"), told("mail")), (3, 2), "that it opened, and that it is open still");
}

#[tokio::test(start_paused = true)]
async fn what_went_to_a_channel_that_is_no_more_goes_to_nobody_else() {
    let stage = Stage::new();
    let set = |routes: serde_json::Value| {
        let policy: Routes = serde_json::from_value(routes).unwrap();
        let (set_by, set_at) = ("kim".to_owned(), stage.world.now());
        stage.world.set_row(&RoutesRow { policy, set_by, set_at });
    };
    let arn = "arn:aws:sns:us-west-2:999900001111:drs-fleet-bob";
    let private = json!({ "bob": { "type": "topic", "arn": arn } });
    set(json!({ "channels": private, "people": [{ "name": "bob", "channels": ["bob"] }] }));
    stage.notifier();
    stage.happens(1, stall(&place(1), 1, Severity::High, (Happened::Opened, 1), stage.world.now()));
    tokio::time::sleep(Duration::from_mins(2)).await;
    set(json!({}));
    tokio::time::sleep(Duration::from_mins(5)).await;
    stage.happens(2, stall(&place(1), 1, Severity::High, (Happened::Resolved, 2), stage.world.now()));
    tokio::time::sleep(Duration::from_mins(10)).await;
    let to = |meant: Option<&str>| {
        let told = stage.world.notices().into_iter();
        told.filter(|notice| matches!(notice, Notice::Topic { arn, .. } if arn.as_deref() == meant)).count()
    };
    assert_eq!((to(Some(arn)), to(None)), (1, 2), "bob was told once, and the others of beginning and end");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_a_dead_notifier_stored_is_told_though_the_incident_opened_in_another_group_since() {
    let stage = Stage::new();
    let policy = json!({ "routes": [{ "name": "worst", "match": { "severity": "CRITICAL" } }] });
    let policy: Routes = serde_json::from_value(policy).unwrap();
    let (set_by, set_at) = ("kim".to_owned(), stage.world.now());
    stage.world.set_row(&RoutesRow { policy, set_by, set_at });
    stage.notifier();
    let happens =
        |severity, happened: (Happened, u32)| stall(&place(1), 1, severity, happened, stage.world.now());
    let opened = happens(Severity::High, (Happened::Opened, 1));
    stage.happens(1, opened.clone());
    tokio::time::sleep(Duration::from_mins(10)).await;
    let stored = stage.world.stored::<IncidentRow>(&notification::key(&opened)).unwrap().unwrap();
    let row = IncidentRow { latest: happens(Severity::High, (Happened::Resolved, 2)), ..stored.row };
    let none = Outbox::new();
    let expected = Some(stored.rev);
    let write = Write { row: &row, expected, outbox_before: &none, outbox: &none, due: None };
    stage.world.commit(write).await.unwrap();
    let opened_at = stage.world.now();
    stage.happens(2, IncidentEvent { opened_at, ..happens(Severity::Critical, (Happened::Opened, 1)) });
    tokio::time::sleep(Duration::from_mins(10)).await;
    let told = stage
        .digests("mail")
        .into_iter()
        .map(|(_, post)| (post.attributes["severity"].clone(), post.is_over()));
    let told: BTreeSet<_> = told.collect();
    let of = |severity: &str, is_over| (severity.to_owned(), is_over);
    assert_eq!(told, BTreeSet::from([of("HIGH", false), of("HIGH", true), of("CRITICAL", false)]));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_an_earlier_release_had_not_sent_is_told_and_rings_no_more() {
    let stage = Stage::new();
    let latest = stall(&place(1), 1, Severity::High, (Happened::Opened, 1), stage.world.now());
    let row = IncidentRow { latest, groups: Vec::new(), left: Vec::new(), ack: None };
    let (none, due) = (Outbox::new(), Some(stage.world.now()));
    let write = Write { row: &row, expected: None, outbox_before: &none, outbox: &none, due };
    stage.world.commit(write).await.unwrap();
    stage.notifier();
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(stage.digests("mail").len(), 1);
    for shard in due_shards(IncidentRow::WORKER) {
        let due = stage.world.due(&shard, stage.world.now(), 10).await.unwrap();
        assert!(due.is_empty(), "{due:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_to_a_webhook_that_the_hub_has_not_is_told_by_mail() {
    let stage = Stage::new();
    let slack = ChannelName::try_from("slack".to_owned()).unwrap();
    let routes = Routes {
        default: Telling { channels: Some(vec![slack]), ..Telling::default() },
        ..Routes::default()
    };
    let (set_by, set_at) = (DEFAULT.to_owned(), stage.world.now());
    stage.world.set_row(&RoutesRow { policy: routes, set_by, set_at });
    stage.notifier_without_webhook();
    stage.happens(1, stall(&place(1), 1, Severity::High, (Happened::Opened, 1), stage.world.now()));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!((stage.digests("slack").len(), stage.digests("mail").len()), (0, 1));
}
