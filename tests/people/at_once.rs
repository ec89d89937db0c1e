//! P9: what is critical is handed to its channels within a second.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::{Routes, RoutesRow};
use drs_fleet_domain::own_event::Happened;
use drs_fleet_testkit::company::place;
use jiff::SignedDuration;
use serde_json::json;

use super::stage::{Stage, stall};

const ALERTS: u64 = 100;

#[tokio::test(start_paused = true)]
async fn a_critical_alert_is_handed_to_every_channel_within_a_second_of_its_arrival() {
    let stage = Stage::new();
    let policy: Routes = serde_json::from_value(json!({ "default": { "group_by": ["account"] } })).unwrap();
    let set_at = stage.world.now();
    stage.world.set_row(&RoutesRow { policy, set_by: "kim".into(), set_at });
    stage.notifier();
    // What it reads once is read.
    tokio::time::sleep(Duration::from_mins(1)).await;
    for n in 0..ALERTS {
        let (sent, arrived_at) = (stage.world.sent().len(), stage.world.now());
        let server = usize::try_from(n).unwrap();
        stage
            .happens(server, stall(&place(n), server, Severity::Critical, (Happened::Opened, 1), arrived_at));
        tokio::time::sleep(Duration::from_secs(3)).await;
        let told = stage.world.sent().split_off(sent);
        let late: Vec<_> = told.iter().map(|(at, _)| at.duration_since(arrived_at)).collect();
        assert!(late.len() == 2 && late.iter().all(|late| *late <= SignedDuration::from_secs(1)), "{late:?}");
    }
}
