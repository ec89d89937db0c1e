//! Tags of EC2 machines reach their source servers, wherever these are, and whatever goes wrong on the way.

mod trouble;
mod types;

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_domain::incident::{self, IncidentKind};
use drs_fleet_domain::keys;
use drs_fleet_domain::server::ServerRow;
use drs_fleet_domain::tags::rules::Written;
use drs_fleet_domain::tags::{Cause, ServerTagsRow, TagHistoryRow, TagPolicy};
use drs_fleet_local::drs::{Origin, ServerSpec};
use drs_fleet_local::faults::{Fault, FaultRule};
use serde_json::json;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

type Tags = BTreeMap<String, String>;

/// The tags of a source server, as AWS has them.
fn tags(hub: &Hub, spoke: usize, id: &str) -> Tags {
    let servers = hub.world().drs.servers(hub.site(spoke), hub.world().clock.now());
    servers.into_iter().find(|server| server.id == id).unwrap().tags
}

/// Waits until a tag has this value, or is not there.
async fn becomes(hub: &Hub, (spoke, id): (usize, &str), key: &str, value: Option<&str>) -> Tags {
    until(format!("{key} = {value:?} on {id}"), async || {
        let tags = tags(hub, spoke, id);
        (tags.get(key).map(String::as_str) == value).then_some(tags)
    })
    .await
}

/// A replicating source server of the inventory and its machine, which runs in the same place.
async fn protected(hub: &Hub, spoke: usize) -> (String, String) {
    let rows = hub.rows::<ServerRow>(&keys::servers(&hub.place(spoke))).await;
    let found = rows.into_iter().filter(|row| row.replication.state == "CONTINUOUS").find_map(|row| {
        let instance = row.inventory?.instance.clone()?;
        Some((row.id.to_string(), instance.to_string()))
    });
    found.expect("a server whose machine is known")
}

/// Sets tags of a machine, and removes those without a value.
fn set(hub: &Hub, spoke: usize, instance: &str, changes: &[(&str, Option<&str>)]) {
    let owned = |(key, value): &(&str, Option<&str>)| ((*key).to_owned(), value.map(str::to_owned));
    let changes: Vec<_> = changes.iter().map(owned).collect();
    hub.world().ec2.set_tags(hub.world(), hub.site(spoke), instance, &changes).unwrap();
}

/// A machine in one spoke and its source server in another, which a sweep has found. Answers the server's id.
async fn replicate(hub: &Hub, (from, to): (usize, usize), instance: &str, server_tags: Tags) -> String {
    let (account, region) = hub.site(from);
    hub.world().ec2.add((account, region), (instance, "r6i.2xlarge"), Tags::new());
    let mut spec = ServerSpec::named("erp-db-09").continuous(hub.world().clock.now());
    spec.tags = server_tags;
    spec.machine.origin = Some(Origin {
        account: account.to_owned(),
        region: region.to_owned(),
        zone: format!("{region}a"),
        instance: instance.to_owned(),
        hinted: true,
    });
    let id = hub.world().drs.add_server(hub.site(to), spec, hub.world().clock.now()).unwrap();
    listed(hub, to, &id).await;
    id
}

/// Sweeps until a server is in the inventory.
async fn listed(hub: &Hub, spoke: usize, id: &str) {
    let key = keys::server(&hub.place(spoke), &id.parse().unwrap());
    until("the server in the inventory", async || {
        hub.sweep(spoke).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        hub.row::<ServerRow>(&key).await
    })
    .await;
}

async fn server_tags(hub: &Hub, id: &str) -> Option<ServerTagsRow> {
    hub.row(&keys::server_tags(&hub.place(0), &id.parse().unwrap())).await
}

async fn has_incident(hub: &Hub, id: &str, kind: IncidentKind) -> bool {
    let row = server_tags(hub, id).await;
    row.is_some_and(|row| incident::open(&row.incidents).any(|(open, _)| open == kind))
}

async fn history(hub: &Hub, id: &str) -> Vec<TagHistoryRow> {
    hub.rows(&keys::tag_history_of(&hub.place(0), &id.parse().unwrap())).await
}

