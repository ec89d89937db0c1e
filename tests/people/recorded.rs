//! A call of the table that fails once, whichever it is, delays no message and repeats none.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::Fault;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_testkit::company::place;

use super::stage::{Stage, stall};

/// So many calls it takes at most until an alert is told.
const POINTS: usize = 30;

#[tokio::test(start_paused = true)]
async fn what_a_channel_took_is_recorded_though_a_call_fails() {
    for point in 0..POINTS {
        let stage = Stage::new();
        stage.notifier().fail_at(point, Fault::Before);
        stage.happens(1, stall(&place(1), 1, Severity::Critical, (Happened::Opened, 1), stage.world.now()));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(stage.world.notices().len(), 2, "both channels at once: point {point}");
        // Longer than a sender that has recorded nothing is waited for.
        tokio::time::sleep(Duration::from_mins(4)).await;
        assert_eq!(stage.world.notices().len(), 2, "one message for each of two channels: point {point}");
    }
}
