//! A call of the table that fails once, whichever it is, repeats no message.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::Fault;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_tests::company::place;

use super::stage::{Stage, stall};

/// So many calls it takes at most until an alert is told.
const POINTS: usize = 40;

#[tokio::test(start_paused = true)]
async fn what_a_channel_took_is_recorded_though_a_call_fails() {
    for (point, fault) in (0..POINTS).flat_map(|point| [(point, Fault::Before), (point, Fault::After)]) {
        let stage = Stage::new();
        let notifier = stage.notifier();
        notifier.fail_at(point, fault);
        stage.happens(1, stall(&place(1), 1, Severity::Critical, (Happened::Opened, 1), stage.world.now()));
        tokio::time::sleep(Duration::from_mins(4)).await;
        // A channel that took a message without a word of it cannot be told from one that did not.
        let is_unheard = fault == Fault::After && notifier.points().get(point) == Some(&"send");
        let most = if is_unheard { 3 } else { 2 };
        let told = stage.world.notices().len();
        assert!((2..=most).contains(&told), "{told} messages for two channels: {fault:?} at {point}");
    }
}
