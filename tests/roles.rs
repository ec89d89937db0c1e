//! Workers as their own binaries run them, for programs that start themselves in several roles.

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::config::Settings;
use drs_fleet_aws::process::{Arguments, Setup, from_env, on_one_thread, prepare};
use drs_fleet_aws::worker::Worker;
use notifier::Notifier;
use tokio_util::sync::CancellationToken;

/// The capacity-tracker; ends upon SIGTERM.
///
/// # Errors
/// Every setting that is missing or wrong.
pub fn capacity_tracker() -> anyhow::Result<()> {
    run(|setup, _| CapacityTracker::new(setup.registry, &setup.metrics))
}

/// The notifier; ends upon SIGTERM.
///
/// # Errors
/// Every setting that is missing or wrong.
pub fn notifier() -> anyhow::Result<()> {
    run(|setup, settings| Notifier::of(settings, setup.registry, &setup.metrics))
}

fn run<W: Worker>(make: impl Fn(Setup, &Settings) -> W) -> anyhow::Result<()> {
    on_one_thread(async {
        let stop = CancellationToken::new();
        from_env(&[W::NAME], &stop, |_, io, settings| {
            Some(prepare(io, Arguments::default(), &stop, |setup| make(setup, settings)))
        })
        .await
    })?;
    Ok(())
}
