use super::*;
use crate::ids::AccountId;
use crate::notify::Covered;
use crate::notify::Hours;
use crate::notify::group::renewed;

#[test]
fn what_comes_within_the_wait_is_one_bulletin_and_the_end_is_another() {
    let mut stage = Stage::default();
    (1..=3).for_each(|n| stage.happens(&opened(n), at(n.into())));
    stage.passes(at(100));
    (1..=3).for_each(|n| stage.happens(&resolved(n, 120), at(120)));
    stage.passes(at(10_000));
    // The first waits for others for half a minute, what follows for its turn.
    assert_eq!(told_at(&stage), [(31, counts(3, 0, 3)), (331, counts(0, 3, 0))]);
    assert_eq!(stage.due(), None, "it sleeps");
    assert_eq!(stage.group.unwrap().episode, None);
}

#[test]
fn something_critical_is_told_at_once_and_what_comes_with_it_after_the_wait() {
    let mut stage = Stage::default();
    let critical = |n| event(n, Happened::Escalated, 2, 0);
    stage.happens(&critical(1), at(0));
    stage.look(at(0), Dies::Never);
    (2..=9).for_each(|n| stage.happens(&critical(n), at(2)));
    stage.passes(at(329));
    assert_eq!(told_at(&stage), [(0, counts(1, 0, 1)), (30, counts(8, 0, 9))]);
}

#[test]
fn another_that_opens_critical_is_told_at_once_unless_people_were_told_within_a_minute() {
    let critical = |n| IncidentEvent { severity: Severity::Critical, ..opened(n) };
    let mut stage = Stage::default();
    stage.happens(&critical(1), at(0));
    stage.passes(at(100));
    stage.happens(&critical(2), at(100));
    stage.passes(at(139));
    stage.happens(&critical(3), at(140));
    stage.passes(at(165));
    let flaps = IncidentEvent { severity: Severity::Critical, ..event(2, Happened::Reopened, 10, 180) };
    stage.happens(&resolved(2, 170), at(170));
    stage.happens(&flaps, at(180));
    assert_eq!(stage.due(), Some(at(460)), "what comes back is not new");
    assert_eq!(told_at(&stage), [(0, counts(1, 0, 1)), (100, counts(1, 0, 2)), (160, counts(1, 0, 3))]);
}

#[test]
fn another_that_opens_critical_in_a_storm_waits_for_its_turn() {
    let critical = |n| IncidentEvent { severity: Severity::Critical, ..opened(n) };
    let mut stage = Stage::default();
    (1..=20).for_each(|n| stage.happens(&critical(n), at(0)));
    stage.passes(at(30));
    stage.happens(&critical(21), at(40));
    assert_eq!(stage.due(), Some(at(300)));
}

#[test]
fn a_storm_of_critical_ones_that_rolls_on_is_told_twice_in_an_interval_at_most() {
    let mut stage = Stage::default();
    for n in 1..=120 {
        let now = at(i64::from(n) * 5);
        stage.happens(&IncidentEvent { severity: Severity::Critical, ..opened(n) }, now);
        stage.passes(now);
    }
    let told: Vec<i64> = told_at(&stage).into_iter().map(|(second, _)| second - 5).collect();
    assert_eq!(told, [0, 30, 90, 120, 420, 450], "as soon as there are few, and then at its turn");
}

#[test]
fn another_critical_one_that_joins_while_one_is_told_waits_a_minute_at_most() {
    let critical = |n| IncidentEvent { severity: Severity::Critical, ..opened(n) };
    let mut stage = Stage::default();
    stage.happens(&critical(1), at(0));
    stage.passes(at(10));
    stage.happens(&critical(2), at(20));
    let row = begin(stage.group.as_ref().unwrap(), stage.due().unwrap()).unwrap().row;
    let until = row.round.as_ref().unwrap().until;
    let found = stage.find(&row, at(60), Dies::Never).unwrap();
    stage.group = Some(row);
    stage.happens(&critical(3), at(61));
    stage.group = Some(ended(stage.group.as_ref().unwrap(), until, found, &plan(), at(62)).unwrap().row);
    stage.hand_over();
    assert!(stage.due() <= Some(at(122)), "{:?}", stage.due());
    stage.passes(at(200));
    assert_eq!(stage.digests.last().unwrap().counts, counts(1, 0, 3));
}

#[test]
fn something_critical_that_was_held_back_is_told_soon_after_however_long_the_interval() {
    for (count, patience) in [(1, 60), (11, 300)] {
        let mut stage = Stage { interval: Some(Duration::from_hours(1)), ..Stage::default() };
        for n in 1..=count {
            let event = IncidentEvent { severity: Severity::Critical, ..opened(n) };
            stage.muted.insert(event.incident.clone());
            stage.happens(&event, at(0));
        }
        stage.passes(at(1_000));
        stage.muted.clear();
        stage.passes(at(1_000 + patience));
        assert_eq!(told_at(&stage).len(), 1, "{count}");
    }
}

#[test]
fn what_becomes_critical_does_not_wait_for_its_turn() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.passes(at(40));
    stage.happens(&event(1, Happened::Escalated, 2, 50), at(50));
    assert_eq!(stage.due(), Some(at(50)));
    stage.passes(at(60));
    assert_eq!(stage.digests[1].counts, Counts { worse: 1, open: 1, ..Counts::default() });
}

