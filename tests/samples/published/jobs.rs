//! Jobs of one day, as the job-monitor tells of them.

use std::time::Duration;

use drs_fleet_domain::event::Caller;
use drs_fleet_domain::ids::{JobId, SourceServerId};
use drs_fleet_domain::job::{
    self, COMPLETED, Call, Context, JobServerRow, Observation, ServerObservation, Step,
};
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::policy::{Limits, PLAN_TAG};
use drs_fleet_domain::seen::{JobLogSeen, JobSeen, JobServerSeen};

use super::{DRILL_TAG, JOB, place, time};

/// Each sample of a job's event: the case, and the event.
pub(super) fn jobs() -> [(&'static str, OwnEvent); 9] {
    let tagged = Observation::Tagged(DRILL_TAG.to_owned());
    let drill = |at, seen| told(at, JOB, &[called("08:12:30"), tagged.clone(), shown(at, seen)], &[]);
    [
        ("drill", drill("08:12:33", drill_shown("PENDING", 0, 0))),
        ("failback", failback_just_called()),
        ("drill", stuck_drill()),
        ("succeeded", drill("08:41:07", drill_shown(COMPLETED, 40, 0))),
        ("partial", partial_drill()),
        ("failed", failed_recovery()),
        ("recovery-late", late_recovery()),
        ("termination", termination()),
        ("unknown", deleted_before_its_end_was_seen()),
    ]
}

/// What is told last of a job when all of this is observed of it, and is known of its servers.
fn told(at: &str, id: &str, observed: &[Observation], servers: &[JobServerRow]) -> OwnEvent {
    let (id, limits): (JobId, _) = (id.parse().unwrap(), Limits::default());
    let usual = Some(Duration::from_mins(29));
    let context = Context { usual, servers, looked: true, ..Context::new("erp-prod", &limits, time(at)) };
    let told = job::decide((&place(), &id), observed, None, &context).unwrap().tell;
    told.into_iter().rfind(|event| matches!(event, OwnEvent::Job(_))).unwrap()
}

/// Of the drill of a plan: who started it.
fn called(at: &str) -> Observation {
    let plan = Some("erp-wave-2".to_owned());
    Observation::Started { call: call(at, "StartRecovery"), drill: Some(true), plan }
}

fn call(at: &str, name: &str) -> Call {
    let principal = "arn:aws:sts::111122223333:assumed-role/dr-operations/erin.mertens";
    let by = Caller { principal: Some(principal.to_owned()), ..Caller::default() };
    Call { at: time(at), name: name.to_owned(), by }
}

fn shown(at: &str, seen: JobSeen) -> Observation {
    Observation::Seen { seen: Box::new(seen), at: time(at) }
}

/// A job that was created at 08:12:30 and, once it is over, ended at 08:41:02.
fn job_shown(id: &str, initiated_by: &str, status: &str, servers: &[&str]) -> JobSeen {
    let servers = servers.iter().enumerate().map(|(n, status)| JobServerSeen {
        server: server(n),
        launch_status: Some((*status).to_owned()),
        recovery_instance: None,
    });
    JobSeen {
        kind: "LAUNCH".to_owned(),
        initiated_by: Some(initiated_by.to_owned()),
        created: Some(time("08:12:30.482")),
        ended: (status == COMPLETED).then(|| time("08:41:02.117")),
        servers: servers.collect(),
        ..JobSeen::new(id.parse().unwrap(), status)
    }
}

/// The drill of a plan, of whose 40 servers so many are launched, and so many failed.
fn drill_shown(status: &str, launched: usize, failed: usize) -> JobSeen {
    let pending = 40 - launched - failed;
    let servers = [vec!["FAILED"; failed], vec!["LAUNCHED"; launched], vec!["PENDING"; pending]].concat();
    let tags = [(PLAN_TAG.to_owned(), "erp-wave-2".to_owned())].into();
    JobSeen { tags, ..job_shown(JOB, "START_DRILL", status, &servers) }
}

fn server(n: usize) -> SourceServerId {
    format!("s-{:017}", 12_345_678_901_234_567 + n).parse().unwrap()
}

/// A server of a job, by its number and name, of which this was observed.
fn server_row(job: &str, (n, name): (usize, &str), observed: &[ServerObservation]) -> JobServerRow {
    let job: JobId = job.parse().unwrap();
    let objective = Some(Duration::from_mins(20));
    let known = ServerObservation::Known { name: name.to_owned(), objective };
    let observed = [&[known], observed].concat();
    job::decide_server((&place(), &job, &server(n)), &observed, None).unwrap().row
}

fn failed(at: &str, line: &str, error: Option<&str>) -> [ServerObservation; 2] {
    let logged =
        JobLogSeen { at: time(at), event: line.to_owned(), server: None, error: error.map(str::to_owned) };
    [ServerObservation::Logged(logged), ServerObservation::Result { launched: false, at: time(at) }]
}

/// Nothing but the call is known of it yet.
fn failback_just_called() -> OwnEvent {
    let call = call("08:30:41", "StartFailbackLaunch");
    let called = Observation::Started { call, drill: None, plan: None };
    told("08:30:45", "drsjob-02e58c4af1976b3d0", &[called], &[])
}

fn stuck_drill() -> OwnEvent {
    let step = Step { at: time("08:20:18.250"), event: "CONVERSION_START".to_owned() };
    let seen = shown("08:19:58", drill_shown("STARTED", 12, 0));
    told("08:50:31", JOB, &[called("08:12:30"), seen, Observation::Logged(step)], &[])
}

fn partial_drill() -> OwnEvent {
    let no_room = failed("08:33:20", "LAUNCH_FAILED", Some("InsufficientInstanceCapacity"));
    let servers = [
        server_row(JOB, (0, "erp-db-03"), &failed("08:29:04", "CONVERSION_FAIL", None)),
        server_row(JOB, (1, "erp-db-04"), &no_room),
    ];
    let seen = shown("08:41:07", drill_shown(COMPLETED, 38, 2));
    told("08:41:07", JOB, &[called("08:12:30"), seen], &servers)
}

/// Started where no trail records who did.
fn failed_recovery() -> OwnEvent {
    let id = "drsjob-0f41b8d72c9e5a063";
    let servers = [server_row(id, (0, "erp-db-03"), &failed("08:20:11", "SNAPSHOT_FAIL", None))];
    let seen = shown("08:41:07", job_shown(id, "START_RECOVERY", COMPLETED, &["FAILED"]));
    told("08:41:07", id, &[seen], &servers)
}

/// Two servers, one of which took longer than its tag allows.
fn late_recovery() -> OwnEvent {
    let (id, last) = ("drsjob-0a6e3c91f5d8b7240", "08:38:49");
    let launched = |at| [ServerObservation::Result { launched: true, at: time(at) }];
    let servers = [
        server_row(id, (0, "erp-db-03"), &launched(last)),
        server_row(id, (1, "erp-web-01"), &launched("08:29:30")),
    ];
    let called =
        Observation::Started { call: call("08:12:30", "StartRecovery"), drill: Some(false), plan: None };
    let result = Observation::Result { drill: false, launched: true, at: time(last) };
    let seen = job_shown(id, "START_RECOVERY", COMPLETED, &["LAUNCHED", "LAUNCHED"]);
    told("08:41:07", id, &[called, shown("08:38:55", seen), result], &servers)
}

fn termination() -> OwnEvent {
    let id = "drsjob-0d91c27ab3e5f4860";
    let by = "TERMINATE_RECOVERY_INSTANCES";
    let seen = job_shown(id, by, COMPLETED, &["TERMINATED", "TERMINATED"]);
    told("08:41:07", id, &[shown("08:41:07", JobSeen { kind: "TERMINATE".to_owned(), ..seen })], &[])
}

/// Only the launch of one of its servers was heard of; when it was looked for, it was gone.
fn deleted_before_its_end_was_seen() -> OwnEvent {
    let result = Observation::Result { drill: true, launched: true, at: time("08:12:19") };
    told("08:41:07", "drsjob-07c5d2e9a8b1f3640", &[result, Observation::Gone { at: time("08:41:07") }], &[])
}
