use std::time::Duration;

use super::*;
use crate::incident::{IncidentKind, open};
use crate::own_event::{Happened, OwnEvent};
use crate::policy::Limits;
use crate::quota::{QuotaOrigin, QuotaValue, QuotasRow};
use crate::row::Change;

const NAME: &str = "erp";

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn context(second: i64) -> Context<'static> {
    Context::new(NAME, at(second))
}

fn counted(second: i64, replicating: u32) -> Counted {
    Counted { replicating, servers: replicating, ..Counted::nothing(at(second), true) }
}

/// The row after observations that come one by one, and what was told.
fn seen(observations: &[Observation], context: &Context<'_>) -> (PlaceRow, Vec<OwnEvent>) {
    let (mut row, mut told) = (PlaceRow::unknown(&place()), Vec::new());
    for observation in observations {
        if let Some(change) = decide(&place(), std::slice::from_ref(observation), Some(&row), context) {
            told.extend(change.tell);
            row = change.row;
        }
    }
    (row, told)
}

fn levels(told: &[OwnEvent]) -> Vec<Level> {
    let level = |event: &OwnEvent| match event {
        OwnEvent::Capacity(event) => Some(event.status),
        _ => None,
    };
    told.iter().filter_map(level).collect()
}

fn happened(told: &[OwnEvent]) -> Vec<(IncidentKind, Happened)> {
    told.iter().filter_map(OwnEvent::incident).map(|event| (event.kind, event.happened)).collect()
}

fn woken(row: &PlaceRow, second: i64, waking: Waking) -> Change<PlaceRow> {
    wake(row, &context(second), waking).unwrap()
}

const HEARING: Waking = Waking { is_active: true, is_swept: true, hears: true, heard_by_others: None };

#[test]
fn switching_an_account_off_closes_what_its_refusal_opened() {
    let denied = Observation::Denied { at: at(10), reason: "not authorized".into() };
    let refused = decide(&place(), &[denied], None, &context(10)).unwrap();
    assert_eq!(refused.tell[0].incident().unwrap().happened, Happened::Opened);
    let off = Observation::Dismissed { at: at(20) };
    let off = decide(&place(), &[off], Some(&refused.row), &context(20)).unwrap();
    assert_eq!(off.tell[0].incident().unwrap().happened, Happened::Resolved);
    assert!(open(&off.row.incidents).next().is_none() && off.row.wake_at().is_none());
}

#[test]
fn each_change_of_the_level_is_told_with_warning_and_critical_as_incidents() {
    let sweeps = [(1, 249), (2, 250), (3, 285), (4, 300), (5, 296), (6, 200)];
    let (_, told) = seen(&sweeps.map(|(n, count)| Observation::Swept(counted(n, count))), &context(9));
    assert_eq!(levels(&told), [Level::Ok, Level::Info, Level::Warning, Level::Critical, Level::Ok]);
    let kind = IncidentKind::CapacityReplicating;
    let expected = [Happened::Opened, Happened::Escalated, Happened::Resolved].map(|what| (kind, what));
    assert_eq!(happened(&told), expected);
}

#[test]
fn a_refusal_makes_the_status_unknown_and_is_no_sign_that_there_is_room() {
    let refused = Observation::Denied { at: at(2), reason: "no".into() };
    let (row, told) = seen(&[Observation::Swept(counted(1, 290)), refused], &context(9));
    assert_eq!(row.status, Status { level: Level::Unknown, since: Some(at(2)), limit: Some(300) });
    assert_eq!(levels(&told), [Level::Warning, Level::Unknown]);
    assert!(open(&row.incidents).any(|(kind, _)| kind == IncidentKind::CapacityReplicating));
    let readable = Observation::Swept(counted(3, 278));
    let change = decide(&place(), &[readable], Some(&row), &context(9)).unwrap();
    assert_eq!(change.row.status.level, Level::Warning, "within the band of what it was");
}

#[test]
fn a_quota_that_changes_changes_the_level() {
    let value = |value| QuotaValue { value, origin: QuotaOrigin::Applied };
    let values = [("L-C1D14A2B".to_owned(), value(600))].into();
    let quotas = QuotasRow { place: place(), read_at: at(0), values, failed_at: None };
    let (row, _) = seen(&[Observation::Swept(counted(1, 290))], &context(9));
    let more = context(9).with(Limits::default(), Some(&quotas));
    let change = decide(&place(), &[Observation::Swept(counted(2, 290))], Some(&row), &more).unwrap();
    assert_eq!((change.row.status.level, change.row.status.limit), (Level::Ok, Some(600)));
    assert_eq!(happened(&change.tell), [(IncidentKind::CapacityReplicating, Happened::Resolved)]);
}