/// The workers take them up within a simulated minute.
async fn rules(hub: &Hub, fleet: Written) {
    hub.set_tag_policy(TagPolicy { fleet, overrides: Vec::new() }).await;
}

const MACHINE: &str = "i-0f00000000000000a";

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_tag_reaches_the_source_server_and_reserved_tags_never_do() {
    let hub = Hub::start(Plan::default()).await;
    let (id, instance) = protected(&hub, 0).await;
    // The reserved ones first: should they be copied, they are there when the last one is.
    set(
        &hub,
        0,
        &instance,
        &[("AWSDRS", Some("AllowLaunchingIntoThisInstance")), ("map-migrated", Some("d-1"))],
    );
    set(&hub, 0, &instance, &[("PatchGroup", Some("tuesday-night"))]);
    let synced = becomes(&hub, (0, &id), "PatchGroup", Some("tuesday-night")).await;
    assert_eq!((synced.get("AWSDRS"), synced.get("map-migrated")), (None, None), "{synced:?}");
    set(&hub, 0, &instance, &[("PatchGroup", Some("sunday-noon"))]);
    becomes(&hub, (0, &id), "PatchGroup", Some("sunday-noon")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_of_another_account_and_region_is_the_source() {
    let hub = Hub::start(Plan::default()).await;
    let id = replicate(&hub, (1, 0), MACHINE, Tags::new()).await;
    set(&hub, 1, MACHINE, &[("Owner", Some("ada"))]);
    let tags = becomes(&hub, (0, &id), "Owner", Some("ada")).await;
    let (account, region) = hub.site(1);
    assert_eq!((tags["source:account"].as_str(), tags["source:region"].as_str()), (account, region));
    let machine = (tags["source:instance-id"].as_str(), tags["source:instance-type"].as_str());
    assert_eq!(machine, (MACHINE, "r6i.2xlarge"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extended_server_gets_the_tags_of_the_machine_as_the_one_that_it_extends() {
    let hub = Hub::start(Plan::default()).await;
    let (staged, instance) = protected(&hub, 1).await;
    let (staging, target) = (hub.site(1), hub.site(0));
    hub.world().drs.trust(staging.0, target.0);
    let arn = format!("arn:aws:drs:{}:{}:source-server/{staged}", staging.1, staging.0);
    let body = json!({ "sourceServerArn": arn });
    let reply = hub.call(target, ("drs", "CreateExtendedSourceServer"), &body).await.unwrap();
    let reply: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let extended = reply["sourceServer"]["sourceServerID"].as_str().unwrap();
    listed(&hub, 0, extended).await;
    set(&hub, 1, &instance, &[("Owner", Some("ada"))]);
    becomes(&hub, (1, &staged), "Owner", Some("ada")).await;
    becomes(&hub, (0, extended), "Owner", Some("ada")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_fifty_tags_are_an_incident_and_the_rest_is_written() {
    let hub = Hub::start(Plan { speed: 60.0, ..Plan::default() }).await;
    rules(&hub, Written { remove: Some(true), ..Written::default() }).await;
    let by_person = [("a-1", "x"), ("a-2", "x")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let id = replicate(&hub, (0, 0), MACHINE, by_person.into()).await;
    let keys: Vec<_> = (1..=50).map(|n| format!("k-{n:02}")).collect();
    let all: Vec<_> = keys.iter().map(|key| (key.as_str(), Some("v"))).collect();
    set(&hub, 0, MACHINE, &all);
    let tags = becomes(&hub, (0, &id), "k-48", Some("v")).await;
    assert_eq!((tags.len(), tags.get("k-49"), tags["a-1"].as_str()), (50, None, "x"));
    until("the incident", async || has_incident(&hub, &id, IncidentKind::TagsUnfit).await.then_some(()))
        .await;
    until("its message", async || {
        hub.slack.texts().into_iter().find(|text| text.starts_with("Tags cannot be copied: erp-db-09"))
    })
    .await;

    let fewer: Vec<_> = keys.iter().take(6).map(|key| (key.as_str(), None)).collect();
    set(&hub, 0, MACHINE, &fewer);
    let tags = becomes(&hub, (0, &id), "source:region", Some(hub.site(0).1)).await;
    assert_eq!((tags.len(), tags.get("k-05"), tags["k-50"].as_str()), (50, None, "v"));
    until("its end", async || (!has_incident(&hub, &id, IncidentKind::TagsUnfit).await).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_refuses_is_an_incident_and_is_written_when_the_role_is_back() {
    let hub = Hub::start(Plan { speed: 120.0, ..Plan::default() }).await;
    let (id, instance) = protected(&hub, 0).await;
    let role_arn = hub.fleet.estate.spokes[0].role_arn.clone();
    let role = hub.world().iam.role(&role_arn).unwrap();
    let lets_tag = |policy: &&serde_json::Value| policy.to_string().contains("drs:TagResource");
    let (may, may_not): (Vec<_>, Vec<_>) = role.policies.iter().partition(lets_tag);
    assert_eq!(may.len(), 1, "one policy lets the workers tag");
    let lesser: Vec<_> = may_not.into_iter().cloned().collect();
    hub.world().iam.put_role(&role_arn, &role.trust, &lesser).unwrap();
    set(&hub, 0, &instance, &[("Owner", Some("ada"))]);
    until("the incident", async || has_incident(&hub, &id, IncidentKind::TagsRefused).await.then_some(()))
        .await;
    assert_ne!(tags(&hub, 0, &id).get("Owner").map(String::as_str), Some("ada"));
    let refused = history(&hub, &id).await.into_iter().filter_map(|row| row.refused).collect::<Vec<_>>();
    assert!(refused.iter().any(|why| why.contains("TagResource")), "{refused:?}");

    hub.world().iam.put_role(&role_arn, &role.trust, &role.policies).unwrap();
    becomes(&hub, (0, &id), "Owner", Some("ada")).await;
    until("its end", async || (!has_incident(&hub, &id, IncidentKind::TagsRefused).await).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_from_ec2_is_removed_where_the_rules_say_so_but_nothing_that_a_person_set() {
    let hub = Hub::start(Plan { speed: 60.0, ..Plan::default() }).await;
    rules(&hub, Written { remove: Some(true), ..Written::default() }).await;
    let id = replicate(&hub, (0, 0), MACHINE, Tags::new()).await;
    set(&hub, 0, MACHINE, &[("Copied", Some("x")), ("Changed", Some("x"))]);
    becomes(&hub, (0, &id), "Copied", Some("x")).await;
    let arn = format!("arn:aws:drs:{}:{}:source-server/{id}", hub.site(0).1, hub.site(0).0);
    let by_person = [("Changed", "mine"), ("Mine", "mine")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    hub.fleet.operator.tag(&hub.place(0), &arn, &by_person.into()).await.unwrap();
    set(&hub, 0, MACHINE, &[("Copied", None), ("Changed", None)]);
    let tags = becomes(&hub, (0, &id), "Copied", None).await;
    assert_eq!((tags["Changed"].as_str(), tags["Mine"].as_str()), ("mine", "mine"));
    let removed = |row: &TagHistoryRow| row.changes.get("Copied").is_some_and(|it| it.after.is_none());
    until("its history", async || history(&hub, &id).await.iter().any(removed).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_event_is_mended_by_a_sweep() {
    let lost = FaultRule::of(("events", "Deliver"), 1.0, Fault::Drop);
    let hub = Hub::start(Plan::default()).await;
    let (id, instance) = protected(&hub, 0).await;
    hub.world().faults.set(vec![lost]);
    set(&hub, 0, &instance, &[("Owner", Some("nobody-told"))]);
    hub.sweep_tags(0).await;
    becomes(&hub, (0, &id), "Owner", Some("nobody-told")).await;
    let row = until("what was done", async || {
        let told = |row: &TagHistoryRow| row.changes.get("Owner").is_some_and(|it| it.after.is_some());
        history(&hub, &id).await.into_iter().rfind(told)
    })
    .await;
    assert_eq!((row.cause, row.refused), (Cause::Sweep, None));
}
