//! R12 and R13 from the spokes' events to people: the capacity-tracker decides, and looks itself, and the notifier tells.

use std::ops::Range;
use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::worker::Worker;
use drs_fleet_testkit::company::Fleet;
use drs_fleet_testkit::post::Post;
use drs_fleet_testkit::wire;
use notifier::Notifier;

use super::stage::Stage;
use super::storm::assert_few_and_true;

/// A company with two instances of each worker.
struct Company {
    stage: Stage,
    fleet: Fleet,
}

impl Company {
    fn new(accounts: usize, servers: usize) -> Self {
        let stage = Stage::new();
        let fleet = Fleet::new(&stage.world, accounts, servers);
        stage.world.deliver(wire::to_people);
        for _ in 0..2 {
            let tracker = CapacityTracker::new(RegistryCache::default(), &Metrics::default());
            stage.works(tracker);
            stage.works(Notifier::new(true, RegistryCache::default(), &Metrics::default()));
        }
        Self { stage, fleet }
    }

    fn turn(&mut self, servers: Range<usize>) {
        let queue = self.stage.world.clone().on_queue(CapacityTracker::NAME);
        self.fleet.turn(&queue, servers);
    }

    fn told(&self) -> Vec<(i64, Post)> {
        self.stage.digests("mail")
    }
}

async fn sleep(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_region_whose_servers_stall_within_a_minute_is_told_within_35_seconds_and_in_few_messages() {
    const ACCOUNTS: usize = 100;
    const SERVERS: usize = 30_000;
    let mut company = Company::new(ACCOUNTS, SERVERS);
    for from in (0..SERVERS).step_by(SERVERS / 60) {
        company.turn(from..from + SERVERS / 60);
        sleep(1).await;
    }
    sleep(9 * 60).await;
    company.turn(0..SERVERS);
    sleep(30 * 60).await;
    let (stalls, quotas): (Vec<_>, Vec<_>) = company.told().into_iter().partition(is_of_stalls);
    assert_few_and_true(&stalls, &company.fleet.ids(), 35);
    // An account with so many servers is at its quota as well.
    assert!(quotas.iter().filter(|(at, _)| *at <= 330).count() <= 2, "{quotas:#?}");
    assert!(
        stalls.iter().chain(&quotas).filter(|(at, _)| *at <= 600).count() <= 10,
        "{stalls:#?} {quotas:#?}"
    );
}

fn is_of_stalls((_, post): &(i64, Post)) -> bool {
    post.headline.to_lowercase().contains("replication stalled")
}

#[tokio::test(start_paused = true)]
async fn a_hundred_servers_that_flip_for_an_hour_are_told_thirteen_times_at_most_and_are_over_in_the_end() {
    let mut company = Company::new(1, 100);
    for _ in 0..360 {
        company.turn(0..100);
        sleep(10).await;
    }
    let told = company.told();
    assert!((1..=13).contains(&told.len()), "{:?}", told.iter().map(|(at, _)| at).collect::<Vec<_>>());
    sleep(60 * 60).await;
    let (_, last) = company.told().pop().unwrap();
    assert!(last.is_over() && last.counts().open == 0, "{last:?}");
}
