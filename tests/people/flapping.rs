//! R13: what flaps is told with its group, and no more often than that.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_testkit::company::place;

use super::stage::{Stage, stall};

const SERVERS: usize = 100;
const FLIPS: u32 = 360;

#[tokio::test(start_paused = true)]
async fn a_hundred_servers_that_flip_for_an_hour_are_told_thirteen_times_at_most() {
    let stage = Stage::new();
    stage.notifier();
    for flip in 0..FLIPS {
        let happened = match flip {
            0 => Happened::Opened,
            _ if flip % 2 == 0 => Happened::Reopened,
            _ => Happened::Resolved,
        };
        for server in 0..SERVERS {
            let what = (happened, flip + 1);
            stage.happens(server, stall(&place(1), server, Severity::High, what, stage.world.now()));
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let told = stage.digests("slack");
    assert!((2..=13).contains(&told.len()), "{:?}", told.iter().map(|(at, _)| at).collect::<Vec<_>>());
    tokio::time::sleep(Duration::from_mins(15)).await;
    let (_, last) = stage.digests("slack").pop().unwrap();
    assert!(last.is_over() && last.counts().open == 0, "in the end people know that it is over: {last:?}");
}
