//! The last launches of a server, whatever order its jobs end in and however often their ends are written.

use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::launches::{self, Ending, Launch, LaunchesRow};
use drs_fleet_domain::span::Length;
use proptest::prelude::*;

use super::orders::{every_order_ends_the_same, five};
use super::rest::end_of;
use super::{arriving, at, config, somewhere};

/// What became of the server in one of a few jobs, some of the same second. Of one job more may be known when its end is
/// written again: who started it, and by an event, when the server was launched.
fn ending() -> impl Strategy<Value = Ending> {
    (0_u8..4, 0_u32..5, any::<bool>(), any::<bool>()).prop_map(|(sort, n, exact, is_called)| {
        let launch = Launch {
            at: at(100 + i64::from(n / 2)),
            job: format!("drsjob-{n:017}").parse().unwrap(),
            by: is_called.then(|| "kim".to_owned()),
            took: Some(Length(std::time::Duration::from_secs(if exact { 61 } else { 90 }))),
            exact,
            objective: None,
        };
        match sort {
            0 => Ending::Drilled(launch),
            1 => Ending::Recovered(launch),
            2 => Ending::FailedBack(launch),
            _ => Ending::Failed(launch),
        }
    })
}

fn ended(all: &[Ending], batches: &[Vec<usize>]) -> Option<LaunchesRow> {
    let server: SourceServerId = "s-12345678901234567".parse().unwrap();
    end_of(all, batches, |ending, row: Option<&LaunchesRow>| {
        launches::decide((&somewhere(), &server), ending, row)
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_servers_last_launches_are_the_same_however_its_jobs_end(
        (all, one, other) in arriving(ending(), 6),
    ) {
        prop_assert_eq!(ended(&all, &one), ended(&all, &other));
    }
}

#[test]
fn every_order_of_the_ends_of_jobs_leaves_the_same_last_launches() {
    every_order_ends_the_same(five(ending()), ended);
}
