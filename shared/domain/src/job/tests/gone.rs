//! Jobs that AWS shows no more.

use super::*;

#[test]
fn a_job_that_is_gone_before_its_end_was_seen_is_over_with_an_unknown_outcome() {
    let mut story = Story::new();
    story.take(2, &[look(2, seen("STARTED", &["LAUNCHED", "IN_PROGRESS"]))]);
    let row = story.take(900, &[Observation::Gone { at: at(900) }]);
    assert_eq!(
        (row.is_active(), row.outcome(), row.over_at()),
        (false, Some(Outcome::Unknown), Some(at(900)))
    );
    let row = story.take(2_000, &[look(1_700, seen(COMPLETED, &["LAUNCHED", "LAUNCHED"]))]);
    assert_eq!(
        (row.outcome(), row.over_at()),
        (Some(Outcome::Succeeded), Some(at(1_500))),
        "it was overlooked"
    );
}

#[test]
fn a_job_that_is_deleted_was_over_and_one_that_nobody_heard_of_is_no_news() {
    let mut story = Story::new();
    let row = story.take(5_000, &[Observation::Deleted { at: at(5_000) }]);
    assert_eq!(
        (row.is_active(), row.outcome()),
        (false, Some(Outcome::Unknown)),
        "nothing is to be looked at"
    );
    assert_eq!(story.told, []);
    let call = Call { at: at(0), name: "StartRecovery".to_owned(), by: Caller::default() };
    story.take(5_001, &[Observation::Started { call, drill: Some(true), plan: None }]);
    let told: Vec<_> = story.jobs().iter().map(|job| (job.happened, job.outcome)).collect();
    assert_eq!(told, [(JobHappened::Completed, Some(Outcome::Unknown))], "heard of late");
    let mut story = Story::new();
    story.take(2, &[look(2, seen("STARTED", &["LAUNCHED"]))]);
    story.take(1_510, &[Observation::Deleted { at: at(1_510) }]);
    let row = story.take(1_512, &[look(1_509, seen(COMPLETED, &["LAUNCHED"]))]);
    assert_eq!((row.outcome(), row.over_at()), (Some(Outcome::Succeeded), Some(at(1_500))), "overlooked");
}

#[test]
fn a_job_that_is_gone_is_judged_by_its_servers_when_all_of_them_were_done() {
    let gone = |counted: Counts| {
        let mut story = Story::new();
        story.take(2, &[look(2, seen("STARTED", &["LAUNCHED", "IN_PROGRESS"]))]);
        story.take(900, &[Observation::Deleted { at: at(900) }, Observation::Counted(counted)]).outcome()
    };
    assert_eq!(gone(Counts { done: 2, failed: 0, servers: 2 }), Some(Outcome::Succeeded));
    assert_eq!(gone(Counts { done: 2, failed: 1, servers: 2 }), Some(Outcome::Partial));
    assert_eq!(gone(Counts { done: 1, failed: 1, servers: 1 }), Some(Outcome::Unknown), "two take part");
    let mut story = Story::new();
    let heard = Observation::Counted(Counts { done: 1, failed: 0, servers: 1 });
    let row = story.take(900, &[Observation::Gone { at: at(900) }, heard]);
    assert_eq!(row.outcome(), Some(Outcome::Unknown), "nobody saw how many servers it had");
}

#[test]
fn the_end_of_a_job_is_settled_only_as_it_was_when_it_was_looked_at() {
    let mut story = Story::new();
    let row = story.take(1_505, &[look(1_505, seen(COMPLETED, &["LAUNCHED"]))]);
    let basis = row.basis();
    let result = Observation::Result { drill: true, launched: true, at: at(1_400) };
    let row = story.take(1_506, std::slice::from_ref(&result));
    assert_eq!(row.look_at, Some(at(1_565)), "and then it is settled");
    assert!(!story.take(1_507, &[Observation::Settled(basis)]).settled, "an exact time came between");
    let basis = story.row.as_ref().unwrap().basis();
    assert!(story.take(1_565, &[Observation::Settled(basis)]).settled);
    assert!(!story.take(1_700, &[result]).settled, "it may tell of another server");
}
