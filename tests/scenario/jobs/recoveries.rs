//! Recovery instances, and their way back.

use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys;
use drs_fleet_domain::policy::{Policy, Thresholds};
use drs_fleet_domain::recovery::RecoveryRow;

use super::{drill, healthy, over};
use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

/// What the table says of the only recovery instance, once it is as it should be.
async fn instance(hub: &Hub, what: &str, is_so: impl Fn(&RecoveryRow) -> bool) -> RecoveryRow {
    until(what, async || {
        hub.sweep_jobs(0).await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let rows: Vec<RecoveryRow> = hub.rows(&keys::recoveries(&hub.place(0))).await;
        rows.into_iter().find(|row| is_so(row))
    })
    .await
}

fn is_open(row: &RecoveryRow, kind: IncidentKind) -> bool {
    row.incidents.get(&kind).is_some_and(|incident| incident.closed_at.is_none())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failback_that_fails_is_told_until_it_goes_on() {
    let hub = Hub::start(Plan { speed: 150.0, ..Plan::default() }).await;
    let (world, site) = (hub.world(), hub.site(0));
    let id = drill(&hub, 0, &healthy(&hub, 0)[..1], "wave-1").await;
    over(&hub, 0, &id).await;
    let row = instance(&hub, "a running instance", RecoveryRow::runs).await;
    assert_eq!((row.job.as_ref(), row.drill, row.plan.as_deref()), (Some(&id), Some(true), Some("wave-1")));
    assert!(row.launched_at.is_some() && row.name.is_some(), "{row:?}");
    let instance_id = row.id.as_str();
    let state = drs_fleet_local::drs::FailbackState::InProgress;
    world.drs.set_failback(world, site, instance_id, state).unwrap();
    world.drs.fail_failback(world, site, instance_id, "FAILBACK_CLIENT_NOT_SEEN").unwrap();
    let failed = instance(&hub, "a failed failback", |row| {
        let error = row.failback.as_ref().and_then(|failback| failback.error.as_deref());
        is_open(row, IncidentKind::FailbackFailed) && error == Some("FAILBACK_CLIENT_NOT_SEEN")
    })
    .await;
    assert_eq!(failed.failback.unwrap().state, "FAILBACK_ERROR");
    let is_told = async |begin: &str| {
        until(format!("told in Slack: {begin}"), async || {
            hub.slack.texts().iter().any(|text| text.starts_with(begin)).then_some(())
        })
        .await;
    };
    // What is over before it is told, nobody is told of.
    is_told("Failback failed").await;
    world.drs.set_failback(world, site, instance_id, state).unwrap();
    instance(&hub, "the failback goes on", |row| !is_open(row, IncidentKind::FailbackFailed)).await;
    is_told("Resolved: Failback failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_is_left_running_is_told_until_its_instances_are_gone() {
    let fleet = Thresholds {
        drill_left_after: Some(std::time::Duration::from_mins(10).into()),
        ..Thresholds::default()
    };
    let policy = Policy { fleet, ..Policy::default() };
    let hub = Hub::start(Plan { speed: 150.0, policy, ..Plan::default() }).await;
    let (world, site) = (hub.world(), hub.site(0));
    let id = drill(&hub, 0, &healthy(&hub, 0)[..2], "wave-1").await;
    over(&hub, 0, &id).await;
    let is_told = async |open: bool| {
        until(format!("left running: {open}"), async || {
            let job = super::row(&hub, 0, &id).await?;
            let incident = job.incidents.get(&IncidentKind::DrillLeftRunning)?;
            (incident.closed_at.is_none() == open).then_some(())
        })
        .await;
    };
    is_told(true).await;
    let rows: Vec<RecoveryRow> = hub.rows(&keys::recoveries(&hub.place(0))).await;
    for row in rows {
        world.drs.terminate_instance(world, site, row.id.as_str()).unwrap();
    }
    is_told(false).await;
}
