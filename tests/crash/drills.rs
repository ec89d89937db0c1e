//! The notifier's paths of drills, and of what does not wait.

use std::collections::BTreeSet;
use std::time::Duration;

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::spells::SpellEditor;
use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::notify::WindowRow;
use drs_fleet_domain::own_event::{IncidentEvent, OwnEvent};
use drs_fleet_testkit::company::window;
use futures::FutureExt;
use serde_json::json;

use super::Path;
use super::ending::Ending;
use super::notices::{life, notifier};
use super::scene::Scene;
use super::world::{early, place};
use crate::samples::on_the_bus;

fn job(happened: &str, second: i64) -> OwnEvent {
    let event = json!({
        "eventId": format!("{happened}/1"), "happened": happened, "accountId": place().account,
        "accountName": "erp-prod", "region": place().region, "jobId": "drsjob-00000000000000001", "purpose": "DRILL",
        "drill": true, "status": "STARTED", "servers": 2, "succeeded": 2, "failed": 0, "lateServers": 0,
        "at": early(second),
    });
    OwnEvent::Job(Box::new(serde_json::from_value(event).unwrap()))
}

pub(super) fn begins(scene: &Scene) {
    scene.put(&on_the_bus(1, &job("STARTED", 10)));
}

pub(super) fn ends(scene: &Scene) {
    scene.put(&on_the_bus(2, &job("COMPLETED", 60)));
    scene.lets_pass(Duration::from_mins(12));
}

/// What was told by e-mail: when things were done may be another time where a call failed, and stands in the text.
fn told(ending: &Ending) -> BTreeSet<&str> {
    fn subject(notice: &Notice) -> Option<&str> {
        if let Notice::Topic { subject, .. } = notice { Some(subject) } else { None }
    }
    ending.notices.iter().filter_map(subject).collect()
}

/// Each line is told wherever the notifier dies, and once more at most where it dies of sending it.
async fn is_told(steps: &'static [fn(&Scene)], count: usize) {
    let path = Path { make: notifier, steps };
    let (points, clean) = path.played(|_| {}).await;
    assert_eq!(
        (told(&clean).len(), clean.notices.len()),
        (count, 2 * count),
        "two channels, and nothing twice"
    );
    let check = |ending: &Ending, case: &str| {
        ending.assert_nothing_is_left(case);
        assert_eq!(told(ending), told(&clean), "{case}");
        assert!(ending.notices.len() <= 2 * count + 2, "one more on each channel at most: {case}");
    };
    path.survives(&points, 0, check).await;
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_drill_is_told_as_a_start_a_line_and_a_summary_wherever_the_notifier_dies() {
    is_told(&[begins, ends], 3).await;
}

fn editor(scene: &Scene) -> SpellEditor<drs_fleet_aws::memory::MemoryIo> {
    SpellEditor::new(scene.world.clone(), WriteToken::for_command_of_a_person())
}

fn opens(scene: &Scene) {
    let window = window(&place(), scene.world.now());
    editor(scene).open(&window).now_or_never().unwrap().unwrap();
    scene.lets_pass(Duration::from_mins(1));
}

fn closes(scene: &Scene) {
    editor(scene).end::<WindowRow>("w", "kim").now_or_never().unwrap().unwrap();
    scene.lets_pass(Duration::from_mins(12));
}

#[tokio::test(start_paused = true)]
pub(super) async fn a_window_is_told_with_its_jobs_and_what_it_came_to_wherever_the_notifier_dies() {
    is_told(&[opens, begins, ends, closes], 3).await;
}

#[tokio::test(start_paused = true)]
pub(super) async fn what_is_critical_and_told_by_who_brings_it_is_told_wherever_the_notifier_dies() {
    fn critical(scene: &Scene) {
        let OwnEvent::Incident(event) = life()[0].clone().into() else { unreachable!() };
        let event = IncidentEvent { severity: Severity::Critical, ..*event };
        scene.put(&on_the_bus(0, &event.into()));
    }
    is_told(&[critical], 1).await;
}
