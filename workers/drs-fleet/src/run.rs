//! `run`: workers against AWS, one or all four in one process.

use std::collections::BTreeSet;

use capacity_tracker::CapacityTracker;
use clap::ValueEnum;
use drs_fleet_aws::config::Settings;
use drs_fleet_aws::process::{self, Runnable, prepare};
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::worker::Worker;
use job_monitor::JobMonitor;
use notifier::Notifier;
use tag_sync::TagSync;
use tokio_util::sync::CancellationToken;

/// What `run` takes.
#[derive(clap::Args)]
#[command(
    after_help = "Settings are environment variables; `drs-fleet run all` without them lists all that are \
needed.\n\nExamples:\n  drs-fleet run all\n  drs-fleet run job-monitor tag-sync --once"
)]
// Its group would have the name of the one that is flattened into it.
#[group(skip)]
pub(crate) struct Arguments {
    /// Which workers
    #[arg(required = true, value_enum)]
    workers: Vec<Which>,
    #[command(flatten)]
    process: process::Arguments,
}

/// A worker, or all of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Which {
    /// All four
    All,
    /// Source servers, replication and capacity
    CapacityTracker,
    /// Jobs
    JobMonitor,
    /// Tags
    TagSync,
    /// E-mail and Slack
    Notifier,
}

/// Every worker's name, in the order in which the data flows.
pub(crate) const ALL: [&str; 4] = [CapacityTracker::NAME, JobMonitor::NAME, TagSync::NAME, Notifier::NAME];

/// Runs workers until they are stopped.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let wanted: BTreeSet<_> = arguments.workers.iter().collect();
    let is_wanted = |which: Which| wanted.contains(&Which::All) || wanted.contains(&which);
    let each = [Which::CapacityTracker, Which::JobMonitor, Which::TagSync, Which::Notifier];
    let names: Vec<_> =
        ALL.into_iter().zip(each).filter(|(_, w)| is_wanted(*w)).map(|(name, _)| name).collect();
    let stop = CancellationToken::new();
    process::from_env(&names, &stop, |name, io, settings| {
        by_name(name, io, settings, arguments.process, &stop)
    })
    .await
}

/// Makes the worker of that name ready.
pub(crate) fn by_name(
    name: &str,
    io: SdkIo,
    settings: &Settings,
    arguments: process::Arguments,
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
        Notifier::NAME => prepare(io, arguments, stop, |with| {
            Notifier::new(notifier::channels(settings), with.registry, &with.metrics)
        }),
        _ => return None,
    })
}
