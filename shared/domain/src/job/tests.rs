mod gone;
mod networks;
mod servers;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::ids::{JobId, SourceServerId};
use crate::incident::IncidentKind;
use crate::keys::Place;
use crate::own_event::{Happened, JobEvent, JobHappened, OwnEvent};
use crate::policy::Limits;
use crate::row::Change;
use crate::seen::{JobLogSeen, JobSeen};

const JOB: &str = "drsjob-04ca7d0d3fb6afa3e";

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn server(n: usize) -> SourceServerId {
    format!("s-{n:017}").parse().unwrap()
}

/// The job as `DescribeJobs` shows it at `second`, with the launch statuses of its servers.
fn seen(status: &str, servers: &[&str]) -> JobSeen {
    let servers = servers.iter().enumerate().map(|(n, status)| JobServerSeen {
        server: server(n),
        launch_status: Some((*status).to_owned()),
        recovery_instance: None,
    });
    JobSeen {
        kind: "LAUNCH".to_owned(),
        initiated_by: Some("START_DRILL".to_owned()),
        created: Some(at(0)),
        ended: (status == COMPLETED).then(|| at(1_500)),
        servers: servers.collect(),
        ..JobSeen::new(JOB.parse().unwrap(), status)
    }
}

fn look(second: i64, seen: JobSeen) -> Observation {
    Observation::Seen { seen: Box::new(seen), at: at(second) }
}

struct Story {
    row: Option<JobRow>,
    told: Vec<OwnEvent>,
    servers: Vec<JobServerRow>,
    limits: Limits,
}

impl Story {
    fn new() -> Self {
        Self { row: None, told: Vec::new(), servers: Vec::new(), limits: Limits::default() }
    }

    /// Decides at `second`, right after AWS was asked.
    fn take(&mut self, second: i64, observations: &[Observation]) -> &JobRow {
        let context = Context {
            looked: true,
            servers: &self.servers,
            ..Context::new("erp-prod", &self.limits, at(second))
        };
        let id: JobId = JOB.parse().unwrap();
        if let Some(Change { row, tell }) = decide((&place(), &id), observations, self.row.as_ref(), &context)
        {
            self.row = Some(row);
            self.told.extend(tell);
        }
        self.row.as_ref().unwrap()
    }

    fn incidents(&self) -> Vec<(IncidentKind, Happened)> {
        self.told.iter().filter_map(OwnEvent::incident).map(|e| (e.kind, e.happened)).collect()
    }

    fn jobs(&self) -> Vec<&JobEvent> {
        let told = self.told.iter().filter_map(|event| match event {
            OwnEvent::Job(job) => Some(job.as_ref()),
            _ => None,
        });
        told.collect()
    }
}

#[test]
fn a_drill_is_told_when_it_starts_and_when_it_is_over_with_what_came_of_it() {
    let mut story = Story::new();
    story.take(2, &[look(2, seen("PENDING", &["PENDING", "PENDING"]))]);
    story.take(900, &[look(900, seen("STARTED", &["LAUNCHED", "IN_PROGRESS"]))]);
    story.take(1_400, &[look(1_400, seen("STARTED", &["LAUNCHED", "LAUNCHED"]))]);
    story.take(1_505, &[look(1_505, seen(COMPLETED, &["LAUNCHED", "LAUNCHED"]))]);
    story.take(1_517, &[look(1_517, seen(COMPLETED, &["LAUNCHED", "LAUNCHED"]))]);
    let told: Vec<_> = story.jobs().iter().map(|job| job.happened).collect();
    assert_eq!(told, [JobHappened::Started, JobHappened::Completed]);
    let end = story.jobs()[1];
    assert_eq!((end.outcome, end.servers, end.succeeded, end.failed), (Some(Outcome::Succeeded), 2, 2, 0));
    assert_eq!((end.recovery_seconds, end.ended_at), (Some(1_400), Some(at(1_500))));
    assert_eq!(story.incidents(), []);
}

