//! Active jobs are looked at closely: their end is known soon, with no event at all, at one request for all of a place.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::own_event::Happened;
use drs_fleet_domain::seen::JobSeen;
use drs_fleet_testkit::company::{drill, ended, place, register, tick};
use drs_fleet_testkit::work::work;
use job_monitor::JobMonitor;
use tokio::time::{Instant, sleep};

/// The end of a job that was seen active is known so soon, with no event at all.
const BAR: Duration = Duration::from_secs(20);

/// A job-monitor at work, until it is dropped.
struct Working(tokio::task::JoinHandle<()>);

impl Working {
    fn on(io: &MemoryIo) -> Self {
        let worker = JobMonitor::new(RegistryCache::default(), &Metrics::default());
        Self(tokio::spawn(work(io.clone(), worker)))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn row(io: &MemoryIo, place: &Place, id: &JobId) -> Option<JobRow> {
    io.stored::<JobRow>(&keys::job(place, id)).unwrap().map(|stored| stored.row)
}

/// How long it takes until the table knows that the job of a place is over.
async fn time_to_know(io: &MemoryIo, place: &Place, job: &JobSeen) -> Duration {
    io.set_jobs(place, vec![ended(job, io.now())]);
    let began = Instant::now();
    while row(io, place, &job.id).is_none_or(|row| row.is_active()) {
        assert!(began.elapsed() < Duration::from_mins(10), "never known");
        sleep(Duration::from_millis(100)).await;
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_active_job_is_known_within_twenty_seconds_whenever_it_comes() {
    for wait in 0..24 {
        let io = MemoryIo::default().limited().with_latency(Duration::from_millis(50));
        register(&io, &place(0));
        let job = drill(1, io.now(), 100, ("STARTED", "IN_PROGRESS"));
        io.set_jobs(&place(0), vec![job.clone()]);
        let _working = Working::on(&io);
        tick(&io);
        sleep(Duration::from_mins(1) + Duration::from_millis(500 * wait)).await;
        assert!(row(&io, &place(0), &job.id).is_some_and(|row| row.is_active()), "it was seen active");
        let took = time_to_know(&io, &place(0), &job).await;
        assert!(took <= BAR, "{took:?} after {wait} half seconds");
    }
}

/// Requests in ten minutes in which so many jobs are active.
async fn requests(jobs: u32) -> (usize, usize) {
    let io = MemoryIo::default().limited();
    register(&io, &place(0));
    let all = (0..jobs).map(|n| drill(n, io.now(), 5, ("STARTED", "IN_PROGRESS")));
    io.set_jobs(&place(0), all.collect());
    let _working = Working::on(&io);
    tick(&io);
    sleep(Duration::from_mins(10)).await;
    let count = |call: &str| io.points().into_iter().filter(|point| *point == call).count();
    (count("jobs"), count("job_log"))
}

#[tokio::test(start_paused = true)]
async fn one_request_lists_the_jobs_of_a_place_however_many_are_active() {
    let ((one, log_of_one), (twenty, log_of_twenty)) = (requests(1).await, requests(20).await);
    assert_eq!(one, twenty);
    assert!((40..=60).contains(&one), "{one} requests in ten minutes");
    assert_eq!(log_of_twenty, 20 * log_of_one);
    assert!(log_of_one <= 15, "{log_of_one} requests for the log of a job in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_place_without_active_jobs_is_asked_only_when_it_is_swept() {
    assert_eq!(requests(0).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn with_sixty_accounts_in_trouble_the_end_of_a_job_elsewhere_is_known_as_soon() {
    let io = MemoryIo::default().limited().with_latency(Duration::from_millis(20));
    for n in 0..61 {
        register(&io, &place(n));
        io.set_jobs(&place(n), vec![drill(1, io.now(), 5, ("STARTED", "IN_PROGRESS"))]);
    }
    let _working = Working::on(&io);
    tick(&io);
    sleep(Duration::from_mins(1)).await;
    for n in 0..20 {
        io.set_spoke_hang(&place(n), Some(Duration::from_secs(10)));
        let failure = |verdict| Some(IoError::new(Neighbour::Spoke, "DescribeJobs", verdict, "no"));
        io.set_spoke_failure(&place(20 + n), failure(Verdict::Throttled));
        io.set_spoke_failure(&place(40 + n), failure(Verdict::Denied));
    }
    sleep(Duration::from_mins(2)).await;
    let job = drill(1, io.now() - Duration::from_mins(3), 5, ("STARTED", "IN_PROGRESS"));
    let took = time_to_know(&io, &place(60), &job).await;
    assert!(took <= BAR, "{took:?}");
    assert!(io.dead_letters().is_empty());

    for n in 0..60 {
        io.set_spoke_hang(&place(n), None);
        io.set_spoke_failure(&place(n), None);
    }
    for n in [0, 20, 40] {
        let took = time_to_know(&io, &place(n), &job).await;
        assert!(took <= Duration::from_mins(6), "it is looked at again when the trouble is over: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_near_their_quota_are_told_before_drs_refuses_one_and_told_again_when_there_is_room() {
    let io = MemoryIo::default().limited();
    register(&io, &place(0));
    let all: Vec<_> = (0..18).map(|n| drill(n, io.now(), 26, ("STARTED", "IN_PROGRESS"))).collect();
    io.set_jobs(&place(0), all.clone());
    let _working = Working::on(&io);
    tick(&io);
    sleep(Duration::from_mins(1)).await;
    let told = || {
        let of_quota = io.published_events().into_iter().filter_map(|event| event.incident().cloned());
        let of_quota = of_quota.filter(|incident| incident.kind == IncidentKind::JobsNearQuota);
        of_quota.map(|incident| (incident.happened, incident.reason)).collect::<Vec<_>>()
    };
    let near = "18 of 20 jobs at a time (L-D88FAC3A), 468 of 500 servers in jobs (L-05AFA8C6)";
    assert_eq!(told(), [(Happened::Opened, near.to_owned())]);
    io.set_jobs(&place(0), all.iter().map(|job| ended(job, io.now())).collect());
    sleep(Duration::from_mins(1)).await;
    assert_eq!(told().last().map(|(happened, _)| *happened), Some(Happened::Resolved));
}
