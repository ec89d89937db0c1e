//! No point of the seam is forgotten: what a worker may do to the world, some path does, and it fails and dies there.

use std::cell::RefCell;
use std::collections::BTreeSet;

use drs_fleet_aws::memory::points_of_the_seam;

use super::{capacity, clicks, jobs, places, queue, recoveries, tags};

/// Paths that pass all points together. Each is a test, which fails and dies at every point that it passes.
const PATHS: [fn(); 12] = [
    capacity::a_stall_and_its_end_are_told_wherever_the_tracker_dies,
    capacity::a_heartbeat_and_a_call_bring_a_sweep_wherever_the_tracker_dies,
    capacity::the_link_of_a_server_goes_when_it_is_gone_or_protects_another_instance_wherever_the_tracker_dies,
    places::levels_by_the_applied_quota_and_their_history_are_kept_wherever_the_tracker_dies,
    clicks::a_click_acknowledges_and_is_shown_wherever_the_notifier_dies,
    jobs::a_job_is_followed_to_its_end_wherever_the_monitor_dies,
    queue::what_cannot_be_read_is_dead_lettered_with_its_reason_wherever_the_tracker_dies,
    queue::what_waits_for_the_table_stays_in_hand_wherever_the_tracker_dies,
    recoveries::instances_are_followed_and_a_drill_that_is_left_running_is_told_until_it_is_ended,
    tags::what_is_gone_from_the_machine_is_removed_where_the_rules_say_so,
    tags::a_sweep_brings_what_no_event_told_wherever_the_sync_dies,
    tags::types::a_changed_machine_is_asked_for_its_type_once_wherever_the_sync_dies,
];

/// Only people extend servers, by the command line: a call that fails is shown to them, and theirs to repeat.
const OF_PEOPLE: [&str; 2] = ["extend", "extensible_servers"];

thread_local! {
    /// What paths pass, while only that is asked.
    static PASSED: RefCell<Option<BTreeSet<&'static str>>> = const { RefCell::new(None) };
}

/// Notes what a path passes, where only that is asked.
pub(super) fn only_asks_what_is_passed(points: &[&'static str]) -> bool {
    PASSED.with_borrow_mut(|passed| passed.as_mut().map(|passed| passed.extend(points)).is_some())
}

#[test]
fn every_point_that_workers_may_pass_is_in_a_path() {
    PASSED.set(Some(BTreeSet::new()));
    for path in PATHS {
        path();
    }
    let passed = PASSED.take().unwrap();
    let of_workers: BTreeSet<_> =
        points_of_the_seam().into_iter().filter(|point| !OF_PEOPLE.contains(point)).collect();
    assert_eq!(passed, of_workers, "a point that is in no path needs one");
}
