//! Jobs, their servers, and the recovery instances that they launch.

use std::collections::BTreeMap;

use drs_fleet_domain::event::Caller;
use drs_fleet_domain::ids::{JobId, RecoveryInstanceId, SourceServerId};
use drs_fleet_domain::incident::{IncidentKind, Incidents, Severity};
use drs_fleet_domain::job::{self, Call, JobRow, JobServerRow, Running, Step};
use drs_fleet_domain::policy::Limits;
use drs_fleet_domain::recovery::{self, RecoveryRow};
use drs_fleet_domain::seen::{JobLogSeen, JobSeen, JobServerSeen, RecoveryInstanceSeen, Size};
use jiff::Timestamp;
use proptest::prelude::*;

use super::orders::{every_arrival, every_order_ends_the_same, five};
use super::rest::end_of;
use super::{arriving, at, config, open, second, somewhere};

const JOB: &str = "drsjob-04ca7d0d3fb6afa3e";
const SERVER: &str = "s-12345678901234567";
const INSTANCE: &str = "i-0a1b2c3d4e5f60718";

fn launch_status() -> impl Strategy<Value = Option<String>> {
    let known = ["PENDING", "IN_PROGRESS", "LAUNCHED", "FAILED", "TERMINATED", "ADDED_LATER"];
    prop::option::of(prop::sample::select(known.map(str::to_owned).to_vec()))
}

/// One job: what AWS fixes when it creates a job is the same in every listing.
fn job_observation() -> impl Strategy<Value = job::Observation> {
    let status = prop::sample::select(vec!["PENDING", "STARTED", "COMPLETED", "ADDED_LATER"]);
    let seen = (status, prop::collection::vec(launch_status(), 0..3), second());
    let seen = seen.prop_map(|(status, servers, at_second)| job::Observation::Seen {
        seen: Box::new(JobSeen {
            kind: "LAUNCH".to_owned(),
            initiated_by: Some("START_RECOVERY".to_owned()),
            created: Some(at(90)),
            ended: (status == "COMPLETED").then(|| at(104)),
            servers: servers.into_iter().map(job_server).collect(),
            ..JobSeen::new(JOB.parse().unwrap(), status)
        }),
        at: at_second,
    });
    let call = Call { at: at(91), name: "StartRecovery".to_owned(), by: Caller::default() };
    prop_oneof![
        (any::<bool>(), any::<bool>(), second()).prop_map(|(drill, launched, at)| job::Observation::Result {
            drill,
            launched,
            at
        }),
        Just(job::Observation::Started { call, drill: Some(false), plan: Some("wave-1".to_owned()) }),
        seen,
        prop::sample::select(vec!["a", "b"]).prop_map(|tag| job::Observation::Tagged(tag.to_owned())),
        second().prop_map(|at| job::Observation::Logged(Step { at, event: "LAUNCH_START".to_owned() })),
        second().prop_map(|at| job::Observation::Gone { at }),
        second().prop_map(|at| job::Observation::Deleted { at }),
        (second(), 0_u32..3).prop_map(|(at, instances)| job::Observation::Running(Running { at, instances })),
    ]
}

fn job_server(launch_status: Option<String>) -> JobServerSeen {
    JobServerSeen { server: SERVER.parse().unwrap(), launch_status, recovery_instance: None }
}

fn job_server_observation() -> impl Strategy<Value = job::ServerObservation> {
    let instance = prop::option::of(Just(INSTANCE.parse().unwrap()));
    let lines = ["SNAPSHOT_START", "SNAPSHOT_END", "CONVERSION_FAIL", "LAUNCH_START", "ADDED_LATER_START"];
    prop_oneof![
        (any::<bool>(), second()).prop_map(|(launched, at)| job::ServerObservation::Result { launched, at }),
        (launch_status(), instance, second()).prop_map(|(status, recovery_instance, at)| {
            job::ServerObservation::Seen {
                seen: JobServerSeen { recovery_instance, ..job_server(status) },
                at,
            }
        }),
        (prop::sample::select(lines.to_vec()), second()).prop_map(|(event, at)| {
            job::ServerObservation::Logged(JobLogSeen {
                at,
                event: event.to_owned(),
                server: None,
                error: None,
            })
        }),
    ]
}

