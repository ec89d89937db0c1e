//! What hinders the tag-sync: accounts that refuse or are slow, servers that are gone, what is not for it.

use std::time::Duration;

use drs_fleet_domain::registry::{AccountRow, AccountStatus};
use drs_fleet_domain::tags::TagRequestRow;

use super::super::ending::Ending;
use super::super::world::{account, stalled};
use super::asked::asked;
use super::*;

fn failure(verdict: Verdict) -> IoError {
    IoError::new(Neighbour::Spoke, "TagResource", verdict, "not now")
}

fn path(steps: &'static [fn(&Scene)]) -> Path<TagSync> {
    Path { make: sync, steps }
}

fn changed(scene: &Scene) {
    scene.put(&tags_changed(1, 1, &json!({ "owner": "ada" })));
}

/// Server 1 gets no tags, and its second try is due within [`RETRIED`].
fn refuses(scene: &Scene) {
    link(scene, 1, &place());
    scene.world.set_tag_failure(&place(), Some(failure(Verdict::Denied)));
    changed(scene);
}

const RETRIED: Duration = Duration::from_mins(6);

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_change_that_is_refused_is_made_by_a_timer_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[refuses, |scene| {
        scene.world.set_tag_failure(&place(), None);
        scene.lets_pass(RETRIED);
    }];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.tags[0], owner("ada"));
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_change_whose_server_cannot_be_read_when_it_is_due_is_put_off_wherever_the_sync_dies()
 {
    let steps: &[fn(&Scene)] = &[
        refuses,
        |scene| {
            scene.is_tried_from_here();
            scene.world.set_tag_failure(&place(), None);
            refuse(scene, &place());
            scene.lets_pass(RETRIED);
        },
        |scene| {
            scene.world.set_spoke_failure(&place(), None);
            scene.lets_pass(Duration::from_mins(21));
        },
    ];
    // What is over before the bus takes that it began is told to be over.
    let (_, clean) = path(steps).survives_all(Ending::assert_same_state).await;
    assert_eq!(clean.tags[0], owner("ada"));
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_change_of_an_account_that_was_switched_off_is_given_up_wherever_the_sync_dies()
 {
    let steps: &[fn(&Scene)] = &[refuses, |scene| {
        scene.world.set_row(&AccountRow { status: AccountStatus::Inactive, ..account() });
        scene.lets_pass(RETRIED);
    }];
    let (_, clean) = path(steps).survives_everything().await;
    assert!(clean.tags[0].is_empty());
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_change_that_fails_for_a_while_is_made_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[|scene| {
        link(scene, 1, &place());
        scene.world.set_tag_failure(&place(), Some(failure(Verdict::Transient)));
        scene.later(Duration::from_secs(20), |scene| scene.world.set_tag_failure(&place(), None));
        changed(scene);
    }];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.tags[0], owner("ada"));
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_change_whose_servers_cannot_be_found_is_made_later_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.world.set_servers(&place(), vec![server(1, "CONTINUOUS")]);
            refuse(scene, &place());
            changed(scene);
        },
        |scene| {
            scene.world.set_spoke_failure(&place(), None);
            scene.lets_pass(RETRIED);
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.tags[0], owner("ada"));
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_type_that_ec2_does_not_tell_now_is_asked_for_later_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            let machine = instance(1).parse().unwrap();
            scene.world.set_instance_type(&source_place(), &machine, "m6i.large");
            scene.world.set_ec2_failure(&source_place(), Some(failure(Verdict::Throttled)));
            link(scene, 1, &place());
            changed(scene);
        },
        |scene| {
            scene.world.set_ec2_failure(&source_place(), None);
            scene.lets_pass(RETRIED);
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.tags[0].get("source:instance-type").map(String::as_str), Some("m6i.large"));
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_change_of_a_server_that_is_gone_or_disconnected_is_none_wherever_the_sync_dies()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            scene.world.set_servers(&place(), vec![server(1, "DISCONNECTED")]);
            changed(scene);
        },
        |scene| {
            scene.world.set_servers(&place(), Vec::new());
            scene.put(&tags_changed(1, 2, &json!({ "owner": "bob" })));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert!(clean.tags[0].is_empty());
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_server_whose_machine_drs_does_not_tell_gets_its_tags_wherever_the_sync_dies()
{
    let steps: &[fn(&Scene)] = &[
        |scene| {
            link(scene, 1, &place());
            let unnamed = ServerSeen { instance: None, ..server(1, "CONTINUOUS") };
            scene.world.set_servers(&place(), vec![unnamed]);
            changed(scene);
        },
        |scene| scene.put(&tags_changed(1, 2, &json!({ "owner": "bob" }))),
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.tags[0], owner("bob"));
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_sweep_that_is_refused_is_made_when_it_is_asked_for_again_wherever_the_sync_dies()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            inventory(scene);
            tagged(scene, "ada");
            refuse(scene, &place());
            scene.put(&tick(scene));
        },
        |scene| {
            scene.world.set_spoke_failure(&place(), None);
            scene.put(&tick(scene));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.tags[0], owner("ada"));
}

/// Each call takes so long that the claim is renewed after it.
fn slow(scene: &Scene) {
    inventory(scene);
    tagged(scene, "ada");
    let machine = instance(1).parse().unwrap();
    scene.world.set_instance_type(&source_place(), &machine, "m6i.large");
    for place in [place(), source_place()] {
        scene.world.set_spoke_pace(&place, Some(Duration::from_secs(31)));
    }
}

/// The next sweep asks for the type, where the first could not.
fn asks_for_types(scene: &Scene) {
    for place in [place(), source_place()] {
        scene.world.set_spoke_pace(&place, None);
    }
    scene.put(&tick(scene));
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn a_slow_sweep_gets_on_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            slow(scene);
            scene.put(&tick(scene));
        },
        asks_for_types,
    ];
    let (_, clean) = path(steps).survives_all(Ending::assert_same_state).await;
    assert_eq!(clean.tags[0].get("owner").map(String::as_str), Some("ada"));
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn what_a_person_asks_for_of_a_slow_account_gets_on_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            slow(scene);
            scene.put(&asked(scene));
        },
        asks_for_types,
    ];
    let (_, clean) = path(steps).survives_all(Ending::assert_same_state).await;
    assert!(clean.all::<TagRequestRow>().iter().all(|row| row.ended_at.is_some()));
}

#[tokio::test(start_paused = true)]
pub(in crate::crash) async fn what_only_other_workers_act_on_is_set_aside_wherever_the_sync_dies() {
    let steps: &[fn(&Scene)] = &[|scene| scene.put(&stalled(1, "STALLED", early(10)))];
    let (_, clean) = path(steps).survives_everything().await;
    assert!(clean.rows.keys().any(|key| key.starts_with("unhandled#tag-sync")));
}
