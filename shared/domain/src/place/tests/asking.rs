//! Who sweeps a place and when.

use jiff::SignedDuration;

use super::*;

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

/// At 100 somebody wishes for a sweep at 110, and at 109 somebody else comes too late to rely on it.
fn wished_for_twice() -> PlaceRow {
    let (wished, _) = seen(&[Observation::LookAgain { at: at(100) }], &context(100));
    assert_eq!((wishes(&wished), wished.relied_on_until()), ((Some(at(110)), None), Some(at(109))));
    assert_eq!(looks_again(&wished, at(108)), wished, "who comes in time relies on it");
    let twice = looks_again(&wished, at(109));
    assert_eq!(wishes(&twice), (Some(at(110)), Some(at(119))));
    twice
}

fn wishes(row: &PlaceRow) -> (Option<Timestamp>, Option<Timestamp>) {
    (row.look_at, row.look_then)
}

fn looks_again(row: &PlaceRow, now: Timestamp) -> PlaceRow {
    let context = Context::new("erp-prod", now);
    let change = decide(&place(), &[Observation::LookAgain { at: now }], Some(row), &context);
    change.map_or_else(|| row.clone(), |change| change.row)
}

#[test]
fn who_comes_too_late_to_rely_on_a_sweep_wishes_for_the_next_one_and_a_crowd_wishes_once() {
    let twice = wished_for_twice();
    assert_eq!((twice.wake_at(), twice.relied_on_until()), (Some(at(110)), Some(at(118))));
    for second in 109..=117 {
        assert_eq!(looks_again(&twice, at(second)), twice, "at {second}");
    }
    let late = looks_again(&twice, at(118));
    assert_eq!(wishes(&late), (Some(at(110)), Some(at(128))), "nobody served the first yet");
    let put_off = PlaceRow { look_at: Some(at(121)), ..twice };
    assert_eq!(put_off.relied_on_until(), Some(at(120)), "the last of the two is served last");
}

#[test]
fn the_second_wish_is_next_once_the_first_is_served() {
    let twice = wished_for_twice();
    let rung = woken(&twice, 110, HEARING).row;
    assert_eq!(wishes(&rung), (Some(at(119)), None));
    let begun = |row: &PlaceRow, now| {
        let asked = [Asked { at: at(now), scheduled: false }];
        wishes(&claim(&place(), Some(row), &asked, &context(now)).unwrap().row)
    };
    assert_eq!(begun(&rung, 110), (Some(at(119)), None), "the sweep at 110 is not what 119 was wished for");
    assert_eq!(begun(&twice, 109), (Some(at(110)), Some(at(119))), "that one begins too early for both");
    assert_eq!(begun(&twice, 110), (Some(at(119)), None), "before the timer rings");
    assert_eq!(begun(&twice, 119), (None, None), "it serves both");
    assert_eq!(
        wishes(&woken(&twice, 119, HEARING).row),
        (Some(at(239)), None),
        "and stays until it is begun"
    );
}

/// One wishes for the second sweep, another has the first begin as early as its clock may say, and then whoever's clock is behind
/// wishes too.
#[test]
fn no_clock_that_is_a_second_behind_brings_a_second_wish_forward_to_where_it_is_relied_on() {
    let tenths = |n: i64| SignedDuration::from_millis(100 * n);
    let wished = PlaceRow { look_at: Some(at(110)), ..PlaceRow::unknown(&place()) };
    for (wishing, ahead, behind, later) in (0..=10)
        .flat_map(|w| (0..=10).flat_map(move |a| (0..=10 - a).map(move |b| (w, a, b, 1 + (w + b) % 9))))
    {
        let told = at(109) + tenths(wishing);
        let twice = looks_again(&wished, told);
        let until = twice.relied_on_until().unwrap();
        // What the second instance's clock says when the first's says `told`, or as soon as it may serve the first wish.
        let rings = (told + tenths(ahead)).max(at(110));
        let rung = wake(&twice, &Context::new("erp-prod", rings), HEARING).unwrap().row;
        let third = rings - tenths(ahead + behind) + tenths(later);
        let pulled = looks_again(&rung, third).look_at.unwrap();
        assert!(pulled - tenths(ahead) >= until, "{wishing} {ahead} {behind} {later}: {pulled} {until}");
    }
}

#[test]
fn a_place_that_is_not_swept_any_more_has_no_second_wish() {
    let elsewhere = woken(&wished_for_twice(), 110, Waking { is_swept: false, ..HEARING }).row;
    let dismissed = woken(&wished_for_twice(), 110, Waking { is_active: false, ..HEARING }).row;
    for row in [elsewhere, dismissed] {
        assert_eq!((row.look_at, row.look_then), (None, None));
    }
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

#[test]
fn a_sweep_is_relied_on_by_who_wished_for_it_or_whose_wish_it_may_have_taken() {
    let asked = |scheduled| [Asked { at: at(100), scheduled }];
    let (row, _) = seen(&[Observation::Swept(counted(50, 0))], &context(50));
    assert!(is_relied_on(None, &asked(false)) && is_relied_on(Some(&row), &asked(false)));
    assert!(!is_relied_on(None, &asked(true)) && !is_relied_on(Some(&row), &asked(true)));
    let wished = PlaceRow { look_at: Some(at(90)), ..row };
    assert!(is_relied_on(Some(&wished), &asked(true)));
    let begun = claim(&place(), Some(&wished), &asked(true), &context(400)).unwrap().row;
    assert!(begun.look_at.is_none() && is_relied_on(Some(&begun), &asked(true)), "it is tried again");
    let (ended, _) = seen(&[Observation::Swept(counted(401, 0))], &context(402));
    assert!(!is_relied_on(Some(&ended), &asked(true)));
}