/// In what a job ends besides what was told, and when it is looked at.
fn told_apart(row: JobRow) -> (JobRow, Vec<String>) {
    let open = open(&row.incidents).keys().map(ToString::to_string).collect();
    let history = JobRow {
        told_start: true,
        told_end: true,
        settled: true,
        look_at: None,
        incidents: Incidents::new(),
        ..row
    };
    (history, open)
}

fn recovery_observation() -> impl Strategy<Value = recovery::Observation> {
    let states = ["FAILBACK_IN_PROGRESS", "FAILBACK_COMPLETED", "FAILBACK_ERROR", "ADDED_LATER"];
    let state = || prop::sample::select(states.map(str::to_owned).to_vec());
    prop_oneof![
        (state(), second()).prop_map(|(state, at)| recovery::Observation::Failback { state, at }),
        (state(), second(), prop::sample::select(vec!["RUNNING", "STOPPED"])).prop_map(
            |(failback, at, ec2)| {
                let seen = RecoveryInstanceSeen {
                    id: INSTANCE.parse().unwrap(),
                    server: Some(SERVER.parse().unwrap()),
                    job: Some(JOB.parse().unwrap()),
                    drill: Some(true),
                    state: Some(ec2.to_owned()),
                    failback: Some(failback),
                    failback_error: None,
                    size: Size::default(),
                };
                recovery::Observation::Seen { seen: Box::new(seen), at }
            }
        ),
        second().prop_map(|at| recovery::Observation::Gone { at }),
    ]
}

fn time_of_sweep(observation: &recovery::Observation) -> Option<Timestamp> {
    match observation {
        recovery::Observation::Seen { at, .. } | recovery::Observation::Gone { at } => Some(*at),
        _ => None,
    }
}

/// One sweep shows one thing: of those that are drawn for one second the first counts.
fn one_sweep_a_second(all: Vec<recovery::Observation>) -> Vec<recovery::Observation> {
    let mut kept: Vec<recovery::Observation> = Vec::new();
    for one in all {
        let time = time_of_sweep(&one);
        if time.is_none() || kept.iter().all(|known| time_of_sweep(known) != time) {
            kept.push(one);
        }
    }
    kept
}

/// What is stored of a job in the end.
fn ended_job(all: &[job::Observation], batches: &[Vec<usize>]) -> Option<(JobRow, Vec<String>)> {
    let (id, limits): (JobId, Limits) = (JOB.parse().unwrap(), Limits::default());
    let context = job::Context::new("erp-prod", &limits, at(200));
    let decide = |o: &job::Observation, row: Option<&JobRow>| {
        job::decide((&somewhere(), &id), std::slice::from_ref(o), row, &context)
    };
    end_of(all, batches, decide).map(told_apart)
}

/// What is stored of a server of a job in the end.
fn ended_job_server(all: &[job::ServerObservation], batches: &[Vec<usize>]) -> Option<JobServerRow> {
    let (id, server): (JobId, SourceServerId) = (JOB.parse().unwrap(), SERVER.parse().unwrap());
    end_of(all, batches, |o, row: Option<&JobServerRow>| {
        job::decide_server((&somewhere(), &id, &server), std::slice::from_ref(o), row)
    })
}

/// What must not depend on arrival of a recovery instance.
#[derive(Debug, PartialEq)]
struct InstanceEnd {
    failback: Option<String>,
    machine: Option<String>,
    gone: bool,
    incidents: BTreeMap<IncidentKind, Severity>,
}

