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
