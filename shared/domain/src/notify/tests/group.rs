use super::*;
use crate::ids::AccountId;
use crate::notify::{Counts, Covered, Hours, Why};

fn told_at(stage: &Stage) -> Vec<(i64, Counts)> {
    stage.digests.iter().map(|digest| (digest.at.as_second(), digest.counts)).collect()
}

fn counts(opened: u32, resolved: u32, open: u32) -> Counts {
    Counts { opened, resolved, open, ..Counts::default() }
}

fn opened(server: u8) -> IncidentEvent {
    event(server, Happened::Opened, 1, 0)
}

fn resolved(server: u8, second: i64) -> IncidentEvent {
    event(server, Happened::Resolved, 9, second)
}

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
    stage.passes(at(439));
    let flaps = IncidentEvent { severity: Severity::Critical, ..event(2, Happened::Reopened, 10, 520) };
    stage.happens(&resolved(2, 500), at(500));
    stage.happens(&flaps, at(520));
    assert!(stage.due() > Some(at(600)), "what comes back is not new");
    assert_eq!(told_at(&stage), [(0, counts(1, 0, 1)), (100, counts(1, 0, 2)), (400, counts(1, 0, 3))]);
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
fn what_nobody_acknowledges_goes_to_the_next_and_is_told_again_until_somebody_does() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.passes(at(930));
    let step = &stage.digests[1];
    assert_eq!((step.why, step.at, step.counts), (Why::Escalated(1), at(930), counts(0, 0, 1)));
    let last = &stage.group.as_ref().unwrap().episode.as_ref().unwrap().last;
    assert_eq!(last.keys().map(ToString::to_string).collect::<Vec<_>>(), ["mail", "pager", "team"]);
    stage.passes(at(930 + 4 * 3600 + 300));
    assert_eq!(stage.digests[2].why, Why::Repeated);
    stage.acknowledged = usize::MAX;
    stage.passes(at(100_000));
    assert_eq!(stage.digests.len(), 4);
    assert_eq!((stage.digests[3].why, &stage.told[3]), (Why::Acknowledged, &vec!["team".to_owned()]));
}

#[test]
fn what_opens_after_the_rest_was_acknowledged_goes_to_the_next_by_itself() {
    for acknowledged_at in [100, 1000] {
        let mut stage = Stage::default();
        stage.happens(&opened(1), at(0));
        stage.passes(at(acknowledged_at));
        stage.is_acknowledged(1, at(acknowledged_at));
        stage.passes(at(1100));
        stage.happens(&opened(2), at(1100));
        stage.passes(at(1400));
        let told = stage.digests.iter().rfind(|digest| digest.counts.opened == 1).unwrap().at;
        stage.passes(told + Duration::from_mins(15) - Duration::from_secs(1));
        let before = stage.digests.len();
        stage.passes(told + Duration::from_mins(15));
        assert_eq!(stage.digests[before..].iter().map(|d| d.why).collect::<Vec<_>>(), [Why::Escalated(1)]);
        stage.is_acknowledged(2, told + Duration::from_mins(16));
        let before = stage.digests.len();
        stage.passes(at(100_000));
        let later: Vec<_> = stage.digests[before..].iter().map(|digest| digest.why).collect();
        assert_eq!(later, [Why::Acknowledged], "and then somebody sees to all of it");
    }
}

#[test]
fn what_is_muted_meanwhile_goes_to_nobody_else_before_the_mute_ends() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.passes(at(600));
    stage.muted.insert(opened(1).incident);
    stage.passes(at(5 * 3600));
    assert_eq!(stage.digests.len(), 1);
    stage.muted.clear();
    stage.passes(at(5 * 3600 + 600));
    assert_eq!((stage.digests.len(), stage.digests[1].why), (2, Why::Escalated(1)));
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

fn whys(stage: &Stage) -> Vec<(i64, Why)> {
    stage.digests.iter().map(|digest| (digest.at.as_second(), digest.why)).collect()
}

