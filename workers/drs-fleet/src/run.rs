//! `run`: workers against AWS, one or all four in one process.

use std::collections::BTreeSet;

use clap::ValueEnum;
use drs_fleet::workers::{ALL, by_name};
use drs_fleet_aws::process;
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
