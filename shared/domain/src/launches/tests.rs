use super::*;
use crate::event::Caller;
use crate::job::{self, COMPLETED, Call, Observation, ServerObservation};
use crate::policy::Limits;
use crate::seen::{JobSeen, JobServerSeen};

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn server() -> SourceServerId {
    "s-12345678901234567".parse().unwrap()
}

fn job_id(n: usize) -> JobId {
    format!("drsjob-{n:017}").parse().unwrap()
}

/// A job that `DescribeJobs` showed to be over at second 1500, and what it did with its server by then; and what was
/// heard of both by events.
fn ended(
    by: &str,
    launch_status: &str,
    heard: &[Observation],
    results: &[ServerObservation],
) -> (JobRow, JobServerRow) {
    let (id, limits) = (job_id(1), Limits::default());
    let of_server = JobServerSeen {
        server: server(),
        launch_status: Some(launch_status.to_owned()),
        recovery_instance: None,
    };
    let seen = JobSeen {
        initiated_by: Some(by.to_owned()),
        created: Some(at(0)),
        ended: Some(at(1_500)),
        servers: vec![of_server.clone()],
        ..JobSeen::new(id.clone(), COMPLETED)
    };
    let mut observations = vec![Observation::Seen { seen: Box::new(seen), at: at(1_505) }];
    observations.extend_from_slice(heard);
    let context = job::Context::new("erp-prod", &limits, at(1_505));
    let job = job::decide((&place(), &id), &observations, None, &context).unwrap().row;
    let mut of_servers = vec![ServerObservation::Seen { seen: of_server, at: at(1_500) }];
    of_servers.extend_from_slice(results);
    let row = job::decide_server((&place(), &id, &server()), &of_servers, None).unwrap().row;
    (job, row)
}

fn ending(
    by: &str,
    launch_status: &str,
    heard: &[Observation],
    results: &[ServerObservation],
) -> Option<Ending> {
    let (job, row) = ended(by, launch_status, heard, results);
    Ending::of(&job, &row)
}

/// The row after the endings, in that order.
fn told(endings: &[Option<Ending>]) -> LaunchesRow {
    let endings = endings.iter().flatten();
    let row = endings.fold(None, |row: Option<LaunchesRow>, ending| {
        decide((&place(), &server()), ending, row.as_ref()).map(|change| change.row).or(row)
    });
    row.unwrap()
}

fn result(second: i64) -> ServerObservation {
    ServerObservation::Result { launched: true, at: at(second) }
}

fn started(principal: &str) -> Observation {
    let by = Caller { principal: Some(principal.to_owned()), ..Caller::default() };
    let call = Call { at: at(0), name: "StartRecovery".to_owned(), by };
    Observation::Started { call, drill: Some(true), plan: None }
}

#[test]
fn a_late_event_makes_the_time_exact_and_a_late_record_of_the_call_adds_who() {
    let looked = ending("START_DRILL", "LAUNCHED", &[], &[]);
    let exact = ending("START_DRILL", "LAUNCHED", &[], &[result(1_392)]);
    let whole = ending("START_DRILL", "LAUNCHED", &[started("erin")], &[result(1_392)]);
    let seconds = |row: &LaunchesRow| {
        let launch = row.drill.as_ref().unwrap();
        (launch.took.unwrap().0.as_secs(), launch.exact, launch.by.clone())
    };
    let row = told(std::slice::from_ref(&looked));
    assert_eq!(seconds(&row), (1_500, false, None), "to the end of the job at most");
    assert_eq!(seconds(&told(&[looked.clone(), exact.clone()])), (1_392, true, None));
    let all = (1_392, true, Some("erin".to_owned()));
    assert_eq!(seconds(&told(&[looked.clone(), exact.clone(), whole.clone()])), all);
    assert_eq!(seconds(&told(&[whole, exact, looked])), all, "who knew less takes nothing away");
}

#[test]
fn the_newest_drill_and_the_newest_recovery_count_whichever_is_told_first() {
    let launch = |n: usize, second| Launch {
        at: at(second),
        job: job_id(n),
        by: None,
        took: None,
        exact: false,
        objective: None,
    };
    let all = [
        Some(Ending::Drilled(launch(1, 0))),
        Some(Ending::Recovered(launch(2, 100))),
        Some(Ending::Drilled(launch(3, 200))),
        Some(Ending::Failed(launch(4, 300))),
    ];
    let row = told(&all);
    let job = |launch: &Option<Launch>| launch.as_ref().map(|launch| launch.job.clone());
    assert_eq!(
        (job(&row.drill), job(&row.recovery), job(&row.failed)),
        (Some(job_id(3)), Some(job_id(2)), Some(job_id(4)))
    );
    assert_eq!(row.last_success().map(|launch| &launch.job), Some(&job_id(3)), "the later one failed");
    let reversed: Vec<_> = all.iter().rev().cloned().collect();
    assert_eq!(told(&reversed), row);
    assert_eq!(decide((&place(), &server()), all[0].as_ref().unwrap(), Some(&row)), None, "an older drill");
}

#[test]
fn of_one_job_what_tells_more_counts_also_when_its_beginning_turns_out_to_be_earlier() {
    let launch = |second, exact| Launch {
        at: at(second),
        job: job_id(1),
        by: None,
        took: None,
        exact,
        objective: None,
    };
    // The call is dated a second later than the job that it created.
    let row = told(&[Some(Ending::Drilled(launch(1, false))), Some(Ending::Drilled(launch(0, true)))]);
    assert_eq!(row.drill, Some(launch(0, true)));
}

#[test]
fn only_what_drills_and_recoveries_did_is_history() {
    let of = |by, status| ending(by, status, &[], &[]);
    assert!(matches!(of("START_DRILL", "LAUNCHED"), Some(Ending::Drilled(_))));
    assert!(matches!(of("START_RECOVERY", "LAUNCHED"), Some(Ending::Recovered(_))));
    assert!(
        matches!(of("START_RECOVERY", "TERMINATED"), Some(Ending::Recovered(_))),
        "its instance ended since"
    );
    let failed = [ServerObservation::Result { launched: false, at: at(900) }];
    let Some(Ending::Failed(failure)) = ending("START_DRILL", "FAILED", &[], &failed) else {
        panic!("it failed");
    };
    assert_eq!((failure.took, failure.exact), (None, false), "what was never launched took no time");
    for (by, status) in [
        ("START_DRILL", "PENDING"),
        ("TERMINATE_RECOVERY_INSTANCES", "TERMINATED"),
        ("FAILBACK", "LAUNCHED"),
        ("DIAGNOSTIC", "LAUNCHED"),
    ] {
        assert_eq!(of(by, status), None, "{by} {status}");
    }
}

#[test]
fn a_server_without_launches_in_three_years_is_forgotten() {
    let row = told(&[ending("START_DRILL", "LAUNCHED", &[], &[])]);
    assert_eq!(row.expires_at(), Some(at(3 * 365 * 86_400)));
}
