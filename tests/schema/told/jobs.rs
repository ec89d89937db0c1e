//! What is told of jobs and of recovery instances.

use std::time::Duration;

use drs_fleet_domain::event::Caller;
use drs_fleet_domain::ids::{JobId, RecoveryInstanceId, SourceServerId};
use drs_fleet_domain::job::{self, Call, JobRow, JobServerRow, Running, ServerObservation, Step};
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::policy::{Limits, PLAN_TAG};
use drs_fleet_domain::recovery::{self, RecoveryRow, Resumption};
use drs_fleet_domain::seen::{JobLogSeen, JobSeen, JobServerSeen, RecoveryInstanceSeen, Size};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{SCHEMAS, problems, schema_of, validator};
use super::place;
use crate::samples;

const JOB: &str = "drsjob-04ca7d0d3fb6afa3e";
const INSTANCE: &str = "i-0a1b2c3d4e5f60718";
const SERVER: &str = "s-12345678901234567";

fn at(second: i64) -> Timestamp {
    Timestamp::new(1_800_000_000 + second, 482_000_000).unwrap()
}

/// Within a day and a half.
fn second() -> impl Strategy<Value = i64> {
    0_i64..130_000
}

fn text<const N: usize>(known: [&'static str; N]) -> impl Strategy<Value = String> {
    select(known.map(str::to_owned).to_vec())
}

fn seen() -> impl Strategy<Value = JobSeen> {
    let by =
        text(["START_DRILL", "START_RECOVERY", "FAILBACK", "TERMINATE_RECOVERY_INSTANCES", "ADDED_LATER"]);
    let status = text(["PENDING", "STARTED", "COMPLETED", "ADDED_LATER"]);
    let servers = prop::collection::vec(text(["PENDING", "LAUNCHED", "FAILED", "TERMINATED"]), 0..4);
    let plan = prop::option::of(any::<String>());
    (prop::option::of(by), status, servers, plan, second()).prop_map(|(by, status, servers, plan, ended)| {
        JobSeen {
            kind: "LAUNCH".to_owned(),
            initiated_by: by,
            created: Some(at(0)),
            ended: (status == "COMPLETED").then(|| at(ended)),
            servers: servers.into_iter().map(job_server).collect(),
            tags: plan.map(|plan| (PLAN_TAG.to_owned(), plan)).into_iter().collect(),
            ..JobSeen::new(JOB.parse().unwrap(), &status)
        }
    })
}

fn job_server(launch_status: String) -> JobServerSeen {
    let server = SERVER.parse().unwrap();
    JobServerSeen { server, launch_status: Some(launch_status), recovery_instance: None }
}

fn observation() -> impl Strategy<Value = job::Observation> {
    let call = text(["StartRecovery", "StartFailbackLaunch", "StartSourceNetworkRecovery"]);
    let by = prop::option::of(any::<String>());
    let drill = prop::option::of(any::<bool>());
    prop_oneof![
        (any::<bool>(), any::<bool>(), second()).prop_map(|(drill, launched, s)| job::Observation::Result {
            drill,
            launched,
            at: at(s)
        }),
        (call, by, drill, second()).prop_map(|(name, principal, drill, s)| {
            let by = Caller { principal, ..Caller::default() };
            job::Observation::Started { call: Call { at: at(s), name, by }, drill, plan: None }
        }),
        (seen(), second()).prop_map(|(seen, s)| job::Observation::Seen { seen: Box::new(seen), at: at(s) }),
        second().prop_map(|s| job::Observation::Logged(Step { at: at(s), event: "LAUNCH_START".to_owned() })),
        second().prop_map(|s| job::Observation::Gone { at: at(s) }),
        second().prop_map(|s| job::Observation::Deleted { at: at(s) }),
        (second(), 0_u32..3)
            .prop_map(|(s, instances)| job::Observation::Running(Running { at: at(s), instances })),
    ]
}

/// A server that failed with these words of AWS, and one that took its time.
fn servers(error: &str) -> Vec<JobServerRow> {
    let (job, id): (JobId, SourceServerId) = (JOB.parse().unwrap(), SERVER.parse().unwrap());
    let line = JobLogSeen {
        at: at(60),
        event: "LAUNCH_FAILED".to_owned(),
        server: None,
        error: Some(error.to_owned()),
    };
    let known = ServerObservation::Known { name: error.to_owned(), objective: Some(Duration::from_mins(1)) };
    let failed = [ServerObservation::Logged(line), ServerObservation::Result { launched: false, at: at(60) }];
    let launched = [known, ServerObservation::Result { launched: true, at: at(7_000) }];
    [failed, launched]
        .map(|observed| job::decide_server((&place(), &job, &id), &observed, None).unwrap().row)
        .into()
}

fn of_instance() -> impl Strategy<Value = recovery::Observation> {
    let states = [
        "FAILBACK_NOT_STARTED",
        "FAILBACK_IN_PROGRESS",
        "FAILBACK_COMPLETED",
        "FAILBACK_ERROR",
        "ADDED_LATER",
    ];
    let error = prop::option::of(any::<String>());
    prop_oneof![
        (text(states), second()).prop_map(|(state, s)| recovery::Observation::Failback { state, at: at(s) }),
        (prop::option::of(text(states)), error, second()).prop_map(|(failback, failback_error, s)| {
            let seen = RecoveryInstanceSeen {
                id: INSTANCE.parse().unwrap(),
                server: Some(SERVER.parse().unwrap()),
                job: Some(JOB.parse().unwrap()),
                drill: Some(true),
                state: Some("RUNNING".to_owned()),
                failback,
                failback_error,
                size: Size::default(),
            };
            recovery::Observation::Seen { seen: Box::new(seen), at: at(s) }
        }),
        second().prop_map(|s| recovery::Observation::Gone { at: at(s) }),
        (any::<String>(), any::<String>()).prop_map(|(name, plan)| recovery::Observation::Known {
            name: Some(name),
            plan: Some(plan),
            launched_at: None,
        }),
        second().prop_map(|s| {
            let state = "STALLED".to_owned();
            recovery::Observation::Resumption(Resumption { at: at(s), state, replicates: false })
        }),
    ]
}

/// What is wrong with the events, by the schemas of their subjects.
fn wrong_with(told: &[OwnEvent]) -> Vec<String> {
    let validators = SCHEMAS.map(|(name, _)| (name, validator(name)));
    let on_the_bus = told.iter().enumerate().map(|(n, event)| samples::on_the_bus(n, event));
    on_the_bus
        .flat_map(|event| {
            let (_, validator) = validators.iter().find(|(name, _)| *name == schema_of(&event)).unwrap();
            problems(validator, &event).into_iter().map(move |problem| format!("{problem} in {event}"))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_observed_of_a_job_is_told_in_events_that_keep_to_them(
        rounds in prop::collection::vec((second(), prop::collection::vec(observation(), 0..3)), 1..8),
        (name, error) in any::<(String, String)>(),
    ) {
        let (id, limits): (JobId, _) = (JOB.parse().unwrap(), Limits::default());
        let (servers, mut row, mut told) = (servers(&error), None::<JobRow>, Vec::new());
        for (now, observed) in rounds {
            let usual = Some(Duration::from_mins(29));
            let known = job::Context { usual, servers: &servers, looked: true, ..job::Context::new(&name, &limits, at(now)) };
            if let Some(change) = job::decide((&place(), &id), &observed, row.as_ref(), &known) {
                row = Some(change.row);
                told.extend(change.tell);
            }
        }
        prop_assert_eq!(wrong_with(&told), [""; 0]);
    }

    #[test]
    fn whatever_is_observed_of_an_instance_is_told_in_events_that_keep_to_them(
        rounds in prop::collection::vec((second(), prop::collection::vec(of_instance(), 1..4)), 1..8),
        name in any::<String>(),
    ) {
        let (id, limits): (RecoveryInstanceId, _) = (INSTANCE.parse().unwrap(), Limits::default());
        let (mut row, mut told) = (None::<RecoveryRow>, Vec::new());
        for (now, observed) in rounds {
            let known = recovery::Context {
                account_name: &name, limits: &limits, swept_at: None, watched: true, now: at(now),
            };
            if let Some(change) = recovery::decide((&place(), &id), &observed, row.as_ref(), &known) {
                row = Some(change.row);
                told.extend(change.tell);
            }
        }
        prop_assert_eq!(wrong_with(&told), [""; 0]);
    }
}