#[test]
fn nobody_is_told_of_what_was_over_before_it_was_told() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.happens(&resolved(1, 10), at(10));
    stage.happens(&resolved(2, 10), at(10));
    stage.passes(at(10_000));
    assert_eq!((stage.digests.len(), stage.due()), (0, None));
}

#[test]
fn what_is_muted_is_told_when_the_mute_ends_and_lasts() {
    let mut stage = Stage::default();
    stage.muted.insert(opened(1).incident);
    stage.happens(&opened(1), at(0));
    stage.passes(at(1000));
    assert_eq!(stage.digests.len(), 0);
    stage.muted.clear();
    stage.passes(at(1500));
    assert_eq!(stage.digests[0].counts, counts(1, 0, 1));
}

#[test]
fn what_people_know_of_is_told_to_be_over_though_it_is_muted_meanwhile() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.passes(at(40));
    stage.muted.insert(opened(1).incident);
    stage.happens(&resolved(1, 400), at(400));
    stage.passes(at(1000));
    assert_eq!(stage.digests[1].counts, counts(0, 1, 0));
}

#[test]
fn an_end_that_was_marked_before_its_writer_died_is_not_told_when_it_is_open_and_muted_again() {
    let mut stage = Stage::default();
    (1..=3).for_each(|n| stage.happens(&opened(n), at(0)));
    stage.passes(at(40));
    stage.happens(&resolved(2, 41), at(41));
    stage.look(stage.due().unwrap(), Dies::Marking(2));
    stage.muted.insert(opened(2).incident);
    stage.happens(&event(2, Happened::Reopened, 10, 333), at(333));
    stage.passes(at(700));
    assert_eq!(stage.digests.len(), 1, "people know that it is open");
}

#[test]
fn a_group_that_flaps_for_an_hour_is_told_thirteen_times_at_most() {
    for severity in [Severity::High, Severity::Critical] {
        let mut stage = Stage::default();
        for n in 0..360_u32 {
            let happened = if n % 2 == 0 { Happened::Reopened } else { Happened::Resolved };
            let now = i64::from(n) * 10;
            stage.passes(at(now));
            let flips = |server| IncidentEvent { severity, ..event(server, happened, n + 1, now) };
            (1..=100).for_each(|server| stage.happens(&flips(server), at(now)));
        }
        stage.passes(at(3600));
        assert!((2..=13).contains(&stage.digests.len()), "{}", stage.digests.len());
    }
}

#[test]
fn a_digest_names_the_first_counts_the_rest_and_says_what_they_are_about() {
    let mut stage = Stage::default();
    (1..=50).for_each(|n| stage.happens(&opened(n), at(0)));
    stage.happens(&event(42, Happened::Escalated, 2, 1), at(1));
    stage.passes(at(60));
    let digest = &stage.digests[0];
    assert_eq!((digest.counts.open, digest.first.len()), (50, 20));
    assert_eq!(digest.first[0].subject, format!("s-{:017}", 42), "the worst first");
    let accounts = digest.unnamed.accounts.iter().map(AccountId::as_str).collect::<Vec<_>>();
    assert_eq!(accounts, ["111122223333"]);
    let named = digest.covered();
    assert_eq!(Covered { severities: [Severity::High].into(), ..named.clone() }, digest.unnamed);
    assert_eq!(named.severities, [Severity::High, Severity::Critical].into());
}

/// What joins while a look that has nothing to tell is under way, and when the group is looked at after that.
fn next_after(joins: &IncidentEvent, hours: Hours) -> GroupRow {
    let mut stage = Stage { hours, ..Stage::default() };
    stage.happens(&opened(1), at(0));
    stage.passes(at(40));
    let row = begin(stage.group.as_ref().unwrap(), at(330)).unwrap().row;
    let until = row.round.as_ref().unwrap().until;
    let found = stage.find(&row, at(330), Dies::Never).unwrap();
    stage.group = Some(row);
    stage.happens(joins, at(331));
    let row = stage.group.unwrap();
    ended(&row, until, found, &plan(), at(332)).unwrap().row
}

#[test]
fn a_beginning_that_comes_to_its_group_after_the_end_is_told_to_nobody() {
    let mut stage = Stage::default();
    stage.happens(&resolved(1, 10), at(10));
    assert_eq!(stage.due(), None, "nobody knew of it");
    stage.happens(&opened(1), at(11));
    stage.passes(at(1_000));
    assert_eq!(told_at(&stage), []);
}

#[test]
fn what_joins_while_a_look_finds_nothing_new_waits_no_longer_for_that() {
    let joins = |severity| IncidentEvent { severity, ..opened(2) };
    let row = next_after(&joins(Severity::High), Hours::Any);
    assert_eq!((row.look_at, row.urgent), (Some(at(361)), false));
    let row = next_after(&joins(Severity::Critical), Hours::Any);
    assert!(row.is_urgent(at(332)), "{row:?}");
}

#[test]
fn a_look_goes_on_also_where_the_answer_to_that_was_lost_and_not_where_another_has_taken_it_over() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    let begun = begin(stage.group.as_ref().unwrap(), at(31)).unwrap().row;
    let until = |row: &GroupRow| row.round.as_ref().unwrap().until;
    let later = renewed(&begun, until(&begun), at(70)).unwrap().row;
    assert_eq!(until(&later), at(130));
    assert_eq!(renewed(&later, until(&begun), at(70)).unwrap().row, later, "its own renewal");
    let taken = begin(&later, at(131)).unwrap().row;
    assert_eq!(renewed(&taken, until(&later), at(132)), None);
}
