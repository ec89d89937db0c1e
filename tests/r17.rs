//! A denied, throttled or hanging account never slows another: the tracker sweeps a hundred places, and ninety-six
//! of them take the same simulated time whatever the other four do.

use std::collections::BTreeMap;
use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::consume::{Options, consume};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::incident::{self, IncidentKind};
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::registry::AccountRegion;
use drs_fleet_domain::seen::{JobLogSeen, JobSeen, JobServerSeen, ServerSeen};
use drs_fleet_domain::server::ServerRow;
use drs_fleet_testkit::company::{place, register, register_in, tick};
use job_monitor::JobMonitor;
use serde_json::json;
use tokio_util::sync::CancellationToken;

const PLACES: u64 = 100;
/// Those that have trouble, where there is any.
const DENIED: u64 = 10;
const THROTTLED: u64 = 20;
const HANGING: u64 = 30;
/// DRS takes its requests for invalid.
const INVALID: u64 = 40;
const ODD: [u64; 4] = [DENIED, THROTTLED, HANGING, INVALID];

/// Two pages of servers.
fn servers(place: &Place) -> Vec<ServerSeen> {
    let server = |n: u64| {
        let id = format!("s-{n:017}");
        let arn = format!("arn:aws:drs:{}:{}:source-server/{id}", place.region, place.account);
        ServerSeen { state: Some("CONTINUOUS".to_owned()), ..ServerSeen::new(id.parse().unwrap(), arn) }
    };
    (0..60).map(server).collect()
}

fn hub() -> MemoryIo {
    let io = MemoryIo::default().limited().with_latency(Duration::from_millis(20));
    for place in (0..PLACES).map(place) {
        register(&io, &place);
        io.set_servers(&place, servers(&place));
    }
    io
}

fn trouble(io: &MemoryIo) {
    let failure = |verdict| IoError::new(Neighbour::Spoke, "DescribeSourceServers", verdict, "no");
    io.set_spoke_failure(&place(DENIED), Some(failure(Verdict::Denied)));
    let throttled = IoError { retry_after: Some(Duration::from_mins(1)), ..failure(Verdict::Throttled) };
    io.set_spoke_failure(&place(THROTTLED), Some(throttled));
    io.set_spoke_hang(&place(HANGING), Some(Duration::from_secs(10)));
    io.set_spoke_failure(&place(INVALID), Some(failure(Verdict::Permanent)));
}

fn is_swept(io: &MemoryIo, n: u64) -> bool {
    let row = io.stored::<PlaceRow>(&keys::place(&place(n))).unwrap();
    row.is_some_and(|stored| stored.row.swept_at().is_some())
}

