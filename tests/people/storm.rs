//! R12: replication of a whole Region stalls, and is critical; `whole` has the whole Region that is not.

use std::collections::BTreeSet;
use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::own_event::{Happened, IncidentEvent};
use drs_fleet_testkit::company::place;
use drs_fleet_testkit::post::{Counts, Post};

use super::stage::{Stage, stall};

const ACCOUNTS: usize = 100;
/// The whole Region.
const REGION: usize = 30_000;
const A_TENTH: usize = REGION / 10;
/// So many are named in an e-mail at most.
const NAMED: usize = 20;
/// Servers with which something else is wrong are called from this number on.
const OTHERS: usize = 90_000;
/// Within so many seconds all of them stall, or recover.
const SECONDS: usize = 60;

/// Every server's turn comes within the minute.
async fn all(stage: &Stage, servers: usize, severity: Severity, what: (Happened, u32)) {
    for second in 0..SECONDS {
        for server in (second..servers).step_by(SECONDS) {
            let place = place(u64::try_from(server % ACCOUNTS).unwrap());
            stage.happens(server, stall(&place, server, severity, what, stage.world.now()));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn sum(told: &[(i64, Post)], of: fn(Counts) -> usize) -> usize {
    told.iter().map(|(_, post)| of(post.counts())).sum()
}

/// Something else is wrong with other servers all the while, there and in another Region.
fn others(stage: &Stage) {
    let now = stage.world.now();
    let elsewhere = Place { region: "eu-west-1".parse().unwrap(), ..place(1) };
    stage.happens(OTHERS, stall(&elsewhere, OTHERS, Severity::High, (Happened::Opened, 1), now));
    let failed = stall(&place(2), OTHERS + 1, Severity::High, (Happened::Opened, 1), now);
    let incident = failed.incident.replace("REPLICATION_STALLED", "EXTENSION_ERROR");
    stage.happens(OTHERS + 1, IncidentEvent { kind: IncidentKind::ExtensionError, incident, ..failed });
}

/// All servers of a Region fail, and are back ten minutes later. Answers what people were told of that.
async fn told_of_a_storm(servers: usize, severity: Severity) -> Vec<(i64, Post)> {
    let stage = Stage::new();
    stage.notifier();
    stage.notifier();
    others(&stage);
    all(&stage, servers, severity, (Happened::Opened, 1)).await;
    tokio::time::sleep(Duration::from_mins(9)).await;
    all(&stage, servers, severity, (Happened::Resolved, 2)).await;
    tokio::time::sleep(Duration::from_mins(15)).await;
    let told = stage.digests("mail");
    assert_eq!(told.len(), stage.digests("slack").len());
    for notice in stage.world.notices() {
        let Notice::Topic { body, .. } = notice else { continue };
        let names_all = body.lines().filter(|line| line.starts_with("- ")).count() < NAMED;
        assert!(names_all || body.contains(" more: drs-fleet incidents list"), "{body}");
    }
    let (others, told): (Vec<_>, Vec<_>) = told.into_iter().partition(|(_, post)| is_of_others(post));
    assert_eq!(others.len(), 2, "each of the others is told by itself: {others:#?}");
    told
}

fn ids(servers: usize) -> BTreeSet<String> {
    (0..servers).map(|server| format!("s-{server:017}")).collect()
}

fn is_of_others(post: &Post) -> bool {
    post.named().iter().any(|named| {
        named.subject.ends_with(&OTHERS.to_string()) || named.subject.ends_with(&(OTHERS + 1).to_string())
    })
}

/// The first comes soon enough, few follow, and they tell of all these servers, once each, and of no others.
pub(super) fn assert_few_and_true(told: &[(i64, Post)], servers: &BTreeSet<String>, first: i64) {
    let within = |seconds| told.iter().filter(|(at, _)| *at <= seconds).count();
    assert!(told[0].0 <= first, "the first after {} s", told[0].0);
    assert!(within(330) <= 2 && within(600) <= 10, "{:?}", told.iter().map(|(at, _)| at).collect::<Vec<_>>());
    let all = servers.len();
    assert_eq!((sum(told, |counts| counts.opened), sum(told, |counts| counts.resolved)), (all, all));
    for (at, post) in told {
        let named = post.named();
        assert!(!named.is_empty() && named.len() <= NAMED, "after {at} s: {post:#?}");
        assert!(named.iter().all(|named| servers.contains(&named.subject)), "after {at} s: {post:#?}");
    }
    assert_eq!(told.iter().map(|(_, post)| post.counts().open).max(), Some(all));
    assert_eq!(told.iter().filter(|(_, post)| post.is_over()).count(), 1, "one end");
}

#[tokio::test(start_paused = true)]
async fn a_critical_storm_is_told_within_five_seconds_in_a_few_digests_that_count_every_server() {
    assert_few_and_true(&told_of_a_storm(REGION, Severity::Critical).await, &ids(REGION), 5);
}

#[tokio::test(start_paused = true)]
async fn a_storm_that_is_not_critical_leaves_what_else_is_wrong_to_be_told_by_itself() {
    assert_few_and_true(&told_of_a_storm(A_TENTH, Severity::High).await, &ids(A_TENTH), 35);
}
