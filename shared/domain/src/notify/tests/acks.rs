//! Acknowledged, escalated, and told in the morning.

use super::*;

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
fn each_message_says_who_sees_to_what_is_open_also_where_no_earlier_one_can_be_changed() {
    let mut stage = Stage { has_no_threads: true, ..Stage::default() };
    (1..=9).for_each(|n| stage.happens(&opened(n), at(0)));
    stage.passes(at(100));
    stage.is_acknowledged(usize::MAX, at(100));
    stage.passes(at(200));
    assert_eq!(stage.digests.len(), 1, "nobody is told for that alone");
    stage.happens(&resolved(1, 400), at(400));
    stage.passes(at(1_000));
    let told = &stage.digests[1];
    assert_eq!((told.counts.open, told.acks.as_ref().map(|acks| acks.count)), (8, Some(8)));
    // In the group of who is told only now, for it became worse.
    let mut other = Stage { has_no_threads: true, acknowledged: 1, ..Stage::default() };
    other.happens(&event(1, Happened::Escalated, 2, 500), at(500));
    other.passes(at(600));
    assert_eq!(other.digests[0].acks.as_ref().map(|acks| acks.count), Some(1));
}

#[test]
fn whoever_is_told_next_reads_first_of_what_waits_and_since_when_that_does() {
    let mut stage = Stage::default();
    stage.happens(&opened(1), at(0));
    stage.passes(at(100));
    stage.is_acknowledged(1, at(100));
    stage.passes(at(90_000));
    stage.happens(&opened(2), at(90_000));
    stage.passes(at(90_930));
    let step = stage.digests.last().unwrap();
    let named: Vec<_> = step.first.iter().map(|event| event.incident.clone()).collect();
    assert_eq!((step.why, named), (Why::Escalated(1), vec![opened(2).incident, opened(1).incident]));
    assert_eq!((step.since, step.waits_since), (at(0), Some(at(90_030))));
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
