//! The four workers by name.

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::config::Settings;
use drs_fleet_aws::process::{Arguments, Runnable, prepare};
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::worker::Worker;
use job_monitor::JobMonitor;
use notifier::Notifier;
use tag_sync::TagSync;
use tokio_util::sync::CancellationToken;

/// Every worker's name, in the order in which the data flows.
pub const ALL: [&str; 4] = [CapacityTracker::NAME, JobMonitor::NAME, TagSync::NAME, Notifier::NAME];

/// Makes the worker of that name ready.
pub fn by_name(
    name: &str,
    io: SdkIo,
    settings: &Settings,
    arguments: Arguments,
    stop: &CancellationToken,
) -> Option<Runnable> {
    Some(match name {
        CapacityTracker::NAME => {
            prepare(io, arguments, stop, |with| CapacityTracker::new(with.registry, &with.metrics))
        }
        JobMonitor::NAME => {
            prepare(io, arguments, stop, |with| JobMonitor::new(with.registry, &with.metrics))
        }
        TagSync::NAME => prepare(io, arguments, stop, |with| TagSync::new(with.registry, &with.metrics)),
        Notifier::NAME => {
            prepare(io, arguments, stop, |with| Notifier::of(settings, with.registry, &with.metrics))
        }
        _ => return None,
    })
}
