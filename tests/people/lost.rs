//! Nothing is lost to a route that leads nowhere, or to what an earlier release left behind.

use std::time::Duration;

use drs_fleet_aws::io::{Io, Write};
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::keys::due_shards;
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::routes::{DEFAULT, Telling};
use drs_fleet_domain::notify::{ChannelName, Routes, RoutesRow};
use drs_fleet_domain::own_event::Happened;
use drs_fleet_domain::row::{Outbox, Row};
use drs_fleet_tests::company::place;

use super::stage::{Stage, stall};

#[tokio::test(start_paused = true)]
async fn a_message_that_an_earlier_release_had_not_sent_is_told_and_rings_no_more() {
    let stage = Stage::new();
    let latest = stall(&place(1), 1, Severity::High, (Happened::Opened, 1), stage.world.now());
    let row = IncidentRow { latest, groups: Vec::new(), ack: None };
    let (none, due) = (Outbox::new(), Some(stage.world.now()));
    let write = Write { row: &row, expected: None, outbox_before: &none, outbox: &none, due };
    stage.world.commit(write).await.unwrap();
    stage.notifier();
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(stage.digests("mail").len(), 1);
    for shard in due_shards(IncidentRow::WORKER) {
        let due = stage.world.due(&shard, stage.world.now(), 10).await.unwrap();
        assert!(due.is_empty(), "{due:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_to_a_webhook_that_the_hub_has_not_is_told_by_mail() {
    let stage = Stage::new();
    let slack = ChannelName::try_from("slack".to_owned()).unwrap();
    let routes = Routes {
        default: Telling { channels: Some(vec![slack]), ..Telling::default() },
        ..Routes::default()
    };
    let (set_by, set_at) = (DEFAULT.to_owned(), stage.world.now());
    stage.world.set_row(&RoutesRow { policy: routes, set_by, set_at });
    stage.notifier_without_webhook();
    stage.happens(1, stall(&place(1), 1, Severity::High, (Happened::Opened, 1), stage.world.now()));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!((stage.digests("slack").len(), stage.digests("mail").len()), (0, 1));
}