#[test]
fn what_a_sweep_did_not_finish_is_said_until_one_does() {
    let partly = |second| Observation::Partly(Partial { at: at(second), servers: 50, reason: "no".into() });
    let (row, _) = seen(&[Observation::Swept(counted(1, 60)), partly(2)], &context(9));
    assert_eq!((row.partial.as_ref().unwrap().servers, row.swept_at()), (50, Some(at(1))));
    let (row, _) = seen(&[partly(2), Observation::Swept(counted(3, 60)), partly(2)], &context(9));
    assert_eq!(row.partial, None);
}

#[test]
fn a_spoke_that_is_not_heard_for_a_quarter_of_an_hour_is_silent_until_it_is() {
    let (row, _) = seen(&[Observation::Known { at: at(0) }, Observation::Heard { at: at(60) }], &context(60));
    assert_eq!(row.wake_at(), Some(at(960)));
    let silent = woken(&row, 960, HEARING);
    assert_eq!(happened(&silent.tell), [(IncidentKind::SpokeSilent, Happened::Opened)]);
    assert_eq!(silent.row.wake_at(), Some(at(1260)), "whether it is still registered");
    let late = Observation::Heard { at: at(70) };
    let late = decide(&place(), &[late], Some(&silent.row), &context(1000)).unwrap();
    assert!(late.tell.is_empty(), "what comes so late says nothing of today");
    let beat = Observation::Heard { at: at(1100) };
    let heard = decide(&place(), &[beat], Some(&late.row), &context(1101)).unwrap();
    assert_eq!(happened(&heard.tell), [(IncidentKind::SpokeSilent, Happened::Resolved)]);
    assert_eq!(heard.row.wake_at(), Some(at(2000)));
}

#[test]
fn a_spoke_whose_heartbeat_alone_is_lost_is_not_silent_while_another_worker_hears_it() {
    let (row, _) = seen(&[Observation::Known { at: at(0) }, Observation::Heard { at: at(60) }], &context(60));
    let heard_elsewhere = |second| Waking { heard_by_others: Some(at(second)), ..HEARING };
    let heard = woken(&row, 960, heard_elsewhere(540));
    assert_eq!(
        (heard.tell.len(), heard.row.heard_at, heard.row.wake_at()),
        (0, Some(at(540)), Some(at(1440)))
    );
    let silent = woken(&heard.row, 1440, heard_elsewhere(540));
    assert_eq!(happened(&silent.tell), [(IncidentKind::SpokeSilent, Happened::Opened)]);
    let again = woken(&silent.row, 1740, heard_elsewhere(1500));
    assert_eq!(happened(&again.tell), [(IncidentKind::SpokeSilent, Happened::Resolved)]);
    assert_eq!(again.row.wake_at(), Some(at(2400)));
}

#[test]
fn a_worker_notes_once_a_minute_that_it_heard_a_place() {
    let noted = |second, row: Option<&_>| HeardRow::noted(&place(), "tag-sync", at(second), row);
    let first = noted(125, None).unwrap().row;
    assert_eq!((first.at, first.expires_at()), (at(120), Some(at(120 + 86_400))));
    assert_eq!((noted(179, Some(&first)), noted(60, Some(&first))), (None, None));
    assert_eq!(noted(180, Some(&first)).unwrap().row.at, at(180));
}

#[test]
fn a_spoke_that_was_never_heard_is_silent_since_it_is_known() {
    let (row, _) = seen(&[Observation::Known { at: at(100) }], &context(100));
    assert_eq!(happened(&woken(&row, 1000, HEARING).tell), [(IncidentKind::SpokeSilent, Happened::Opened)]);
}

#[test]
fn who_hears_nothing_does_not_judge_and_looks_again_a_minute_later() {
    let (row, _) = seen(&[Observation::Known { at: at(100) }], &context(100));
    let deaf = woken(&row, 1000, Waking { hears: false, ..HEARING });
    assert_eq!((deaf.tell.len(), deaf.row.wake_at()), (0, Some(at(1060))));
}

