//! What slows the tags of machines down, or has two workers at them.

use drs_fleet_aws::process::{self, Arguments, Setup};
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::tags::{InstanceTagsRow, TagSweepRow};
use jiff::Timestamp;
use tag_sync::TagSync;
use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_drs_throttles_is_all_there_in_the_end() {
    let hub = Hub::start(Plan { speed: 60.0, ..Plan::default() }).await;
    let rows = hub.rows::<ServerRow>(&keys::servers(&hub.place(0))).await;
    let pairs: Vec<_> = rows
        .into_iter()
        .filter(|row| row.replication.state == "CONTINUOUS")
        .filter_map(|row| Some((row.id.to_string(), row.inventory?.instance.as_ref()?.to_string())))
        .collect();
    assert!(pairs.len() > 2, "{pairs:?}");
    hub.world().faults.set(vec![FaultRule::of(("drs", "TagResource"), 0.6, Fault::Throttle)]);
    for round in ["first", "second"] {
        for (_, instance) in &pairs {
            set(&hub, 0, instance, &[("Owner", Some(round)), (round, Some("x"))]);
        }
    }
    for (id, _) in &pairs {
        becomes(&hub, (0, id), "Owner", Some("second")).await;
        becomes(&hub, (0, id), "first", Some("x")).await;
        becomes(&hub, (0, id), "second", Some("x")).await;
    }
    assert_eq!(hub.queued("drs-fleet-tags-dlq").len(), 0, "nothing is given up");
}

/// Another process of the tag-sync beside the one that is at work.
fn another_sync(hub: &Hub, stop: &CancellationToken) {
    let io = hub.fleet.worker_io(TagSync::NAME).unwrap();
    let quiet = Arguments { no_metrics: true, ..Arguments::default() };
    let make = |with: Setup| TagSync::new(with.registry, &with.metrics);
    let runnable = process::prepare(io, quiet, stop, make);
    let (settings, stop) = (hub.fleet.settings().clone(), stop.clone());
    tokio::spawn(async move { process::run(vec![runnable], &settings, stop).await });
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_that_race_for_a_server_end_right_and_come_to_rest() {
    let hub = Hub::start(Plan { speed: 30.0, ..Plan::default() }).await;
    let stop = CancellationToken::new();
    let _ends_with_the_test = stop.clone().drop_guard();
    another_sync(&hub, &stop);
    let (id, instance) = protected(&hub, 0).await;
    // Each change is delivered more than once, and to either of them.
    hub.world().faults.set(vec![FaultRule::of(("sqs", "ReceiveMessage"), 0.5, Fault::Duplicate)]);
    for n in 1..=20 {
        set(&hub, 0, &instance, &[("Owner", Some(&format!("owner-{n}")))]);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    becomes(&hub, (0, &id), "Owner", Some("owner-20")).await;
    hub.world().faults.set(Vec::new());
    let key = keys::instance_tags(&instance.parse().unwrap());
    until("both have nothing to do", async || {
        let told = hub.row::<InstanceTagsRow>(&key).await.is_some_and(|row| !row.is_to_be_done());
        let rests = server_tags(&hub, &id).await.is_some_and(|row| row.doing.is_none());
        (told && rests).then_some(())
    })
    .await;
    let written = history(&hub, &id).await;
    for _ in 0..2 {
        let before = swept_at(&hub).await;
        hub.sweep_tags(0).await;
        until("a sweep of the tags", async || (swept_at(&hub).await > before).then_some(())).await;
    }
    assert_eq!(tags(&hub, 0, &id)["Owner"], "owner-20");
    assert_eq!(history(&hub, &id).await, written, "nothing more is written");
}

async fn swept_at(hub: &Hub) -> Option<Timestamp> {
    hub.row::<TagSweepRow>(&keys::tag_sweep(&hub.place(0))).await?.swept_at
}

#[tokio::test(flavor = "multi_thread")]
async fn while_its_role_is_revoked_an_account_waits_for_its_tags_and_others_do_not() {
    let hub = Hub::start(Plan { speed: 120.0, ..Plan::default() }).await;
    let machines = [protected(&hub, 0).await, protected(&hub, 1).await];
    let role_arn = hub.fleet.estate.spokes[0].role_arn.clone();
    let role = hub.world().iam.role(&role_arn).unwrap();
    hub.world().iam.delete_role(&role_arn);
    for (spoke, (_, instance)) in machines.iter().enumerate() {
        set(&hub, spoke, instance, &[("Owner", Some("ada"))]);
    }
    becomes(&hub, (1, &machines[1].0), "Owner", Some("ada")).await;
    until("that it waits", async || {
        let key = keys::instance_tags(&machines[0].1.parse().unwrap());
        hub.row::<InstanceTagsRow>(&key).await?.pending.filter(|why| why.contains("AssumeRole"))
    })
    .await;
    hub.world().iam.put_role(&role_arn, &role.trust, &role.policies).unwrap();
    becomes(&hub, (0, &machines[0].0), "Owner", Some("ada")).await;
}
