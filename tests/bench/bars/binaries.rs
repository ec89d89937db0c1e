//! Bar P12: how large the workers are as they are shipped; and what each takes of memory when it has nothing to do.

use anyhow::Context;
use capacity_tracker::CapacityTracker;
use drs_fleet_aws::worker::Worker;
use drs_fleet_testkit::bars::Bar;
use drs_fleet_testkit::shipped;
use job_monitor::JobMonitor;
use notifier::Notifier;
use tag_sync::TagSync;

use crate::consumer::start;
use crate::report::Found;

const WORKERS: [&str; 4] = [CapacityTracker::NAME, JobMonitor::NAME, TagSync::NAME, Notifier::NAME];

pub fn measure() -> anyhow::Result<Found> {
    let mut sizes = Vec::new();
    for name in WORKERS {
        shipped::build(name)?;
        let bytes =
            std::fs::metadata(shipped::path(name)?).with_context(|| format!("{name} was not built"))?.len();
        sizes.push((name, bytes as f64 / 1e6, start::idle(name)?));
    }
    let largest = sizes.iter().map(|(_, mb, _)| *mb).fold(0.0, f64::max);
    let mut found = Found::default();
    found.read(Bar::Binary, largest, None);
    let list = |of: &dyn Fn(&(&str, f64, f64)) -> f64| {
        let each: Vec<_> = sizes.iter().map(|size| format!("{} {:.1}", size.0, of(size))).collect();
        each.join(", ")
    };
    found.remark(format!("P12, stripped release builds in MB: {}.", list(&|size| size.1)));
    found.remark(format!("P6, of each worker, idle, in MiB: {}.", list(&|size| size.2)));
    Ok(found)
}