#[test]
fn the_recovery_time_is_to_the_second_where_an_event_told_the_last_launch() {
    let mut story = Story::new();
    let result = |second| Observation::Result { drill: true, launched: true, at: at(second) };
    story.take(1_400, &[look(1_400, seen("STARTED", &["LAUNCHED"])), result(1_392)]);
    let row = story.take(1_505, &[look(1_505, seen(COMPLETED, &["LAUNCHED"]))]);
    assert_eq!(row.recovery_time(), Some(Duration::from_secs(1_392)));
    let mut story = Story::new();
    story.take(1_400, &[look(1_400, seen("STARTED", &["LAUNCHED", "LAUNCHED"])), result(700)]);
    let row = story.take(1_505, &[look(1_505, seen(COMPLETED, &["LAUNCHED", "LAUNCHED"]))]);
    assert_eq!(row.recovery_time(), Some(Duration::from_secs(1_400)), "the event of the last one was lost");
}

#[test]
fn a_job_that_ended_before_anybody_looked_took_no_longer_than_to_its_end() {
    let mut story = Story::new();
    let row = story.take(9_000, &[look(9_000, seen(COMPLETED, &["LAUNCHED"]))]);
    assert_eq!(row.recovery_time(), Some(Duration::from_mins(25)));
    assert_eq!(story.jobs().len(), 1, "its start is no news");
}

#[test]
fn servers_that_failed_are_an_incident_with_their_reasons_until_they_were_launched() {
    let mut story = Story::new();
    story.take(2, &[look(2, seen("STARTED", &["LAUNCHED", "FAILED"]))]);
    assert_eq!(story.incidents(), [], "it is not over");
    let named = "crm-1 (the instance could not be launched (LAUNCH_FAILED))".to_owned();
    let failing = |second, servers, named: &str| {
        Observation::Failing(Failures { at: at(second), servers, named: named.to_owned() })
    };
    let row = story
        .take(1_505, &[failing(1_505, 1, &named), look(1_505, seen(COMPLETED, &["LAUNCHED", "FAILED"]))]);
    assert_eq!(row.outcome(), Some(Outcome::Partial));
    assert_eq!(row.incidents[&IncidentKind::JobFailed].reason, format!("1 of 2 servers failed: {named}"));
    let settled = Observation::Settled(row.basis());
    let row = story.take(1_510, std::slice::from_ref(&settled));
    assert_eq!(row.look_at, Some(at(1_565)), "the first reason to look stays");
    let row = story.take(1_570, &[failing(1_570, 1, &named), settled]);
    assert_eq!(row.look_at, Some(at(1_570 + 300)));
    let row = story.take(4_000, &[failing(4_000, 0, "")]);
    assert_eq!(row.look_at, None);
    let expected = [Happened::Opened, Happened::Resolved].map(|happened| (IncidentKind::JobFailed, happened));
    assert_eq!(story.incidents(), expected);
}

/// While another job of the place is active, all are looked at every few seconds.
#[test]
fn the_history_of_a_job_that_failed_is_written_a_minute_after_its_end_however_often_it_is_looked_at() {
    let mut story = Story::new();
    let mut looked = |second| {
        let failures = Failures { at: at(second), servers: 1, named: "crm-1".to_owned() };
        let seen = look(second, seen(COMPLETED, &["FAILED"]));
        story.take(second, &[seen, Observation::Failing(failures)]).look_at
    };
    for second in [1_505, 1_517, 1_529] {
        assert_eq!(looked(second), Some(at(1_565)), "at {second}");
    }
}

#[test]
fn a_failure_that_nobody_makes_up_for_ends_in_the_end() {
    let mut story = Story::new();
    story.take(1_505, &[look(1_505, seen(COMPLETED, &["FAILED"]))]);
    assert_eq!(story.row.as_ref().unwrap().outcome(), Some(Outcome::Failed));
    story.take(1_500 + 7 * 86_400, &[]);
    assert_eq!(story.incidents().last(), Some(&(IncidentKind::JobFailed, Happened::Resolved)));
}