/// How long the sweep of all places but the four takes, and whether any of the four was swept by then.
async fn time_to_sweep(io: &MemoryIo) -> (Duration, bool) {
    tick(io);
    let worker = CapacityTracker::new(RegistryCache::default(), &Metrics::default());
    let working = tokio::spawn(consume(io.clone(), worker, Options::default(), CancellationToken::new()));
    let began = tokio::time::Instant::now();
    while !(0..PLACES).filter(|n| !ODD.contains(n)).all(|n| is_swept(io, n)) {
        assert!(began.elapsed() < Duration::from_mins(5), "never swept");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let taken = began.elapsed();
    working.abort();
    (taken, ODD.into_iter().any(|n| is_swept(io, n)))
}

/// Kinds of open incidents by place, of those that have any.
fn open(io: &MemoryIo) -> BTreeMap<u64, Vec<IncidentKind>> {
    let kinds = |n| {
        let row = io.stored::<PlaceRow>(&keys::place(&place(n))).unwrap()?.row;
        Some((n, incident::open(&row.incidents).map(|(kind, _)| kind).collect::<Vec<_>>()))
    };
    (0..PLACES).filter_map(kinds).filter(|(_, kinds)| !kinds.is_empty()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_of_four_places_in_trouble_is_told_and_told_again_when_it_is_over() {
    let io = hub();
    trouble(&io);
    let worker = CapacityTracker::new(RegistryCache::default(), &Metrics::default());
    let working = tokio::spawn(consume(io.clone(), worker, Options::default(), CancellationToken::new()));
    for _ in 0..6 {
        tick(&io);
        tokio::time::sleep(Duration::from_mins(5)).await;
    }
    let denied = (DENIED, vec![IncidentKind::AccountDenied]);
    let overdue = [THROTTLED, HANGING, INVALID].map(|n| (n, vec![IncidentKind::SweepOverdue]));
    assert_eq!(open(&io), overdue.into_iter().chain([denied]).collect());

    assert!(io.dead_letters().is_empty());
    assert!(!io.evicted().contains(&place(INVALID).account), "its role is as good as ever");

    for n in ODD {
        io.set_spoke_failure(&place(n), None);
        io.set_spoke_hang(&place(n), None);
    }
    for _ in 0..2 {
        tick(&io);
        tokio::time::sleep(Duration::from_mins(5)).await;
    }
    working.abort();
    assert_eq!(open(&io), BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn ninety_six_places_are_swept_as_fast_with_four_in_trouble_as_without() {
    let (well, all) = time_to_sweep(&hub()).await;
    assert!(all, "without trouble the four are swept as well");
    let io = hub();
    trouble(&io);
    let (beside_trouble, any) = time_to_sweep(&io).await;
    assert!(!any, "the four are in trouble");
    assert!(beside_trouble <= well, "{beside_trouble:?} instead of {well:?}");
}

#[tokio::test(start_paused = true)]
async fn jobs_that_drs_will_not_list_are_asked_for_once_a_tick_and_lead_to_no_dead_letter() {
    let io = MemoryIo::default().limited();
    register(&io, &place(INVALID));
    trouble(&io);
    let worker = JobMonitor::new(RegistryCache::default(), &Metrics::default());
    let working = tokio::spawn(consume(io.clone(), worker, Options::default(), CancellationToken::new()));
    for _ in 0..3 {
        tick(&io);
        tokio::time::sleep(Duration::from_mins(5)).await;
    }
    working.abort();
    let asked = io.points().into_iter().filter(|point| *point == "jobs").count();
    assert_eq!((asked, io.queued(), io.dead_letters().len()), (3, 0, 0));
    assert_eq!(io.evicted(), []);
    let row = io.stored::<JobSweepRow>(&keys::job_sweep(&place(INVALID))).unwrap().unwrap().row;
    assert_eq!((row.sweeping, row.swept_at), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_bears_one_call_in_five_seconds_is_swept_to_its_last_page() {
    let io = MemoryIo::default().limited();
    register(&io, &place(0));
    io.set_servers(&place(0), servers(&place(0)));
    io.set_page_size(&place(0), Some(10));
    io.set_one_call_in(&place(0), Some(Duration::from_secs(5)));
    tick(&io);
    let worker = CapacityTracker::new(RegistryCache::default(), &Metrics::default());
    let working = tokio::spawn(consume(io.clone(), worker, Options::default(), CancellationToken::new()));
    tokio::time::sleep(Duration::from_mins(3)).await;
    working.abort();
    let row = io.stored::<PlaceRow>(&keys::place(&place(0))).unwrap().unwrap().row;
    assert_eq!(row.counted.map(|counted| counted.servers), Some(60), "{:?}", row.partial);
    let calls = io.points().into_iter().filter(|point| *point == "source_servers").count();
    assert!(calls <= 15, "{calls} calls for six pages");
}

#[tokio::test(start_paused = true)]
async fn the_jobs_of_a_place_that_bears_one_call_in_five_seconds_are_read_with_their_logs() {
    const JOBS: usize = 6;
    let io = MemoryIo::default().limited();
    register(&io, &place(0));
    let now = io.now();
    let ids: Vec<JobId> = (0..JOBS).map(|n| format!("drsjob-{n:017}").parse().unwrap()).collect();
    let jobs = ids.iter().map(|id| JobSeen {
        kind: "LAUNCH".to_owned(),
        initiated_by: Some("START_DRILL".to_owned()),
        created: Some(now),
        ended: Some(now),
        servers: vec![JobServerSeen {
            server: servers(&place(0))[0].id.clone(),
            launch_status: Some("FAILED".to_owned()),
            recovery_instance: None,
        }],
        ..JobSeen::new(id.clone(), "COMPLETED")
    });
    io.set_jobs(&place(0), jobs.collect());
    for id in &ids {
        let server = Some(servers(&place(0))[0].id.clone());
        let line = JobLogSeen { at: now, event: "LAUNCH_FAILED".to_owned(), server, error: None };
        io.set_job_log(&place(0), id, vec![line]);
    }
    io.set_page_size(&place(0), Some(2));
    io.set_one_call_in(&place(0), Some(Duration::from_secs(5)));
    tick(&io);
    let worker = JobMonitor::new(RegistryCache::default(), &Metrics::default());
    let working = tokio::spawn(consume(io.clone(), worker, Options::default(), CancellationToken::new()));
    tokio::time::sleep(Duration::from_mins(4)).await;
    working.abort();
    for id in &ids {
        let row = io.stored::<JobRow>(&keys::job(&place(0), id)).unwrap().unwrap().row;
        assert!(row.failures.is_some() && row.step.is_some(), "{row:?}");
    }
    let calls = io.points().into_iter().filter(|point| ["jobs", "job_log"].contains(point)).count();
    assert!(calls <= 25, "{calls} calls for three pages and six logs");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_the_pages_left_out_is_not_gone_while_drs_knows_it_by_its_id() {
    let io = MemoryIo::default();
    register(&io, &place(0));
    let all = servers(&place(0));
    let (there, removed) = (all[3].id.clone(), all[4].id.clone());
    io.set_servers(&place(0), all.clone());
    let worker = CapacityTracker::new(RegistryCache::default(), &Metrics::default());
    let working = tokio::spawn(consume(io.clone(), worker, Options::default(), CancellationToken::new()));
    tick(&io);
    tokio::time::sleep(Duration::from_mins(5)).await;
    io.set_servers(&place(0), all.into_iter().filter(|seen| seen.id != removed).collect());
    io.set_overlooked(&place(0), [there.clone()]);
    tick(&io);
    tokio::time::sleep(Duration::from_mins(1)).await;
    working.abort();
    let gone = |id| io.stored::<ServerRow>(&keys::server(&place(0), id)).unwrap().unwrap().row.gone_since;
    assert_eq!(gone(&there), None);
    assert!(gone(&removed).is_some());
    let row = io.stored::<PlaceRow>(&keys::place(&place(0))).unwrap().unwrap().row;
    assert_eq!(row.counted.map(|counted| counted.servers), Some(59));
}

#[tokio::test(start_paused = true)]
async fn with_forty_accounts_of_many_regions_hanging_a_stall_elsewhere_is_told_at_once() {
    const REGIONS: [&str; 7] =
        ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3"];
    let io = MemoryIo::default().limited();
    register(&io, &place(99));
    let (worker, stop) =
        (CapacityTracker::new(RegistryCache::default(), &Metrics::default()), CancellationToken::new());
    for n in 0..40 {
        let region = |name: &str| AccountRegion { region: name.parse().unwrap(), drs: true, source: false };
        register_in(&io, &place(n), REGIONS.map(region).into());
        for region in REGIONS {
            let hanging = Place { region: region.parse().unwrap(), ..place(n) };
            io.set_spoke_hang(&hanging, Some(Duration::from_secs(10)));
        }
    }
    let working = tokio::spawn(consume(io.clone(), worker, Options::default(), stop));
    tick(&io);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let arn = format!("arn:aws:drs:us-west-2:{}:source-server/s-00000000000000001", place(99).account);
    io.put_message(
        json!({
            "version": "0", "id": "stall", "source": "aws.drs", "account": place(99).account, "region": "us-west-2",
            "detail-type": "DRS Source Server Data Replication Stalled Change", "resources": [arn],
            "detail": { "state": "STALLED" }, "time": io.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
        .to_string(),
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    working.abort();
    let key = keys::server(&place(99), &"s-00000000000000001".parse().unwrap());
    assert!(io.stored::<ServerRow>(&key).unwrap().is_some(), "it waits behind accounts that hang");
}

#[tokio::test(start_paused = true)]
async fn a_fresh_server_takes_no_slot_before_a_second_sweep_says_where_it_replicates() {
    let io = MemoryIo::default();
    register(&io, &place(0));
    let mut all = servers(&place(0));
    all[0].state = Some("INITIATING".to_owned());
    io.set_servers(&place(0), all.clone());
    let worker = CapacityTracker::new(RegistryCache::default(), &Metrics::default());
    let working = tokio::spawn(consume(io.clone(), worker, Options::default(), CancellationToken::new()));
    for (replicating, apart) in [(59, 1), (60, 0)] {
        tick(&io);
        tokio::time::sleep(Duration::from_mins(5)).await;
        let row = io.stored::<PlaceRow>(&keys::place(&place(0))).unwrap().unwrap().row;
        let counted = row.counted.unwrap();
        let not_known = counted.by_state.get("INITIATING, not yet known where").copied().unwrap_or_default();
        assert_eq!((counted.servers, counted.replicating, not_known), (60, replicating, apart));
    }
    working.abort();
}
