//! What it costs to follow active jobs, and how soon their end is known: the job-monitor in simulated time, on a world in
//! memory, so that each run prints the same. `cargo bench -p drs-fleet-tests --bench jobs -- --help`

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::keys;
use drs_fleet_domain::seen::JobSeen;
use drs_fleet_testkit::company::{drill, ended, place, register, tick};
use drs_fleet_testkit::work::work;
use job_monitor::JobMonitor;
use serde::Serialize;
use tokio::time::{Instant, sleep};

/// The end of an active job may be known so late, in seconds.
const BAR: f64 = 20.0;

/// So long jobs are followed before they end.
const FOLLOWED: Duration = Duration::from_mins(20);

/// Measures requests per active job, and how soon its end is known with no event at all.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long each call takes, in milliseconds.
    #[arg(long, default_value_t = 50)]
    call_ms: u64,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Cargo adds this.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What was measured of one account and Region with so many active jobs.
#[derive(Debug, Serialize)]
struct Measured {
    jobs: u32,
    servers_in_each: u32,
    /// Requests in a minute, for all jobs together.
    describe_jobs: f64,
    describe_job_log_items: f64,
    table_reads: f64,
    table_writes: f64,
    /// DRS requests in a minute for each active job.
    drs_requests_per_job: f64,
    /// From the end of the last job until the table knows of the end of all.
    end_known_after_seconds: f64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => drs_fleet_aws::process::fail(&error),
    }
}

#[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for (jobs, servers) in [(1, 1), (1, 100), (5, 100), (20, 25)] {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        all.push(runtime.block_on(measure(jobs, servers, Duration::from_millis(arguments.call_ms)))?);
    }
    if arguments.json {
        println!("{}", serde_json::json!({ "measured": all, "bar_seconds": BAR }));
        return Ok(());
    }
    println!(
        "Requests in a minute of simulated time, one account and Region, no events, {} ms a call\n",
        arguments.call_ms
    );
    println!(
        "{:>5}{:>9}{:>14}{:>21}{:>13}{:>14}{:>12}{:>19}",
        "jobs",
        "servers",
        "DescribeJobs",
        "DescribeJobLogItems",
        "DRS per job",
        "table writes",
        "table reads",
        "end known after"
    );
    for m in all {
        println!(
            "{:>5}{:>9}{:>14.1}{:>21.1}{:>13.1}{:>14.1}{:>12.1}{:>14.1} s (bar {BAR:.0})",
            m.jobs,
            m.jobs * m.servers_in_each,
            m.describe_jobs,
            m.describe_job_log_items,
            m.drs_requests_per_job,
            m.table_writes,
            m.table_reads,
            m.end_known_after_seconds
        );
    }
    Ok(())
}

async fn measure(jobs: u32, servers_in_each: u32, call: Duration) -> anyhow::Result<Measured> {
    let io = MemoryIo::default().limited().with_latency(call);
    register(&io, &place(0));
    let active: Vec<_> =
        (0..jobs).map(|n| drill(n, io.now(), servers_in_each, ("STARTED", "IN_PROGRESS"))).collect();
    io.set_jobs(&place(0), active.clone());
    let worker = JobMonitor::new(RegistryCache::default(), &Metrics::default());
    let working = tokio::spawn(work(io.clone(), worker));
    tick(&io);
    // What the first sweep costs is no part of it.
    sleep(Duration::from_mins(1)).await;
    let before = io.points().len();
    sleep(FOLLOWED).await;
    let points = io.points();
    let in_a_minute = |call: &str| {
        let count = points[before..].iter().filter(|point| **point == call).count();
        count as f64 / (FOLLOWED.as_secs_f64() / 60.0)
    };
    io.set_jobs(&place(0), active.iter().map(|job| ended(job, io.now())).collect());
    let began = Instant::now();
    while !active.iter().all(|job| is_known_to_be_over(&io, job)) {
        sleep(Duration::from_millis(100)).await;
    }
    let end_known_after_seconds = began.elapsed().as_secs_f64();
    working.abort();
    let (describe_jobs, describe_job_log_items) = (in_a_minute("jobs"), in_a_minute("job_log"));
    Ok(Measured {
        jobs,
        servers_in_each,
        describe_jobs,
        describe_job_log_items,
        table_reads: in_a_minute("read") + in_a_minute("query"),
        table_writes: in_a_minute("commit"),
        drs_requests_per_job: (describe_jobs + describe_job_log_items) / f64::from(jobs),
        end_known_after_seconds,
    })
}

fn is_known_to_be_over(io: &MemoryIo, job: &JobSeen) -> bool {
    let stored = io.stored::<JobRow>(&keys::job(&place(0), &job.id));
    stored.is_ok_and(|stored| stored.is_some_and(|stored| !stored.row.is_active()))
}
