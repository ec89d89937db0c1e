//! The tag-sync's paths.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::tags::InstanceServerRow;
use serde_json::json;
use tag_sync::TagSync;

use super::Path;
use super::scene::Scene;
use super::world::{arn, instance, place, server, server_id, tags_changed};

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
}

fn elsewhere() -> Place {
    Place { account: "444455556666".parse().unwrap(), ..place() }
}

fn refuse(scene: &Scene, place: &Place) {
    let refusal = IoError::new(Neighbour::Spoke, "AssumeRole", Verdict::Denied, "not authorized");
    scene.world.set_spoke_failure(place, Some(refusal));
}

fn owner(name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("owner".to_owned(), name.to_owned())])
}

#[tokio::test(start_paused = true)]
async fn changes_reach_a_known_server_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            scene.put(tags_changed(1, 1, &json!({ "owner": "ada" })));
        },
        |scene| scene.put(tags_changed(1, 2, &json!({ "owner": "bob", "aws:created": "x" }))),
    ];
    let (points, clean) = Path { make: sync, steps }.survives_everything().await;
    assert!(points.contains(&"tag"));
    assert_eq!(clean.tags[0], owner("bob"));
}

#[tokio::test(start_paused = true)]
async fn a_change_waits_for_its_server_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| scene.put(tags_changed(1, 1, &json!({ "owner": "ada" }))),
        |scene| scene.world.set_servers(&place(), vec![server(1, "CONTINUOUS")]),
    ];
    let (points, clean) = Path { make: sync, steps }.survives_everything().await;
    assert!(points.contains(&"source_servers"));
    assert_eq!(clean.tags[0], owner("ada"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_server_gets_its_tags_later_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            link(scene, 2, &elsewhere());
            refuse(scene, &place());
            scene.put(tags_changed(1, 1, &json!({ "owner": "ada" })));
        },
        |scene| scene.world.set_spoke_failure(&place(), None),
    ];
    let (_, clean) = Path { make: sync, steps }.survives_everything().await;
    assert_eq!(clean.tags[0], owner("ada"));
}

/// The first wake finds one server allowed and one still refused.
#[tokio::test(start_paused = true)]
async fn of_two_refused_servers_the_second_is_not_forgotten_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            link(scene, 2, &elsewhere());
            refuse(scene, &place());
            refuse(scene, &elsewhere());
            scene.put(tags_changed(1, 1, &json!({ "owner": "ada" })));
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
