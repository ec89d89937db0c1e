//! After a failback, the source server should replicate again.

use super::*;

const HOUR: i64 = 3_600;

fn looked(second: i64, state: &str, replicates: bool) -> Observation {
    Observation::Resumption(Resumption { at: at(second), state: state.to_owned(), replicates })
}

/// A failback that was completed at second 0, at which its instance was listed.
fn failed_back() -> Story {
    let mut story = Story::new();
    story.take(0, &[seen(0, IN_PROGRESS, None), event(0, COMPLETED)]);
    story
}

#[test]
fn an_extended_server_that_rests_half_an_hour_after_its_failback_is_an_incident_until_it_replicates() {
    let kind = IncidentKind::ReplicationNotResumed;
    let mut story = failed_back();
    story.take(300, &[looked(300, "STALLED", false)]);
    story.take(1_799, &[looked(1_799, "STALLED", false)]);
    assert_eq!(story.incidents(), [], "it may take a while");
    story.take(1_800, &[looked(1_800, "STALLED", false)]);
    assert_eq!(story.incidents(), [(kind, Happened::Opened)]);
    let reason = "more than 30m after the failback, its extended source server is still STALLED";
    assert_eq!(story.reason(), Some(reason));
    story.take(9_000, &[looked(9_000, "RESCAN", true)]);
    assert_eq!(story.incidents(), [(kind, Happened::Opened), (kind, Happened::Resolved)]);
    assert!(!story.row().awaits_resumption());
}

#[test]
fn that_a_failback_was_completed_counts_also_when_it_is_told_after_its_instance_is_gone() {
    let mut story = Story::new();
    story.sweep(0, seen(0, IN_PROGRESS, None));
    story.sweep(400, Observation::Gone { at: at(400) });
    story.take(401, &[event(390, COMPLETED)]);
    assert!(story.row().awaits_resumption());
    assert_eq!((story.row().gone_since, story.state()), (Some(at(400)), COMPLETED));
}

#[test]
fn only_a_failback_that_is_complete_awaits_anything() {
    for state in [NOT_STARTED, IN_PROGRESS, FAILED, "ADDED_LATER"] {
        let mut story = Story::new();
        story.take(0, &[event(0, state)]);
        assert!(!story.row().awaits_resumption(), "{state}");
    }
    assert!(failed_back().row().awaits_resumption());
}

#[test]
fn a_server_that_still_looks_as_before_the_failback_is_looked_at_again() {
    let mut story = failed_back();
    story.take(10, &[looked(10, "CONTINUOUS", true)]);
    assert!(story.row().awaits_resumption(), "the inventory may be older than the failback");
    story.take(1_900, &[looked(1_900, "DISCONNECTED", false)]);
    assert_eq!(story.incidents(), [(IncidentKind::ReplicationNotResumed, Happened::Opened)]);
}

#[test]
fn each_failback_awaits_its_own_resumption() {
    let mut story = failed_back();
    story.take(HOUR, &[looked(HOUR, "CONTINUOUS", true)]);
    assert!(!story.row().awaits_resumption());
    story.take(9 * HOUR, &[event(9 * HOUR, IN_PROGRESS)]);
    story.take(10 * HOUR, &[event(10 * HOUR, COMPLETED)]);
    assert!(story.row().awaits_resumption());
    story.take(11 * HOUR, &[looked(11 * HOUR, "STOPPED", false)]);
    assert_eq!(story.incidents(), [(IncidentKind::ReplicationNotResumed, Happened::Opened)]);
}

#[test]
fn once_it_is_clear_that_it_rests_looks_that_find_nothing_new_are_no_writes() {
    let mut story = failed_back();
    assert!(story.take(1_800, &[looked(1_800, "STALLED", false)]));
    assert!(story.take(HOUR, &[looked(HOUR, "STALLED", false)]));
    let next = story.row().look_at.unwrap().as_second() - 1_000_000;
    assert!(!story.take(next - 1, &[looked(next - 1, "STALLED", false)]));
    assert!(story.take(next - 1, &[looked(next - 1, "DISCONNECTED", false)]), "that is new");
    assert!(!story.take(next - 1, &[looked(next - 2, "CONTINUOUS", true)]), "an older look");
}

#[test]
fn an_instance_that_is_gone_leaves_its_source_server_to_be_looked_after() {
    let mut story = failed_back();
    story.take(1_900, &[looked(1_900, "STALLED", false), Observation::Gone { at: at(1_900) }]);
    assert_eq!(story.incidents(), [(IncidentKind::ReplicationNotResumed, Happened::Opened)]);
    assert!(story.row().awaits_resumption());
}
