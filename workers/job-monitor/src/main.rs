//! The job-monitor as a process of its own.

fn main() -> std::process::ExitCode {
    drs_fleet_aws::process::main("Follows every DRS job, whoever started it", |setup, _| {
        job_monitor::JobMonitor::new(setup.registry, &setup.metrics)
    })
}
