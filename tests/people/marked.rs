//! R12 on a table whose partitions take few writes: what is throttled costs seconds, not a look.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::Item;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::MemberRow;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_domain::row::Row;
use drs_fleet_testkit::company::place;

use super::stage::{Stage, stall};

const ACCOUNTS: usize = 100;
/// They stall within so many seconds: before the first look, and no faster than the table lets them join.
const SECONDS: usize = 20;
/// The first look comes so many seconds after the first stall.
const LOOK: i64 = 30;

/// When the table begins to be slow.
#[derive(PartialEq)]
enum Limited {
    FromTheBeginning,
    AfterAllHaveJoined,
}

/// So many servers stall, one after the other.
async fn stalls(stage: &Stage, servers: usize) {
    for second in 0..SECONDS {
        for server in (second..servers).step_by(SECONDS) {
            let place = place(u64::try_from(server % ACCOUNTS).unwrap());
            let at = stage.world.now();
            stage.happens(server, stall(&place, server, Severity::High, (Happened::Opened, 1), at));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// How often each member was written, and the number of the bulletin that told it.
fn members(stage: &Stage) -> Vec<(u64, Option<u32>)> {
    let items = stage.world.table().into_values().filter(|item| item.kind == MemberRow::KIND);
    let told = |item: &Item| item.row::<MemberRow>().unwrap().told.map(|told| told.number);
    items.map(|item| (item.rev, told(&item))).collect()
}

/// When the stalls of all of these servers are told, on a table of which a partition takes so many writes a second.
async fn told_at(servers: usize, writes_a_second: u32, limited: Limited) -> i64 {
    let stage = Stage::new();
    stage.notifier();
    stage.notifier();
    if limited == Limited::FromTheBeginning {
        stage.world.limit_writes(Some(writes_a_second));
    }
    stalls(&stage, servers).await;
    stage.world.limit_writes(Some(writes_a_second));
    tokio::time::sleep(Duration::from_mins(6)).await;
    let told = stage.digests("mail");
    let counts: Vec<_> = told.iter().map(|(at, post)| (at, post.counts().opened)).collect();
    assert_eq!((told.len(), counts[0].1), (1, servers), "{counts:?}");
    let members = members(&stage);
    assert_eq!(members.len(), servers);
    assert!(members.iter().all(|member| *member == (2, Some(1))), "joined, and marked once");
    told[0].0
}

#[tokio::test(start_paused = true)]
async fn members_in_a_table_that_throttles_are_told_in_one_digest_and_marked_once() {
    // The eight partitions take 800 marks a second.
    let at = told_at(2_000, 100, Limited::FromTheBeginning).await;
    assert!(at <= LOOK + 5, "after {at} s");
}

#[tokio::test(start_paused = true)]
async fn what_a_claim_of_a_minute_does_not_mark_is_marked_in_the_next() {
    // The eight partitions take 80 marks a second, so there are 75 s of them.
    let at = told_at(6_000, 10, Limited::AfterAllHaveJoined).await;
    assert!((LOOK + 74..=LOOK + 90).contains(&at), "after {at} s");
}

#[tokio::test(start_paused = true)]
async fn half_of_a_region_is_told_in_one_digest_by_a_table_that_takes_what_aws_says() {
    let at = told_at(15_000, 1_000, Limited::FromTheBeginning).await;
    assert!(at <= LOOK + 5, "after {at} s");
}
