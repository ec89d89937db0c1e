//! The notifier's paths off the common road: who sleeps, what is held back or overtaken, channels that are given up on.

use std::time::Duration;

use drs_fleet_aws::deliveries::DeliveryEditor;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::verdict::{Neighbour, Verdict};
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::notify::{DeliveryRow, Label, Matchers, MuteRow, RoutesRow, WindowRow};
use drs_fleet_domain::own_event::{IncidentEvent, OwnEvent};
use drs_fleet_domain::row::Row;
use drs_fleet_testkit::company::window;
use futures::FutureExt;
use notifier::Notifier;
use serde_json::{Value, json};

use super::Path;
use super::drills::{begins, ends};
use super::ending::Ending;
use super::notices::{envelope, life, notifier};
use super::scene::Scene;
use super::world::{early, now, place, server_id, stalled};
use crate::samples::on_the_bus;

fn path(steps: &'static [fn(&Scene)]) -> Path<Notifier> {
    Path { make: notifier, steps }
}

fn routes(scene: &Scene, policy: Value) {
    let policy = serde_json::from_value(policy).unwrap();
    scene.world.set_row(&RoutesRow { policy, set_by: "a test".to_owned(), set_at: early(0) });
}

/// Whoever reads mail sleeps from the beginning until then.
fn sleep_until(scene: &Scene, to: &str) {
    let quiet = json!({ "from": "00:00", "to": to, "zone": "UTC" });
    let people = json!([{ "name": "ann", "channels": ["mail"], "quiet": quiet }]);
    routes(scene, json!({ "default": { "channels": ["slack"] }, "people": people }));
}

/// Stalls are muted for two hours.
pub(super) fn mutes(scene: &Scene) {
    scene.world.set_row(&MuteRow {
        id: "m".into(),
        matchers: Matchers::of([(Label::Kind, "REPLICATION_*".to_owned())]),
        from: early(0),
        until: now(scene) + Duration::from_hours(2),
        reason: "maintenance".into(),
        author: "kim".into(),
        ended_at: None,
        ended_by: None,
    });
}

/// Something of a server opened.
fn opened(kind: IncidentKind, n: u8) -> OwnEvent {
    let incident = format!("{kind}/{}/{}/{}", place().account, place().region, server_id(n));
    let event = IncidentEvent { kind, event_id: format!("{incident}/1"), incident, ..life()[0].clone() };
    IncidentEvent { subject: server_id(n), ..event }.into()
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_only_other_workers_act_on_is_set_aside_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[|scene| scene.put(&stalled(1, "STALLED", early(10)))];
    let (_, clean) = path(steps).survives_everything().await;
    assert!(clean.rows.keys().any(|key| key.starts_with("unhandled#notifier")));
}

#[tokio::test(start_paused = true)]
pub(super) async fn lag_in_a_region_that_stalls_is_held_back_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            routes(scene, json!({ "region_wide_stalls": 2 }));
            (1..=2).for_each(|n| {
                scene.put(&on_the_bus(n.into(), &opened(IncidentKind::ReplicationStalled, n)));
            });
        },
        |scene| {
            scene.put(&on_the_bus(3, &opened(IncidentKind::ReplicationLag, 3)));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.notices.len(), 2, "of the stalls: {:#?}", clean.notices);
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_came_and_went_while_people_slept_and_it_was_muted_is_told_to_nobody_wherever_the_notifier_dies()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            sleep_until(scene, "00:07");
            mutes(scene);
            scene.put(&envelope(0));
        },
        |scene| {
            scene.put(&envelope(2));
            scene.lets_pass(Duration::from_mins(7));
        },
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.notices, []);
}

#[tokio::test(start_paused = true)]
pub(super) async fn whoever_sleeps_reads_later_what_came_of_a_drill_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            sleep_until(scene, "00:40");
            begins(scene);
        },
        |scene| {
            scene.later(Duration::from_secs(30), Scene::is_tried_from_here);
            ends(scene);
        },
        |scene| scene.lets_pass(Duration::from_mins(30)),
    ];
    let (_, clean) = path(steps).survives_everything().await;
    assert_eq!(clean.notices.len(), 4, "a start, a line and a summary, and this by mail as well");
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_window_that_ends_by_itself_is_summed_up_wherever_the_notifier_dies() {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            let from = now(scene);
            scene
                .world
                .set_row(&WindowRow { until: from + Duration::from_mins(10), ..window(&place(), from) });
            scene.lets_pass(Duration::from_mins(1));
        },
        begins,
        |scene| {
            ends(scene);
        },
    ];
    let (_, clean) = path(steps).survives_all(Ending::assert_same_state).await;
    assert_eq!(clean.notices.len(), 6, "{:#?}", clean.notices);
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_was_given_up_on_is_passed_and_sent_late_when_a_person_asks_wherever_the_notifier_dies()
 {
    let steps: &[fn(&Scene)] = &[
        |scene| {
            scene.break_down(Neighbour::Channel, Verdict::Permanent);
            scene.put(&envelope(0));
        },
        |scene| {
            scene.mend();
            scene.put(&envelope(2));
            scene.lets_pass(Duration::from_mins(5));
        },
        |scene| {
            let editor = DeliveryEditor::new(scene.world.clone(), WriteToken::for_command_of_a_person());
            for row in Ending::of(scene).all::<DeliveryRow>().iter().filter(|row| row.given_up) {
                editor.again(&row.key()).now_or_never().unwrap().unwrap();
            }
        },
    ];
    let is_told = |ending: &Ending, _: &Ending, case: &str| {
        assert!(ending.all::<DeliveryRow>().iter().all(|row| row.sent_at.is_some()), "{case}");
        assert!((4..=6).contains(&ending.notices.len()), "{case}: {:#?}", ending.notices);
    };
    let (_, clean) = path(steps).survives_all(is_told).await;
    assert_eq!(clean.notices.len(), 4, "both on both channels");
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_reminder_that_could_not_be_sent_gives_way_to_what_is_newer_wherever_the_notifier_dies()
{
    let steps: &[fn(&Scene)] = &[
        |scene| {
            routes(scene, json!({ "default": { "channels": ["mail"], "repeat_interval": "5m" } }));
            scene.put(&envelope(0));
        },
        |scene| {
            scene.break_down(Neighbour::Channel, Verdict::Denied);
            scene.lets_pass(Duration::from_mins(5));
        },
        |scene| {
            scene.later(Duration::from_mins(3), Scene::is_tried_from_here);
            scene.put(&envelope(2));
            scene.lets_pass(Duration::from_mins(6));
        },
        |scene| {
            scene.mend();
            scene.lets_pass(Duration::from_mins(10));
        },
    ];
    let (_, clean) = path(steps).survives_all(Ending::assert_same_state).await;
    assert_eq!(clean.notices.len(), 2, "that it began and that it is over");
}
