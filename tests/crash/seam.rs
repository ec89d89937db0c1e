//! Nothing of the seam is forgotten: whatever a worker may do to the world, and wherever its code does so, some path does,
//! and it fails and dies there.

use std::cell::RefCell;
use std::collections::BTreeSet;

use drs_fleet_aws::memory::{ASKS, points_of_the_seam};

use super::sites::{self, Site};
use super::{
    capacity, claims, clicks, drills, hindered, jobs, late, looks, notices, places, queue, recoveries,
    served, silence, tags, told,
};

/// Each is a test that meets faults; all but a few meet every fault at all of their points, and die.
const PATHS: &[fn()] = &[
    capacity::a_stall_and_its_end_are_told_wherever_the_tracker_dies,
    capacity::a_heartbeat_and_a_call_bring_a_sweep_wherever_the_tracker_dies,
    capacity::sweeps_find_what_stalled_what_recovered_and_what_is_gone_wherever_the_tracker_dies,
    capacity::the_link_of_a_server_goes_when_it_is_gone_or_protects_another_instance_wherever_the_tracker_dies,
    capacity::a_server_that_somebody_disconnects_and_its_last_recovery_point_are_kept_wherever_the_tracker_dies,
    capacity::a_sync_that_is_stuck_and_a_stall_that_lasts_are_told_when_time_says_so_wherever_the_tracker_dies,
    capacity::a_refusal_is_told_and_its_end_wherever_the_tracker_dies,
    capacity::what_is_not_acted_on_is_recorded_once_wherever_the_tracker_dies,
    claims::a_sweep_that_is_given_up_since_it_was_asked_for_too_long_ago_is_asked_for_again_wherever_a_call_fails,
    clicks::a_click_acknowledges_and_is_shown_wherever_the_notifier_dies,
    clicks::a_forged_click_leaves_no_trace_and_no_dead_letter_wherever_the_notifier_dies,
    drills::a_drill_is_told_as_a_start_a_line_and_a_summary_wherever_the_notifier_dies,
    drills::a_window_is_told_with_its_jobs_and_what_it_came_to_wherever_the_notifier_dies,
    drills::what_is_critical_and_told_by_who_brings_it_is_told_wherever_the_notifier_dies,
    hindered::a_sweep_that_is_refused_is_made_when_it_is_asked_for_again_wherever_the_monitor_dies,
    hindered::an_active_job_that_cannot_be_looked_at_is_looked_at_later_wherever_the_monitor_dies,
    hindered::long_lists_of_jobs_and_instances_are_read_to_their_ends_wherever_the_monitor_dies,
    hindered::a_failback_that_failed_is_looked_at_while_it_is_open_wherever_the_monitor_dies,
    hindered::what_only_other_workers_act_on_is_set_aside_wherever_the_monitor_dies,
    jobs::a_job_is_followed_to_its_end_wherever_the_monitor_dies,
    jobs::a_job_that_is_deleted_before_its_end_was_seen_is_over,
    jobs::a_job_that_rests_is_stuck_and_one_that_failed_is_well_when_its_servers_are_launched,
    jobs::a_server_of_which_a_launch_result_told_first_gets_its_name_and_its_objective,
    late::an_end_that_is_believed_is_looked_at_again_wherever_a_call_fails,
    late::an_end_that_a_sweep_overtook_unseen_is_looked_at_again_wherever_a_call_fails,
    looks::a_stall_that_was_just_told_has_its_place_swept_wherever_the_tracker_dies,
    looks::a_late_end_that_is_believed_has_its_place_swept_wherever_the_tracker_dies,
    looks::what_was_read_before_drs_failed_is_kept_wherever_the_tracker_dies,
    looks::a_refusal_by_an_account_that_was_switched_off_is_no_incident_wherever_the_tracker_dies,
    looks::a_place_that_is_listened_to_and_switched_off_is_dismissed_wherever_the_tracker_dies,
    looks::a_server_that_shifting_pages_leave_out_is_asked_for_wherever_the_tracker_dies,
    looks::what_only_other_workers_act_on_is_set_aside_wherever_the_tracker_dies,
    looks::quotas_that_cannot_be_read_end_no_sweep_wherever_the_tracker_dies,
    notices::people_are_told_of_an_incident_and_its_end_wherever_the_notifier_dies,
    notices::what_a_channel_refuses_is_told_later_wherever_the_notifier_dies,
    notices::a_sample_goes_through_its_channel_wherever_the_notifier_dies,
    notices::an_own_event_of_an_unknown_type_is_recorded_wherever_the_notifier_dies,
    notices::a_channel_that_takes_nothing_is_told_over_the_other_until_it_is_mended_wherever_the_notifier_dies,
    places::a_tag_opens_one_window_wherever_the_tracker_dies,
    places::levels_by_the_applied_quota_and_their_history_are_kept_wherever_the_tracker_dies,
    places::a_sweep_that_ends_early_keeps_what_it_saw_and_says_so_wherever_the_tracker_dies,
    places::all_that_is_known_of_servers_of_a_removed_account_is_forgotten_in_the_end_wherever_the_tracker_dies,
    places::ticks_that_piled_up_are_asked_for_together,
    queue::what_cannot_be_read_is_dead_lettered_with_its_reason_wherever_the_tracker_dies,
    queue::what_waits_for_the_table_stays_in_hand_wherever_the_tracker_dies,
    queue::what_a_spoke_puts_off_is_given_back_and_done_when_its_time_has_come_wherever_the_tracker_dies,
    recoveries::instances_are_followed_and_a_drill_that_is_left_running_is_told_until_it_is_ended,
    recoveries::an_instance_that_shifting_pages_leave_out_is_asked_for_by_its_server_and_not_taken_for_gone,
    recoveries::a_call_that_changes_instances_has_them_listed_soon_wherever_the_monitor_dies,
    recoveries::a_failback_is_followed_through_its_error_until_the_server_replicates_again,
    served::what_an_earlier_release_stored_joins_its_groups_wherever_a_call_fails,
    served::a_look_that_takes_long_tells_all_wherever_a_call_fails,
    served::a_look_whose_mark_takes_long_tells_all_wherever_a_call_fails,
    served::what_was_put_together_is_handed_over_by_the_next_wherever_a_call_fails,
    served::what_was_marked_and_is_worse_and_muted_since_is_told_to_nobody_wherever_a_call_fails,
    silence::silence_and_its_end_are_told_wherever_the_tracker_dies,
    tags::changes_reach_a_known_server_wherever_the_sync_dies,
    tags::a_change_waits_for_its_server_wherever_the_sync_dies,
    tags::a_refused_server_gets_its_tags_later_wherever_the_sync_dies,
    tags::of_two_refused_servers_the_second_is_not_forgotten_wherever_the_sync_dies,
    tags::a_sweep_brings_what_no_event_told_wherever_the_sync_dies,
    tags::a_list_of_machines_that_is_throttled_is_read_on_and_not_from_its_beginning,
    tags::what_is_gone_from_the_machine_is_removed_where_the_rules_say_so,
    tags::asked::what_a_person_asks_for_is_done_and_its_end_is_written_down_wherever_the_sync_dies,
    tags::hindered::a_change_that_is_refused_is_made_by_a_timer_wherever_the_sync_dies,
    tags::hindered::a_change_whose_server_cannot_be_read_when_it_is_due_is_put_off_wherever_the_sync_dies,
    tags::hindered::a_change_of_an_account_that_was_switched_off_is_given_up_wherever_the_sync_dies,
    tags::hindered::a_change_that_fails_for_a_while_is_made_wherever_the_sync_dies,
    tags::hindered::a_change_whose_servers_cannot_be_found_is_made_later_wherever_the_sync_dies,
    tags::hindered::a_type_that_ec2_does_not_tell_now_is_asked_for_later_wherever_the_sync_dies,
    tags::hindered::a_change_of_a_server_that_is_gone_or_disconnected_is_none_wherever_the_sync_dies,
    tags::hindered::a_server_whose_machine_drs_does_not_tell_gets_its_tags_wherever_the_sync_dies,
    tags::hindered::a_sweep_that_is_refused_is_made_when_it_is_asked_for_again_wherever_the_sync_dies,
    tags::hindered::a_slow_sweep_gets_on_wherever_the_sync_dies,
    tags::hindered::what_a_person_asks_for_of_a_slow_account_gets_on_wherever_the_sync_dies,
    tags::hindered::what_only_other_workers_act_on_is_set_aside_wherever_the_sync_dies,
    tags::over::tags_that_do_not_fit_are_no_matter_once_a_sweep_misses_their_server,
    tags::stale::an_older_change_that_comes_again_undoes_no_newer_one_whatever_fails,
    tags::types::a_changed_machine_is_asked_for_its_type_once_wherever_the_sync_dies,
    tags::types::sweeps_ask_for_a_type_that_is_not_known_wherever_the_sync_dies,
    told::what_only_other_workers_act_on_is_set_aside_wherever_the_notifier_dies,
    told::lag_in_a_region_that_stalls_is_held_back_wherever_the_notifier_dies,
    told::what_came_and_went_while_people_slept_and_it_was_muted_is_told_to_nobody_wherever_the_notifier_dies,
    told::whoever_sleeps_reads_later_what_came_of_a_drill_wherever_the_notifier_dies,
    told::a_window_that_ends_by_itself_is_summed_up_wherever_the_notifier_dies,
    told::what_was_given_up_on_is_passed_and_sent_late_when_a_person_asks_wherever_the_notifier_dies,
    told::a_reminder_that_could_not_be_sent_gives_way_to_what_is_newer_wherever_the_notifier_dies,
];