#[test]
fn nobody_listens_for_an_account_that_is_switched_off() {
    let (row, _) = seen(&[Observation::Known { at: at(100) }], &context(100));
    let silent = woken(&row, 1000, HEARING).row;
    let off = woken(&silent, 1300, Waking { is_active: false, ..HEARING });
    assert_eq!(happened(&off.tell), [(IncidentKind::SpokeSilent, Happened::Resolved)]);
    assert_eq!(off.row.wake_at(), None);
    let beat = Observation::Heard { at: at(1400) };
    assert_eq!(decide(&place(), &[beat], Some(&off.row), &context(1400)).unwrap().row.wake_at(), None);
}

#[test]
fn a_burst_of_events_is_one_write_a_minute() {
    let spoke = |second| [Observation::Spoke { at: at(second) }];
    let first = decide(&place(), &spoke(125), None, &context(125)).unwrap().row;
    assert_eq!(decide(&place(), &spoke(179), Some(&first), &context(179)), None);
    assert!(decide(&place(), &spoke(180), Some(&first), &context(180)).is_some());
}

#[test]
fn the_schedule_is_heeded_when_the_interval_is_over_and_a_wish_always() {
    let claimed = |row: &PlaceRow, second, scheduled| {
        let asked = [Asked { at: at(second), scheduled }];
        let change = claim(&place(), Some(row), &asked, &context(second));
        change.is_some_and(|change| is_claimed(&change.row, &asked))
    };
    let (row, _) = seen(&[Observation::Swept(counted(1000, 1))], &context(1000));
    assert!(!claimed(&row, 1269, true) && claimed(&row, 1270, true) && claimed(&row, 1002, false));
    let (refused, _) = seen(
        &[Observation::Swept(counted(1000, 1)), Observation::Denied { at: at(1010), reason: "no".into() }],
        &context(1010),
    );
    assert!(claimed(&refused, 1020, true), "to see the end of it");
    let empty = Counted { initialized: false, ..counted(1000, 0) };
    let (never_initialized, _) = seen(&[Observation::Swept(empty)], &context(1000));
    assert!(!claimed(&never_initialized, 1000 + 5 * 3600, true));
    assert!(claimed(&never_initialized, 1000 + 6 * 3600, true));
}

#[test]
fn an_interval_shorter_than_the_schedules_is_kept_by_a_timer() {
    let every = |minutes| {
        let limits = Limits { sweep_every: Duration::from_mins(minutes), ..Limits::default() };
        let context = context(1000).with(limits, None);
        seen(&[Observation::Swept(counted(1000, 0))], &context).0.look_at
    };
    assert_eq!((every(2), every(5)), (Some(at(1120)), None));
}

#[test]
fn the_first_sweep_that_found_servers_is_made_again_soon_and_later_ones_are_not() {
    let (first, _) = seen(&[Observation::Swept(counted(1000, 1))], &context(1003));
    assert_eq!(first.look_at, Some(at(1013)));
    let wished = PlaceRow { look_at: Some(at(1004)), ..PlaceRow::unknown(&place()) };
    let swept =
        decide(&place(), &[Observation::Swept(counted(1000, 1))], Some(&wished), &context(1003)).unwrap();
    assert_eq!(swept.row.look_at, Some(at(1013)), "an instance may take it for never swept until then");
    let begun = PlaceRow { look_at: None, ..first };
    let again =
        decide(&place(), &[Observation::Swept(counted(1013, 1))], Some(&begun), &context(1016)).unwrap();
    assert_eq!(again.row.look_at, None);
    let (empty, _) = seen(&[Observation::Swept(counted(1000, 0))], &context(1003));
    assert_eq!(empty.look_at, None, "there is no server to believe anything of");
}

#[test]
fn a_wish_stays_until_a_sweep_is_begun() {
    let (row, _) = seen(&[Observation::LookSooner { at: at(100) }], &context(100));
    assert_eq!(row.wake_at(), Some(at(110)));
    assert_eq!(woken(&row, 110, HEARING).row.wake_at(), Some(at(230)));
    let elsewhere = woken(&row, 110, Waking { is_swept: false, ..HEARING });
    assert_eq!(elsewhere.row.wake_at(), None, "a Region that only has source machines");
}

#[test]
fn a_wish_that_is_about_to_be_served_outlasts_a_sweep_that_begins_before_and_no_other_does() {
    let wished = |second| PlaceRow { look_at: Some(at(second)), ..PlaceRow::unknown(&place()) };
    let left = |second, now| {
        let asked = [Asked { at: at(now), scheduled: false }];
        claim(&place(), Some(&wished(second)), &asked, &context(now)).unwrap().row.look_at
    };
    assert_eq!((left(110, 100), left(110, 109)), (Some(at(110)), Some(at(110))));
    assert_eq!(left(110, 99), Some(at(110)), "by a clock that is a second behind");
    assert_eq!((left(110, 110), left(110, 98)), (None, None), "served; and nobody relies on one so far away");
}

