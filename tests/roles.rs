//! Workers as their own binaries run them, for programs that start themselves in several roles.

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::process::{Arguments, Setup, from_env, on_one_thread, prepare};
use drs_fleet_aws::worker::Worker;
use tokio_util::sync::CancellationToken;

/// The capacity-tracker; ends upon SIGTERM.
///
/// # Errors
/// Every setting that is missing or wrong.
pub fn capacity_tracker() -> anyhow::Result<()> {
    on_one_thread(async {
        let stop = CancellationToken::new();
        from_env(&[CapacityTracker::NAME], &stop, |_, io, _| {
            let make = |setup: Setup| CapacityTracker::new(setup.registry, &setup.metrics);
            Some(prepare(io, Arguments::default(), &stop, make))
        })
        .await
    })?;
    Ok(())
}