fn ended_instance(all: &[recovery::Observation], batches: &[Vec<usize>]) -> Option<InstanceEnd> {
    let (id, limits): (RecoveryInstanceId, Limits) = (INSTANCE.parse().unwrap(), Limits::default());
    let is_listed = all
        .iter()
        .max_by_key(|one| time_of_sweep(one))
        .is_some_and(|last| matches!(last, recovery::Observation::Seen { .. }));
    // Each sweep is complete: what it leaves alone, it confirms.
    let (mut row, mut swept_at): (Option<RecoveryRow>, _) = (None, None);
    for observed in batches.iter().flatten().map(|n| &all[*n]) {
        let context = recovery::Context {
            account_name: "erp-prod",
            limits: &limits,
            swept_at,
            watched: true,
            now: at(200),
        };
        let observed = std::slice::from_ref(observed);
        let change = recovery::decide((&somewhere(), &id), observed, row.as_ref(), &context);
        row = change.map(|change| change.row).or(row);
        swept_at = swept_at.max(time_of_sweep(&observed[0]));
    }
    row.map(|row| InstanceEnd {
        failback: row.failback.map(|f| f.state).filter(|_| row.gone_since.is_none()),
        // Of one that the last sweep did not list, its machine is not known.
        machine: row.machine.map(|m| m.state).filter(|_| is_listed),
        gone: row.gone_since.is_some(),
        incidents: open(&row.incidents),
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_job_ends_the_same_however_results_and_looks_arrive(
        (all, one, other) in arriving(job_observation(), 7),
    ) {
        prop_assert_eq!(ended_job(&all, &one), ended_job(&all, &other));
    }

    #[test]
    fn a_server_of_a_job_ends_the_same_however_results_and_looks_arrive(
        (all, one, other) in arriving(job_server_observation(), 7),
    ) {
        prop_assert_eq!(ended_job_server(&all, &one), ended_job_server(&all, &other));
    }

    #[test]
    fn an_instance_ends_the_same_however_events_and_sweeps_arrive(
        (all, one, other) in arriving(recovery_observation(), 6),
    ) {
        let kept = one_sweep_a_second(all.clone());
        prop_assume!(kept.len() == all.len());
        prop_assert_eq!(ended_instance(&all, &one), ended_instance(&all, &other));
    }
}

/// Five events and looks of one drill, each of which may come twice, in every order: 120 orders, 32 ways to double.
#[test]
fn every_order_of_a_drills_history_ends_in_one_row() {
    let (id, limits): (JobId, Limits) = (JOB.parse().unwrap(), Limits::default());
    let context = job::Context::new("erp-prod", &limits, at(200));
    let seen = |status: &str, launched: &str, second| job::Observation::Seen {
        seen: Box::new(JobSeen {
            initiated_by: Some("START_DRILL".to_owned()),
            created: Some(at(90)),
            ended: (status == "COMPLETED").then(|| at(104)),
            servers: vec![job_server(Some(launched.to_owned()))],
            ..JobSeen::new(id.clone(), status)
        }),
        at: at(second),
    };
    let call = Call { at: at(91), name: "StartRecovery".to_owned(), by: Caller::default() };
    let history = [
        job::Observation::Started { call, drill: Some(true), plan: None },
        seen("STARTED", "IN_PROGRESS", 92),
        job::Observation::Result { drill: true, launched: true, at: at(103) },
        seen("COMPLETED", "LAUNCHED", 106),
        job::Observation::Deleted { at: at(110) },
    ];
    let end = |arrival: &[usize]| {
        let row = arrival.iter().fold(None, |row: Option<JobRow>, n| {
            let change = job::decide((&somewhere(), &id), &history[*n..=*n], row.as_ref(), &context);
            change.map(|change| change.row).or(row)
        });
        told_apart(row.unwrap())
    };
    let first = end(&[0, 1, 2, 3, 4]);
    assert_eq!(first.0.recovery_time(), Some(std::time::Duration::from_secs(13)));
    for arrival in every_arrival() {
        assert_eq!(end(&arrival), first, "{arrival:?}");
    }
}

#[test]
fn every_order_of_what_is_told_and_seen_of_a_job_ends_the_same() {
    every_order_ends_the_same(five(job_observation()), ended_job);
}

#[test]
fn every_order_of_what_a_job_does_with_a_server_ends_the_same() {
    every_order_ends_the_same(five(job_server_observation()), ended_job_server);
}

#[test]
fn every_order_of_what_an_instance_goes_through_ends_the_same() {
    let apart = |all: &Vec<_>| one_sweep_a_second(all.clone()).len() == all.len();
    let history = five(recovery_observation()).prop_filter("one sweep a second", apart);
    every_order_ends_the_same(history, ended_instance);
}
