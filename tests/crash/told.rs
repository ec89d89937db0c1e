//! The notifier's paths off the common road: who sleeps, what is held back or overtaken, channels that are given up on.

use std::time::Duration;

use drs_fleet_aws::deliveries::DeliveryEditor;
use drs_fleet_aws::memory::{Fault, MemoryIo};
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::verdict::{Neighbour, Verdict};
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::notification::{self, IncidentRow};
use drs_fleet_domain::notify::{DeliveryRow, Label, Matchers, MemberRow, MuteRow, RoutesRow, WindowRow};
use drs_fleet_domain::own_event::{IncidentEvent, OwnEvent};
use drs_fleet_domain::row::Row;
use drs_fleet_tests::company::window;
use drs_fleet_tests::work::work;
use futures::FutureExt;
use notifier::Notifier;
use serde_json::{Value, json};
use tokio::time::sleep;

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
fn mutes(scene: &Scene) {
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
            scene.is_tried_from_here();
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
            scene.is_tried_from_here();
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
        ends,
        |scene| {
            scene.is_tried_from_here();
            scene.lets_pass(Duration::from_mins(30));
        },
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
            scene.is_tried_from_here();
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
            scene.is_tried_from_here();
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
            scene.put(&envelope(2));
            scene.lets_pass(Duration::from_mins(6));
        },
        |scene| {
            scene.is_tried_from_here();
            scene.mend();
            scene.lets_pass(Duration::from_mins(10));
        },
    ];
    let (_, clean) = path(steps).survives_all(Ending::assert_same_state).await;
    assert_eq!(clean.notices.len(), 2, "that it began and that it is over");
}

/// Has a notifier serve a key that is due, of which a call may fail, and once more where it did; answers how many calls it
/// made.
async fn serves(io: &MemoryIo, key: &Key, fault: Option<(usize, Fault)>) -> usize {
    if let Some((point, fault)) = fault {
        io.fail_at(point, fault);
    }
    let worker = notifier();
    let failed = worker.wake(io, key).await.is_err();
    let calls = io.points().len();
    if failed {
        worker.wake(io, key).await.unwrap();
    }
    calls
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_an_earlier_release_stored_joins_its_groups_wherever_a_call_fails() {
    async fn joins(fault: Option<(usize, Fault)>) -> usize {
        let scene = Scene::new().await;
        let row = IncidentRow { latest: life()[0].clone(), groups: Vec::new(), left: Vec::new(), ack: None };
        scene.world.set_row(&row);
        let calls = serves(&scene.process(), &notification::key(&row.latest), fault).await;
        assert_eq!(Ending::of(&scene).all::<MemberRow>().len(), 1, "{fault:?}");
        calls
    }
    let all = joins(None).await;
    for point in 0..all {
        for fault in [Fault::Before, Fault::After, Fault::Twice] {
            joins(Some((point, fault))).await;
        }
    }
}

/// An incident has joined its group, which is to be looked at.
async fn joined() -> (Scene, Key) {
    let scene = Scene::new().await;
    works(&scene, &envelope(0)).await;
    sleep(Duration::from_mins(1)).await;
    let key = scene.world.table().into_keys().find(|key| key.sk == "group").unwrap();
    (scene, key)
}

/// A notifier takes a message, and ends before any look at a group is due.
async fn works(scene: &Scene, message: &Value) {
    scene.put(message);
    let working = tokio::spawn(work(scene.process().restarted(), notifier()));
    sleep(Duration::from_secs(5)).await;
    working.abort();
}

/// The look is claimed anew on the way, for each call takes seven seconds.
#[tokio::test(start_paused = true)]
pub(super) async fn a_look_that_takes_long_tells_all_wherever_a_call_fails() {
    async fn told(fault: Option<(usize, Fault)>) -> usize {
        let (scene, key) = joined().await;
        let slow = scene.process().restarted().with_latency(Duration::from_secs(7));
        let calls = serves(&slow, &key, fault).await;
        let working = tokio::spawn(work(scene.process().restarted(), notifier()));
        scene.settles(Duration::from_secs(150)).await;
        working.abort();
        let ending = Ending::of(&scene);
        assert!((2..=3).contains(&ending.notices.len()), "{fault:?}: {:?}", ending.notices);
        assert!(ending.all::<DeliveryRow>().iter().all(|row| row.sent_at.is_some()), "{fault:?}");
        calls
    }
    let all = told(None).await;
    for point in 0..all {
        for fault in [Fault::Before, Fault::After, Fault::Twice] {
            told(Some((point, fault))).await;
        }
    }
}

/// Whoever looked at the group first died after it had marked what it was to tell, and that has become worse since.
#[tokio::test(start_paused = true)]
pub(super) async fn what_was_marked_and_is_worse_and_muted_since_is_told_to_nobody_wherever_a_call_fails() {
    async fn held(fault: Option<(usize, Fault)>) -> usize {
        let (scene, key) = joined().await;
        let first = scene.process().restarted();
        first.crash_at(ended_at().await, Fault::Before);
        let (io, group) = (first.clone(), key.clone());
        let dying = tokio::spawn(async move { notifier().wake(&io, &group).await });
        first.crashed().await;
        dying.abort();
        let is_marked = |scene: &Scene| Ending::of(scene).all::<MemberRow>()[0].told.is_some();
        assert!(is_marked(&scene), "it died too early");
        mutes(&scene);
        works(&scene, &envelope(1)).await;
        // Its claim runs out.
        sleep(Duration::from_secs(70)).await;
        let calls = serves(&scene.process().restarted(), &key, fault).await;
        // Who lost the answer to its claim waits until that runs out.
        sleep(Duration::from_secs(70)).await;
        notifier().wake(&scene.process().restarted(), &key).await.unwrap();
        assert!(!is_marked(&scene), "{fault:?}");
        assert_eq!(Ending::of(&scene).notices, [], "{fault:?}");
        calls
    }
    /// The call with which a look writes down what it found: the third that writes, after its claim and the mark.
    async fn ended_at() -> usize {
        let (scene, key) = joined().await;
        let io = scene.process().restarted();
        serves(&io, &key, None).await;
        let points = io.points();
        let mut writes = (0..points.len()).filter(|n| points[*n] == "commit");
        writes.nth(2).unwrap()
    }
    let all = held(None).await;
    for point in 0..all {
        for fault in [Fault::Before, Fault::After, Fault::Twice] {
            held(Some((point, fault))).await;
        }
    }
}
