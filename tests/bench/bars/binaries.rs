//! The workers as they are shipped: release builds of their own, with the features that they have alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use capacity_tracker::CapacityTracker;
use drs_fleet_aws::worker::Worker;
use drs_fleet_tests::bars::Bar;
use job_monitor::JobMonitor;
use notifier::Notifier;
use tag_sync::TagSync;

use crate::report::Found;

const WORKERS: [&str; 4] = [CapacityTracker::NAME, JobMonitor::NAME, TagSync::NAME, Notifier::NAME];

/// Builds one as it is shipped; quick where it is up to date.
pub fn build(name: &str) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--release", "--locked", "--quiet", "--package", name];
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::null());
    ensure!(command.status().context("cargo cannot be run")?.success(), "{name} cannot be built");
    Ok(())
}

/// Where the release build of one lies: beside this benchmark's own.
pub fn path(name: &str) -> anyhow::Result<PathBuf> {
    let bench = std::env::current_exe()?;
    let release = bench.ancestors().find(|path| path.ends_with("release"));
    Ok(Path::new(release.context("run this with cargo bench")?).join(name))
}

/// Bar P12.
pub fn measure() -> anyhow::Result<Found> {
    let mut sizes = Vec::new();
    for name in WORKERS {
        build(name)?;
        let bytes = std::fs::metadata(path(name)?).with_context(|| format!("{name} was not built"))?.len();
        sizes.push((name, bytes as f64 / 1e6));
    }
    let largest = sizes.iter().map(|(_, mb)| *mb).fold(0.0, f64::max);
    let mut found = Found::default();
    found.read(Bar::Binary, largest, None);
    let list: Vec<_> = sizes.iter().map(|(name, mb)| format!("{name} {mb:.1}")).collect();
    found.remark(format!("P12, stripped release builds in MB: {}.", list.join(", ")));
    Ok(found)
}
