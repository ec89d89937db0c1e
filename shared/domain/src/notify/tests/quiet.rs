//! At night nobody is told, and in the morning what came and went.

use super::*;
use crate::notify::Hours;

/// The hours of somebody who is told nothing from then until two o'clock.
fn quiet_from(from: &str) -> Hours {
    quiet_except(from, None)
}

fn quiet_except(from: &str, except: Option<Severity>) -> Hours {
    let clock = |text: &str| text.to_owned().try_into().unwrap();
    Hours::Quiet { from: clock(from), to: clock("02:00"), zone: jiff::tz::TimeZone::UTC, except }
}

/// What was told because something had changed.
fn changes(stage: &Stage) -> Vec<(i64, Counts)> {
    let changes = stage.digests.iter().filter(|digest| digest.why == Why::Changed);
    changes.map(|digest| (digest.at.as_second(), digest.counts)).collect()
}

#[test]
fn what_came_and_went_at_night_is_told_in_the_morning_once() {
    let mut stage = Stage { hours: quiet_from("00:00"), ..Stage::default() };
    stage.happens(&opened(1), at(0));
    stage.happens(&opened(2), at(0));
    stage.happens(&resolved(2, 600), at(600));
    stage.passes(at(7_500));
    assert_eq!(told_at(&stage), [(7_200, counts(1, 1, 1))]);
    // By day it is as for everybody.
    stage.passes(at(8_000));
    stage.happens(&opened(3), at(8_000));
    stage.happens(&resolved(3, 8_010), at(8_010));
    stage.happens(&resolved(1, 8_010), at(8_010));
    stage.passes(at(20_000));
    assert_eq!(told_at(&stage)[1..], [(8_030, counts(0, 1, 0))]);
    let mut alone = Stage { hours: stage.hours.clone(), ..Stage::default() };
    alone.happens(&opened(2), at(0));
    alone.happens(&resolved(2, 600), at(600));
    alone.passes(at(20_000));
    assert_eq!((told_at(&alone), alone.told[0].len()), (vec![(7_200, counts(0, 1, 0))], 2));
    assert_eq!(alone.due(), None, "it sleeps");
}

#[test]
fn who_wants_quiet_is_shown_in_the_morning_what_was_acknowledged_at_night() {
    let mut stage = Stage { hours: quiet_from("00:01"), ..Stage::default() };
    stage.happens(&opened(1), at(0));
    stage.passes(at(40));
    stage.is_acknowledged(1, at(100));
    stage.passes(at(7_199));
    assert_eq!(whys(&stage), [(30, Why::Changed)]);
    stage.passes(at(7_200));
    assert_eq!(whys(&stage)[1..], [(7_200, Why::Acknowledged)]);
}

#[test]
fn what_wakes_people_at_night_lets_nothing_lesser_of_its_group_through() {
    let mut stage = Stage { hours: quiet_except("00:00", Some(Severity::Critical)), ..Stage::default() };
    let critical = |event| IncidentEvent { severity: Severity::Critical, ..event };
    stage.happens(&critical(opened(1)), at(0));
    stage.passes(at(10));
    stage.happens(&opened(2), at(20));
    stage.happens(&opened(3), at(30));
    stage.happens(&resolved(3, 900), at(900));
    stage.passes(at(3_000));
    assert_eq!(changes(&stage), [(0, counts(1, 0, 1))]);
    // The end of what they were woken for they are told at night.
    stage.happens(&critical(resolved(1, 3_010)), at(3_010));
    stage.passes(at(7_199));
    assert_eq!(changes(&stage)[1..], [(3_300, counts(0, 1, 0))]);
    stage.passes(at(7_200));
    assert_eq!(changes(&stage)[2..], [(7_200, counts(1, 1, 1))]);
    stage.happens(&resolved(2, 8_000), at(8_000));
    stage.passes(at(20_000));
    assert_eq!((changes(&stage).len(), stage.due()), (4, None));
}

#[test]
fn what_a_mute_held_back_at_night_is_told_after_it_if_it_is_that_bad() {
    let mut stage = Stage { hours: quiet_except("00:00", Some(Severity::Critical)), ..Stage::default() };
    let critical = IncidentEvent { severity: Severity::Critical, ..opened(1) };
    stage.muted.insert(critical.incident.clone());
    stage.happens(&critical, at(0));
    stage.happens(&opened(2), at(0));
    stage.passes(at(2_000));
    assert_eq!(changes(&stage), []);
    stage.muted.clear();
    stage.passes(at(7_000));
    assert_eq!(changes(&stage), [(2_040, counts(1, 0, 1))]);
    stage.passes(at(7_500));
    assert_eq!(changes(&stage)[1..], [(7_440, counts(1, 0, 2))]);
}

#[test]
fn what_opens_just_before_quiet_hours_and_ends_in_them_is_told_in_the_morning() {
    let mut stage = Stage { hours: quiet_from("00:06"), ..Stage::default() };
    stage.happens(&opened(1), at(0));
    stage.passes(at(30));
    stage.happens(&opened(2), at(100));
    stage.passes(at(340));
    stage.happens(&resolved(2, 2_000), at(2_000));
    stage.passes(at(7_000));
    assert_eq!(changes(&stage), [(30, counts(1, 0, 1)), (330, counts(1, 0, 2))]);
    let mut stage = Stage { hours: quiet_from("00:05"), ..Stage::default() };
    stage.happens(&opened(1), at(0));
    stage.passes(at(30));
    stage.happens(&opened(2), at(100));
    stage.happens(&resolved(2, 2_000), at(2_000));
    stage.passes(at(7_200));
    assert_eq!(changes(&stage)[1..], [(7_200, counts(0, 1, 1))]);
}

#[test]
fn nobody_is_told_again_at_night_of_what_does_not_wake_them() {
    let mut stage = Stage { hours: quiet_except("00:10", Some(Severity::Critical)), ..Stage::default() };
    stage.happens(&opened(1), at(0));
    stage.passes(at(300));
    // It is muted, and looked after at night all the same.
    let critical = IncidentEvent { severity: Severity::Critical, ..opened(2) };
    stage.muted.insert(critical.incident.clone());
    stage.happens(&critical, at(310));
    stage.passes(at(7_199));
    assert_eq!(whys(&stage), [(30, Why::Changed)]);
    stage.passes(at(7_240));
    assert!(matches!(whys(&stage)[1..], [(7_200..=7_240, Why::Escalated(1)), ..]), "{:?}", whys(&stage));
}
