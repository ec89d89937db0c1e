//! R8: the table is away for ten minutes while events keep coming. The tracker takes none off the queue that it did not
//! write, stops receiving, and handles all when the table is back.

use std::collections::BTreeMap;
use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_domain::{incident, keys};
use drs_fleet_testkit::company::{place, register, stalled};
use drs_fleet_testkit::work::work;

const SERVERS: u64 = 600;
/// After so many receives in vain a message is a dead letter, as `infra/hub.yaml` says.
const RECEIVES: u32 = 10;

fn id(n: u64) -> SourceServerId {
    format!("s-{n:017}").parse().unwrap()
}

fn tell(io: &MemoryIo, n: u64, stalls: bool) {
    io.put_message(stalled(&place(1), &id(n), stalls, io.now()).to_string());
}

async fn sleep(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn receives(io: &MemoryIo) -> usize {
    io.points().iter().filter(|point| **point == "receive").count()
}

/// By server, whether it stalls by its row, and has an open incident of it.
async fn rows(io: &MemoryIo) -> BTreeMap<SourceServerId, (bool, bool)> {
    let rows = io.query::<ServerRow>(&keys::servers(&place(1))).await.unwrap();
    let facts = |row: &ServerRow| {
        let stalls = row.replication.state.as_str() == "STALLED";
        (row.id.clone(), (stalls, incident::open(&row.incidents).next().is_some()))
    };
    rows.iter().map(|stored| facts(&stored.row)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_away_for_ten_minutes_costs_no_event_whether_it_fails_throttles_or_refuses() {
    // Seconds after which nothing is received any more: a table that throttles is not away, so then all hands are full.
    for (verdict, full) in [(Verdict::Transient, 30), (Verdict::Throttled, 290), (Verdict::Denied, 30)] {
        let world = MemoryIo::default();
        world.redrive_after(RECEIVES);
        register(&world, &place(1));
        // A sweep would find what an event that was lost told.
        let denied = IoError::new(Neighbour::Spoke, "DescribeSourceServers", Verdict::Denied, "no");
        world.set_spoke_failure(&place(1), Some(denied));
        let process = world.restarted().with_latency(Duration::from_millis(5));
        let worker = CapacityTracker::new(RegistryCache::default(), &Metrics::default());
        let working = tokio::spawn(work(process.clone(), worker));
        (0..SERVERS).for_each(|n| tell(&world, n, true));
        sleep(30).await;
        assert_eq!((world.queued(), rows(&world).await.len() as u64), (0, SERVERS), "{verdict:?}");

        process.break_down(Neighbour::Table, verdict);
        let mut before = 0;
        for n in 0..SERVERS / 2 {
            tell(&world, n, false);
            sleep(1).await;
            if n == full {
                before = receives(&process);
            }
        }
        for n in 0..SERVERS / 2 {
            tell(&world, SERVERS + n, true);
            sleep(1).await;
        }
        assert_eq!(receives(&process), before, "received while the table was away: {verdict:?}");
        assert_eq!((world.queued() as u64, world.dead_letters().len()), (SERVERS, 0), "{verdict:?}");

        process.mend(Neighbour::Table);
        sleep(20 * 60).await;
        assert_eq!((world.queued(), world.dead_letters().len()), (0, 0), "{verdict:?}");
        let model =
            (0..SERVERS + SERVERS / 2).map(|n| (id(n), n >= SERVERS / 2)).map(|(id, is)| (id, (is, is)));
        assert_eq!(rows(&world).await, model.collect(), "{verdict:?}");
        working.abort();
    }
}
