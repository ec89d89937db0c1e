//! What is wrong with tags is over when it is over, or when its server or its account is no more.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::own_event::Happened;
use drs_fleet_domain::registry::AccountRow;
use drs_fleet_domain::row::Row;
use futures::FutureExt;
use serde_json::json;

use super::super::ending::Ending;
use super::super::scene::play;
use super::super::world::account;
use super::*;

/// Longer than AWS takes of a value.
fn too_long() -> serde_json::Value {
    json!({ "owner": "x".repeat(300) })
}

fn told(ending: &Ending, kind: IncidentKind) -> Vec<Happened> {
    let of_kind = ending.incidents().into_iter().filter(|(known, _)| *known == kind);
    of_kind.map(|(_, happened)| happened).collect()
}

#[tokio::test(start_paused = true)]
async fn tags_that_do_not_fit_again_and_again_are_told_to_be_over_in_the_end() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            scene.put(&tags_changed(1, 1, &too_long()));
        },
        |scene| scene.put(&tags_changed(1, 2, &json!({ "owner": "ada" }))),
        |scene| scene.put(&tags_changed(1, 3, &too_long())),
        |scene| {
            scene.put(&tags_changed(1, 4, &json!({ "owner": "ada" })));
            scene.lets_pass(Duration::from_mins(15));
        },
    ];
    let (_, ending) = Path { make: sync, steps }.played(|_| {}).await;
    ending.assert_nothing_is_left("the timer rang");
    assert_eq!(told(&ending, IncidentKind::TagsUnfit).last(), Some(&Happened::Resolved));
}

fn refuse_tags(scene: &Scene) {
    let refusal = IoError::new(Neighbour::Spoke, "TagResource", Verdict::Denied, "not authorized");
    scene.world.set_tag_failure(&place(), Some(refusal));
    scene.put(&tags_changed(1, 2, &json!({ "owner": "bob" })));
    scene.lets_pass(Duration::from_mins(40));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_over_when_drs_does_not_have_the_server_any_more_or_nobody_watches_its_account() {
    let ends: [fn(&Scene); 2] = [
        |scene| {
            scene.world.set_servers(&place(), Vec::new());
            scene.lets_pass(Duration::from_hours(7));
        },
        |scene| {
            scene.world.forget(&account().key()).now_or_never().unwrap().unwrap();
            scene.lets_pass(Duration::from_hours(7));
        },
    ];
    for end in ends {
        let steps: [fn(&Scene); 3] = [
            |scene| {
                link(scene, 1, &place());
                scene.put(&tags_changed(1, 1, &json!({ "owner": "ada" })));
            },
            refuse_tags,
            end,
        ];
        let scene = Scene::new().await;
        play(&scene, sync, &steps).await;
        let ending = Ending::of(&scene);
        ending.assert_nothing_is_left("nobody comes back to it");
        let told = told(&ending, IncidentKind::TagsRefused);
        assert_eq!(told, [Happened::Opened, Happened::Resolved]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_refused_is_made_later_also_where_drs_does_not_say_which_machine_it_is() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            let unnamed = ServerSeen { instance: None, ..server(1, "CONTINUOUS") };
            scene.world.set_servers(&place(), vec![unnamed]);
        },
        refuse_tags,
        |scene| {
            scene.world.set_tag_failure(&place(), None);
            scene.lets_pass(Duration::from_hours(7));
        },
    ];
    let (_, ending) = Path { make: sync, steps }.played(|_| {}).await;
    assert_eq!(ending.tags[0], owner("bob"));
    assert_eq!(told(&ending, IncidentKind::TagsRefused), [Happened::Opened, Happened::Resolved]);
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn tags_that_do_not_fit_are_no_matter_once_a_sweep_misses_their_server() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            scene.put(&tags_changed(1, 1, &too_long()));
        },
        |scene| {
            scene.world.set_servers(&place(), Vec::new());
            scene.put(&tick(scene));
        },
    ];
    let (_, clean) = Path { make: sync, steps }.survives_everything().await;
    assert_eq!(told(&clean, IncidentKind::TagsUnfit), [Happened::Opened, Happened::Resolved]);
    assert!(clean.all::<ServerTagsRow>().iter().all(|row| row.expires_at().is_some()));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_hangs_or_throttles_keeps_the_machines_of_no_other_from_being_compared() {
    for verdict in [Verdict::Transient, Verdict::Throttled] {
        let scene = Scene::new().await;
        let other = AccountRow { id: elsewhere().account, ..account() };
        scene.world.set_row(&other);
        let hangs = Place { region: source_place().region, ..elsewhere() };
        let failure = IoError::new(Neighbour::Spoke, "GetResources", verdict, "no answer");
        scene.world.set_spoke_failure(&hangs, Some(failure));
        inventory_of(&scene, &["111122223333", other.id.as_str()]);
        tagged(&scene, "ada");
        let steps: &[fn(&Scene)] = &[|scene| {
            scene.put(&tick(scene));
            scene.lets_pass(Duration::from_mins(10));
        }];
        play(&scene, sync, steps).await;
        assert_eq!(Ending::of(&scene).tags[0], owner("ada"), "{verdict:?}");
    }
}