#[test]
fn that_somebody_sees_to_it_is_shown_where_a_message_can_be_changed_and_nowhere_else() {
    let mut stage = Stage::default();
    (1..=2).for_each(|n| stage.happens(&opened(n), at(0)));
    stage.passes(at(40));
    stage.is_acknowledged(1, at(50));
    stage.passes(at(60));
    stage.is_acknowledged(2, at(70));
    stage.passes(at(80));
    assert_eq!(whys(&stage), [(30, Why::Changed), (50, Why::Acknowledged), (70, Why::Acknowledged)]);
    let acks: Vec<_> =
        stage.digests.iter().map(|digest| digest.acks.as_ref().map(|acks| acks.count)).collect();
    assert_eq!(acks, [None, Some(1), Some(2)]);
    assert_eq!(stage.told, [vec!["mail", "team"], vec!["team"], vec!["team"]]);
}

#[test]
fn an_acknowledgement_brings_no_news_forward_and_puts_none_off() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.passes(at(40));
    stage.happens(&opened(2), at(45));
    stage.is_acknowledged(1, at(50));
    stage.passes(at(329));
    assert_eq!(told_at(&stage), [(30, counts(1, 0, 1)), (50, counts(0, 0, 1))]);
    stage.passes(at(331));
    assert_eq!(
        told_at(&stage)[2],
        (330, counts(1, 0, 2)),
        "its turn, as if nobody had acknowledged anything"
    );
    assert_eq!(stage.digests[2].acks.as_ref().map(|acks| acks.count), Some(1), "and still it is shown");
}

#[test]
fn what_is_critical_is_looked_at_as_soon_as_what_is_acknowledged_was() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.passes(at(40));
    stage.is_acknowledged(1, at(50));
    stage.look(at(50), Dies::Marking(0));
    stage.happens(&event(2, Happened::Escalated, 2, 55), at(55));
    (110..=111).for_each(|second| stage.look(at(second), Dies::Never));
    let last = stage.digests.last().unwrap();
    assert_eq!((last.at, last.counts.opened), (at(111), 1), "next after that of who died is gone on with");
}

#[test]
fn the_same_acknowledgement_is_shown_once_however_often_it_is_made() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.passes(at(40));
    for second in [50, 60, 70] {
        stage.is_acknowledged(1, at(second));
        stage.passes(at(second + 1));
    }
    assert_eq!(whys(&stage), [(30, Why::Changed), (50, Why::Acknowledged)]);
    stage.passes(at(3_000));
    assert_eq!(stage.digests.len(), 2, "nothing is escalated that somebody sees to");
}

#[test]
fn what_nobody_was_told_of_shows_no_acknowledgement() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.is_acknowledged(1, at(10));
    assert_eq!(stage.due(), Some(at(30)));
}

#[test]
fn what_came_and_went_at_night_is_told_in_the_morning_once() {
    let clock = |text: &str| text.to_owned().try_into().unwrap();
    let zone = jiff::tz::TimeZone::UTC;
    let hours = Hours::Quiet { from: clock("00:00"), to: clock("02:00"), zone, except: None };
    let mut stage = Stage { hours, ..Stage::default() };
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
    let clock = |text: &str| text.to_owned().try_into().unwrap();
    let zone = jiff::tz::TimeZone::UTC;
    let hours = Hours::Quiet { from: clock("00:01"), to: clock("02:00"), zone, except: None };
    let mut stage = Stage { hours, ..Stage::default() };
    stage.happens(&opened(1), at(0));
    stage.passes(at(40));
    stage.is_acknowledged(1, at(100));
    stage.passes(at(7_199));
    assert_eq!(whys(&stage), [(30, Why::Changed)]);
    stage.passes(at(7_200));
    assert_eq!(whys(&stage)[1..], [(7_200, Why::Acknowledged)]);
}
