//! What observations of a place come to.

mod asking;

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