#[test]
fn a_job_of_which_nothing_moves_is_stuck_until_something_does() {
    let mut story = Story::new();
    let step = |second, event: &str| Observation::Logged(Step { at: at(second), event: event.to_owned() });
    let running = || look(1, seen("STARTED", &["IN_PROGRESS"]));
    story.take(600, &[running(), step(600, "CONVERSION_START")]);
    story.take(600 + 1_799, &[running()]);
    assert_eq!(story.incidents(), []);
    let row = story.take(600 + 1_800, &[running()]);
    let reason = &row.incidents[&IncidentKind::JobStuck].reason;
    assert!(
        reason.starts_with("nothing of it has moved for 30m; the last step in its log is CONVERSION_START"),
        "{reason}"
    );
    assert_eq!(story.jobs().last().unwrap().happened, JobHappened::Stuck);
    story.take(2_700, &[running(), step(2_690, "CONVERSION_END")]);
    assert_eq!(story.incidents().last(), Some(&(IncidentKind::JobStuck, Happened::Resolved)));
}

#[test]
fn who_did_not_ask_aws_does_not_call_a_job_stuck() {
    let id: JobId = JOB.parse().unwrap();
    let limits = Limits::default();
    let context = Context::new("erp-prod", &limits, at(9_000));
    let running = [look(1, seen("STARTED", &["IN_PROGRESS"]))];
    let change = decide((&place(), &id), &running, None, &context).unwrap();
    assert!(change.row.incidents.is_empty(), "{change:?}");
}

#[test]
fn a_drill_that_still_runs_a_day_later_is_told_and_a_recovery_is_not() {
    let running = |second, instances| Observation::Running(Running { at: at(second), instances });
    let day = 86_400;
    for (by, expected) in [("START_DRILL", 1), ("START_RECOVERY", 0)] {
        let mut story = Story::new();
        let ended = JobSeen { initiated_by: Some(by.to_owned()), ..seen(COMPLETED, &["LAUNCHED"]) };
        story.take(1_505, &[look(1_505, ended), running(1_510, 1)]);
        story.take(1_499 + day, &[running(1_499 + day, 1)]);
        assert_eq!(story.incidents(), [], "{by}");
        story.take(1_600 + day, &[running(1_600 + day, 1)]);
        assert_eq!(story.incidents().len(), expected, "{by}");
        story.take(1_900 + day, &[running(1_900 + day, 0)]);
        assert_eq!(story.incidents().len(), 2 * expected, "{by}");
    }
}

#[test]
fn jobs_are_told_apart_by_who_began_them_whatever_is_known_first() {
    for (by, kind, purpose) in [
        ("START_DRILL", "LAUNCH", Purpose::Drill),
        ("START_RECOVERY", "LAUNCH", Purpose::Recovery),
        ("FAILBACK", "LAUNCH", Purpose::Failback),
        ("TERMINATE_RECOVERY_INSTANCES", "TERMINATE", Purpose::Terminate),
        ("TARGET_ACCOUNT", "CREATE_CONVERTED_SNAPSHOT", Purpose::ConvertedSnapshot),
        ("CREATE_NETWORK_RECOVERY", "LAUNCH", Purpose::Network),
        ("DIAGNOSTIC", "LAUNCH", Purpose::Diagnostic),
        ("ADDED_LATER", "LAUNCH", Purpose::Other),
    ] {
        let job =
            JobSeen { initiated_by: Some(by.into()), kind: kind.into(), ..seen("STARTED", &["PENDING"]) };
        assert_eq!(Story::new().take(1, &[look(1, job)]).purpose(), purpose, "{by}");
    }
    let call = |name: &str| Call { at: at(0), name: name.to_owned(), by: Caller::default() };
    let started =
        |name, drill| Observation::Started { call: call(name), drill, plan: Some("wave-1".to_owned()) };
    let mut story = Story::new();
    let row = story.take(1, &[started("StartRecovery", Some(true))]);
    assert_eq!((row.purpose(), row.plan.as_deref()), (Purpose::Drill, Some("wave-1")));
    assert_eq!(story.jobs().len(), 1, "its start is told at once");
    assert_eq!(
        Story::new().take(1, &[started("TerminateRecoveryInstances", None)]).purpose(),
        Purpose::Terminate
    );
}
