//! Throttles, errors, lost answers and repeated deliveries change how long it takes, and not how it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drs_fleet_domain::incident;
use drs_fleet_domain::keys;
use drs_fleet_domain::policy::{Policy, Thresholds};
use drs_fleet_domain::server::ServerRow;
use drs_fleet_domain::tags::InstanceTagsRow;
use drs_fleet_local::faults::{Fault, FaultRule};

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

/// What is left when all is done, without times.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// Kinds of open incidents by server.
    servers: BTreeMap<String, Vec<String>>,
    /// By subject: whether it is open.
    incidents: BTreeMap<String, bool>,
    told: BTreeSet<String>,
    tags: BTreeMap<String, String>,
}

fn faults() -> Vec<FaultRule> {
    let of_calls = ["dynamodb", "sqs"].into_iter().flat_map(|service| {
        [(0.05, Fault::Throttle), (0.01, Fault::ServerError)]
            .map(|(probability, fault)| FaultRule::of((service, ""), probability, fault))
    });
    // Not of ReceiveMessage: what is lost with its answer comes back after two minutes of real time.
    let lost = [("dynamodb", ""), ("sqs", "DeleteMessageBatch"), ("sqs", "SendMessageBatch")]
        .map(|of| FaultRule::of(of, 0.02, Fault::ReplyLost));
    let of_messages =
        [("sqs", "ReceiveMessage"), ("events", "Deliver")].map(|of| FaultRule::of(of, 0.2, Fault::Duplicate));
    of_calls.chain(lost).chain(of_messages).collect()
}

/// Nothing that time alone makes of a stall (it lags, it becomes critical): how long a run takes is not what is compared.
fn patient() -> Policy {
    let day = Some(Duration::from_hours(24).into());
    let fleet = Thresholds {
        stalled_critical_after: day,
        lag_above: day,
        backlog_above: Some(u64::MAX),
        ..Thresholds::default()
    };
    Policy { fleet, ..Policy::default() }
}

/// Three servers stall, one of them recovers, and a machine is tagged.
async fn play(plan: Plan) -> End {
    let hub = Hub::start(plan).await;
    let servers = hub.servers(0);
    for server in &servers[..3] {
        hub.world().drs.stall(hub.world(), hub.site(0), server, "NOT_CONVERGING").unwrap();
    }
    told(&hub, 3, 3).await;
    hub.world().drs.recover(hub.world(), hub.site(0), &servers[0]).unwrap();
    told(&hub, 3, 2).await;
    let machine = hub.world().drs.servers(hub.site(0), hub.world().clock.now());
    let instance = machine.into_iter().find_map(|server| server.instance).unwrap();
    let change = [("PatchGroup".to_owned(), Some("tuesday".to_owned()))];
    hub.world().ec2.set_tags(hub.world(), hub.site(0), &instance, &change).unwrap();
    let key = keys::instance_tags(&instance.parse().unwrap());
    let tags = until("synced tags", async || {
        let row = hub.row::<InstanceTagsRow>(&key).await?;
        // A sweep may have listed the machine before the change.
        let is_changed = row.tags.get("PatchGroup").is_some_and(|group| group == "tuesday");
        (is_changed && !row.is_to_be_done()).then_some(row.tags)
    })
    .await;
    let rows = hub.rows::<ServerRow>(&keys::servers(&hub.place(0))).await;
    let kinds = |row: ServerRow| incident::open(&row.incidents).map(|(kind, _)| kind.to_string()).collect();
    End {
        servers: rows.into_iter().map(|row| (row.id.to_string(), kinds(row))).collect(),
        incidents: incidents(&hub).await,
        told: hub.slack.texts().iter().map(|text| without_duration(text)).collect(),
        tags,
    }
}

/// How long something lasted depends on how long everything takes.
fn without_duration(text: &str) -> String {
    text.split(", after").next().unwrap_or_default().to_owned()
}

async fn incidents(hub: &Hub) -> BTreeMap<String, bool> {
    hub.incidents(0).await.into_iter().map(|row| (row.latest.subject.clone(), row.is_open())).collect()
}

/// Waits until there are `all` incidents of which `open` are open, told on both channels.
async fn told(hub: &Hub, all: usize, open: usize) {
    until(format!("{all} incidents, {open} open, all told"), async || {
        let rows = hub.incidents(0).await;
        let mut is_told = true;
        for row in &rows {
            is_told &= hub.is_told(row).await;
        }
        (is_told && rows.len() == all && rows.iter().filter(|row| row.is_open()).count() == open)
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_table_and_the_queues_change_nothing_in_the_end() {
    let plan = |faults| Plan { policy: patient(), faults, ..Plan::default() };
    let (calm, stormy) = tokio::join!(play(plan(Vec::new())), play(plan(faults())));
    assert_eq!(calm, stormy);
    assert_eq!(calm.told.len(), 4, "three beginnings and an end");
}