#[test]
fn a_wish_that_is_about_to_be_served_is_not_brought_forward() {
    let (swept, _) = seen(&[Observation::Swept(counted(100, 0))], &context(100));
    let wished = PlaceRow { look_at: Some(at(110)), ..swept };
    let asked = [Asked { at: at(101), scheduled: false }];
    assert_eq!(
        claim(&place(), Some(&wished), &asked, &context(101)),
        None,
        "by who asks right after a sweep"
    );
    // Who was stopped between wishing and writing.
    let late = Observation::LookSooner { at: at(90) };
    assert_eq!(decide(&place(), &[late], Some(&wished), &context(101)), None);
    assert_eq!(wished.relied_on_until(), Some(at(109)));
}

#[test]
fn what_is_asked_for_right_after_a_sweep_is_swept_two_seconds_after_its_end() {
    let (swept, _) = seen(&[Observation::Swept(counted(100, 0))], &context(100));
    let asked = |second| [Asked { at: at(second), scheduled: false }];
    let claimed = |row: &PlaceRow, now| claim(&place(), Some(row), &asked(100), &context(now)).unwrap().row;
    let wished = claimed(&swept, 101);
    assert_eq!((is_claimed(&wished, &asked(100)), wished.look_at), (false, Some(at(102))));
    let rung = woken(&PlaceRow { look_at: Some(at(101)), ..swept }, 101, HEARING).row;
    assert_eq!(claimed(&rung, 101).look_at, Some(at(102)), "not when it is taken for lost");
    assert!(is_claimed(&claimed(&wished, 102), &asked(100)));
}

#[test]
fn a_wish_that_comes_while_a_sweep_is_under_way_is_kept_until_another_is_begun() {
    let asked = |second, scheduled| [Asked { at: at(second), scheduled }];
    let (row, _) = seen(&[Observation::Heard { at: at(90) }], &context(90));
    let under_way = claim(&place(), Some(&row), &asked(100, true), &context(100)).unwrap().row;
    assert!(is_claimed(&under_way, &asked(100, true)));
    let kept = claim(&place(), Some(&under_way), &asked(105, false), &context(106)).unwrap().row;
    assert!(!is_claimed(&kept, &asked(105, false)), "it is another's");
    assert_eq!(kept.look_at, Some(at(116)));
    assert_eq!(claim(&place(), Some(&kept), &asked(107, false), &context(108)), None, "one wish is enough");
    assert_eq!(
        claim(&place(), Some(&under_way), &asked(105, true), &context(106)),
        None,
        "the schedule asks again"
    );
}

/// Sweeps begun at these seconds, none of which ended.
fn begun(row: PlaceRow, seconds: &[i64]) -> (PlaceRow, Vec<OwnEvent>) {
    seconds.iter().fold((row, Vec::new()), |(row, mut told), second| {
        let asked = [Asked { at: at(*second), scheduled: false }];
        let change = claim(&place(), Some(&row), &asked, &context(*second)).unwrap();
        told.extend(change.tell);
        (change.row, told)
    })
}

#[test]
fn a_place_whose_sweeps_never_end_is_told_and_unknown_until_one_does() {
    let (known, _) = seen(&[Observation::Swept(counted(1000, 1))], &context(1000));
    let (waiting, told) = begun(known.clone(), &[1300, 1600, 1900]);
    assert_eq!(told, [], "ten minutes are not too long");
    let (row, told) = begun(waiting, &[2200]);
    assert_eq!(happened(&told), [(IncidentKind::SweepOverdue, Happened::Opened)]);
    assert_eq!((row.status.level, row.status.since), (Level::Unknown, Some(at(1300))));
    let ended =
        decide(&place(), &[Observation::Swept(counted(2201, 1))], Some(&row), &context(2201)).unwrap();
    assert_eq!(happened(&ended.tell), [(IncidentKind::SweepOverdue, Happened::Resolved)]);
    assert_eq!((ended.row.status.level, ended.row.trying), (Level::Ok, None));

    let (_, told) = begun(known, &[1300, 9000]);
    assert_eq!(told, [], "the hub was down between");
}