/// Only people extend servers, by the command line: a call that fails is shown to them, and theirs to repeat.
const OF_PEOPLE: [&str; 2] = ["extend", "extensible_servers"];

#[derive(Default)]
struct Passed {
    points: BTreeSet<&'static str>,
    sites: BTreeSet<Site>,
    /// The points of the path under way, and which code brought it to each.
    under_way: Vec<(&'static str, Vec<Site>)>,
}

thread_local! {
    /// What paths pass, while only that is asked.
    static PASSED: RefCell<Option<Passed>> = const { RefCell::new(None) };
}

/// A path is played anew.
pub(super) fn begins() {
    PASSED.with_borrow_mut(|passed| passed.iter_mut().for_each(|passed| passed.under_way.clear()));
}

/// A path was played without fault, and is about to meet faults at these of its points: they are passed. Answers whether
/// that is all that is asked, so that no fault is needed.
pub(super) fn only_asks_what_meets_faults(tried: impl IntoIterator<Item = usize>) -> bool {
    PASSED.with_borrow_mut(|passed| {
        let Some(passed) = passed else { return false };
        let mut under_way = std::mem::take(&mut passed.under_way);
        for (point, sites) in tried.into_iter().filter_map(|n| under_way.get_mut(n).map(std::mem::take)) {
            passed.points.insert(point);
            passed.sites.extend(sites);
        }
        true
    })
}

/// Notes a point that a path comes to, and which code brought it there, where that is asked.
pub(super) fn witness(point: &'static str) {
    PASSED.with_borrow_mut(|passed| {
        let Some(passed) = passed else { return };
        // Made all the time, by the loops that all workers share.
        let sites = if ASKS.contains(&point) { Vec::new() } else { sites::on_the_stack() };
        passed.under_way.push((point, sites));
    });
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "the lines of the code that calls are known in debug builds alone"
)]
fn every_point_that_workers_may_pass_and_every_line_that_waits_for_one_is_in_a_path() {
    PASSED.set(Some(Passed::default()));
    for path in PATHS {
        path();
        let is_over = PASSED.with_borrow(|passed| passed.as_ref().unwrap().under_way.is_empty());
        assert!(is_over, "a path does not say where it meets faults");
    }
    let passed = PASSED.take().unwrap();
    let of_workers: BTreeSet<_> =
        points_of_the_seam().into_iter().filter(|point| !OF_PEOPLE.contains(point)).collect();
    assert_eq!(passed.points, of_workers, "a point that is in no path needs one");
    let missed: Vec<_> =
        sites::of_workers().into_iter().filter(|site| !passed.sites.contains(site)).collect();
    assert!(missed.is_empty(), "a line that waits for the world and is in no path needs one: {missed:#?}");
}
