//! The tag-sync's paths.

pub(super) mod asked;
pub(super) mod hindered;
pub(super) mod over;
pub(super) mod stale;
pub(super) mod types;

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::policy::Policy;
use drs_fleet_domain::seen::{ServerSeen, TaggedInstance};
use drs_fleet_domain::server::{Observation, ServerDetailsRow, decide};
use drs_fleet_domain::tags::rules::{TagPolicyRow, Written};
use drs_fleet_domain::tags::{InstanceServerRow, ServerTagsRow, TagHistoryRow, TagPolicy};
use serde_json::json;
use tag_sync::TagSync;

use super::Path;
use super::scene::Scene;
use super::world::{arn, early, instance, place, refuse, server, server_id, tags_changed, tick};

pub(super) fn sync() -> TagSync {
    TagSync::new(RegistryCache::default(), &Metrics::default())
}

/// The server `n` of instance 1, in the account's DRS Region or in another account's.
pub(super) fn link(scene: &Scene, n: u8, place: &Place) {
    let row = InstanceServerRow {
        instance: instance(1).parse().unwrap(),
        place: place.clone(),
        server: server_id(n).parse().unwrap(),
        arn: arn(n),
    };
    scene.world.set_row(&row);
    let seen = ServerSeen { instance: Some(instance(1).parse().unwrap()), ..server(n, "CONTINUOUS") };
    scene.world.set_servers(place, vec![seen]);
}

fn elsewhere() -> Place {
    Place { account: "444455556666".parse().unwrap(), ..place() }
}

/// What a server has of its machine: the tag, and where the machine runs.
fn owner(name: &str) -> BTreeMap<String, String> {
    let tags = [
        ("owner", name.to_owned()),
        ("source:account", "111122223333".to_owned()),
        ("source:instance-id", instance(1)),
        ("source:region", "us-east-1".to_owned()),
    ];
    tags.map(|(key, value)| (key.to_owned(), value)).into()
}

#[tokio::test(start_paused = true)]
pub(super) async fn changes_reach_a_known_server_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            scene.put(&tags_changed(1, 1, &json!({ "owner": "ada" })));
        },
        |scene| scene.put(&tags_changed(1, 2, &json!({ "owner": "bob", "aws:created": "x" }))),
    ];
    let (points, clean) = Path { make: sync, steps }.survives_everything().await;
    assert!(points.contains(&"tag"));
    assert_eq!(clean.tags[0], owner("bob"));
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_change_waits_for_its_server_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| scene.put(&tags_changed(1, 1, &json!({ "owner": "ada" }))),
        |scene| scene.world.set_servers(&place(), vec![server(1, "CONTINUOUS")]),
    ];
    let (points, clean) = Path { make: sync, steps }.survives_everything().await;
    assert!(points.contains(&"source_servers"));
    assert_eq!(clean.tags[0], owner("ada"));
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_refused_server_gets_its_tags_later_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            link(scene, 2, &elsewhere());
            refuse(scene, &place());
            scene.put(&tags_changed(1, 1, &json!({ "owner": "ada" })));
        },
        |scene| scene.world.set_spoke_failure(&place(), None),
    ];
    let (_, clean) = Path { make: sync, steps }.survives_everything().await;
    assert_eq!(clean.tags[0], owner("ada"));
}

/// The first wake finds one server allowed and one still refused.
#[tokio::test(start_paused = true)]
pub(super) async fn of_two_refused_servers_the_second_is_not_forgotten_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            link(scene, 2, &elsewhere());
            refuse(scene, &place());
            refuse(scene, &elsewhere());
            scene.put(&tags_changed(1, 1, &json!({ "owner": "ada" })));
        },
        |scene| {
            scene.world.set_spoke_failure(&elsewhere(), None);
            scene.lets_pass(Duration::from_mins(6));
        },
        |scene| scene.world.set_spoke_failure(&place(), None),
    ];
    let (_, clean) = Path { make: sync, steps }.survives_everything().await;
    assert_eq!(clean.tags[0], owner("ada"));
}

