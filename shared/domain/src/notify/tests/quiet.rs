//! At night nobody is told, and in the morning what came and went.

use super::*;
use crate::notify::Hours;

/// The hours of somebody who is told nothing from then until two o'clock.
fn quiet_from(from: &str) -> Hours {
    let clock = |text: &str| text.to_owned().try_into().unwrap();
    Hours::Quiet { from: clock(from), to: clock("02:00"), zone: jiff::tz::TimeZone::UTC, except: None }
}

#[test]
fn what_came_and_went_at_night_is_told_in_the_morning_once() {
    let mut stage = Stage { hours: quiet_from("00:00"), ..Stage::default() };
    stage.happens(&opened(1), at(0));
    stage.happens(&opened(2), at(0));
    stage.happens(&resolved(2, 600), at(600));
    stage.passes(at(7_300));
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