/// Server 1 of the inventory, whose machine runs in the source Region.
fn inventory(scene: &Scene) {
    inventory_of(scene, &["111122223333"]);
}

/// Servers from 1 on, whose machines run in the source Region of these accounts.
fn inventory_of(scene: &Scene, accounts: &[&str]) {
    let policy = Policy::default();
    let context = drs_fleet_domain::server::Context::new("erp-prod", &policy, early(0));
    let seen = (1..).zip(accounts).map(|(n, account)| {
        let mut seen = server(n, "CONTINUOUS");
        seen.facts.origin_account = Some((*account).to_owned());
        seen.facts.origin_zone = Some("us-east-1a".to_owned());
        let observed = [Observation::Seen { seen: Box::new(seen.clone()), at: early(0) }];
        scene.world.set_row(&decide((&place(), &seen.id), &observed, None, &context).unwrap().row);
        scene.world.set_row(&ServerDetailsRow::told(&place(), &seen, early(0)));
        seen
    });
    scene.world.set_servers(&place(), seen.collect());
}

fn source_place() -> Place {
    Place { region: "us-east-1".parse().unwrap(), ..place() }
}

fn tagged(scene: &Scene, name: &str) {
    let tags = [("owner".to_owned(), name.to_owned())].into();
    scene
        .world
        .set_tagged(&source_place(), vec![TaggedInstance { instance: instance(1).parse().unwrap(), tags }]);
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_sweep_brings_what_no_event_told_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            inventory(scene);
            tagged(scene, "ada");
            scene.put(&tick(scene));
        },
        |scene| {
            tagged(scene, "bob");
            scene.put(&tick(scene));
        },
    ];
    let (points, clean) = Path { make: sync, steps }.survives_everything().await;
    for call in ["tagged_instances", "tag", "launch_configuration"] {
        assert!(points.contains(&call), "{call}");
    }
    assert_eq!(clean.tags[0], owner("bob"));
    assert_eq!(clean.all::<ServerTagsRow>().len(), 1);
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_list_of_machines_that_is_throttled_is_read_on_and_not_from_its_beginning() {
    let steps: &[fn(&Scene)] = &[|scene| {
        inventory(scene);
        let machine = |n: u8| TaggedInstance { instance: instance(n).parse().unwrap(), tags: owner("ada") };
        scene.world.set_tagged(&source_place(), [2, 3, 4, 1].map(machine).into());
        scene.world.set_page_size(&source_place(), Some(1));
        scene.world.set_one_call_in(&source_place(), Some(Duration::from_secs(5)));
        scene.put(&tick(scene));
        scene.lets_pass(Duration::from_mins(2));
    }];
    let (points, clean) = Path { make: sync, steps }.survives_everything().await;
    assert_eq!(clean.tags[0], owner("ada"));
    let calls = points.iter().filter(|point| **point == "tagged_instances").count();
    assert!(calls <= 8, "{calls} calls for four pages");
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_is_gone_from_the_machine_is_removed_where_the_rules_say_so() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            let fleet = Written { remove: Some(true), copy_tags: Some(true), ..Written::default() };
            let policy = TagPolicy { fleet, overrides: Vec::new() };
            scene.world.set_row(&TagPolicyRow { policy, ..TagPolicyRow::default() });
            link(scene, 1, &place());
            scene.put(&tags_changed(1, 1, &json!({ "owner": "ada", "tier": "gold" })));
        },
        |scene| scene.put(&tags_changed(1, 2, &json!({ "owner": "ada" }))),
    ];
    let (points, clean) = Path { make: sync, steps }.survives_everything().await;
    assert!(points.contains(&"untag") && points.contains(&"copy_tags"));
    assert_eq!(clean.tags[0], owner("ada"));
    let changes = clean.all::<TagHistoryRow>();
    let removed = changes.iter().filter(|row| row.changes.get("tier").is_some_and(|c| c.after.is_none()));
    assert!(removed.count() >= 1, "{changes:?}");
}
