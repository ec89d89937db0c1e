mod limits;
mod listing;
mod showing;
mod watching;

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::event::Caller;
use drs_fleet_domain::incident::{Incident, IncidentKind, Severity};
use drs_fleet_domain::job::{Call, Counts, Failure, JobRow, JobServerRow, Launched, Running, Span, Step};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::pace::{PaceRow, Taken};
use drs_fleet_domain::span::Length;
use jiff::Timestamp;

use super::Command;
use crate::family::OneOf;
use crate::testing::{self, before, dateless, place};

const PAYMENTS: &str = "111122223333";
const CLAIMS: &str = "222233334444";
/// A drill in Payments that ended in part, one in Claims that runs, and one of ten days ago.
const PARTIAL: &str = "drsjob-11111111111111111";
const RUNNING: &str = "drsjob-22222222222222222";
const OLD: &str = "drsjob-12222222222222222";

type Stage = testing::Stage<OneOf<Command>>;

fn ago(minutes: u64) -> Timestamp {
    before(Duration::from_mins(minutes))
}

fn here() -> Place {
    place(PAYMENTS, "us-west-2")
}

fn there() -> Place {
    place(CLAIMS, "us-east-1")
}

fn counts(done: u32, failed: u32, servers: u32) -> Counts {
    Counts { done, failed, servers }
}

/// A drill that runs.
fn job(place: &Place, id: &str, began: u64) -> JobRow {
    let by = Caller {
        principal: Some("arn:aws:sts::111122223333:assumed-role/ops/alice".into()),
        role: Some("arn:aws:iam::111122223333:role/ops".into()),
        ip: Some("198.51.100.7".into()),
    };
    JobRow {
        status: "STARTED".into(),
        kind: Some("LAUNCH".into()),
        initiated_by: Some("START_DRILL".into()),
        drill: Some(true),
        call: Some(Call { at: ago(began), name: "StartRecovery".into(), by }),
        created: Some(ago(began)),
        ..JobRow::unknown((place, &id.parse().unwrap()))
    }
}

/// A drill that is over.
fn over(job: JobRow, ended: u64) -> JobRow {
    let launched = Launched { servers: 1, at: ago(ended + 1) };
    JobRow { status: "COMPLETED".into(), ended: Some(ago(ended)), launched: Some(launched), ..job }
}

fn server(job: &JobRow, number: u32, name: &str, status: &str) -> JobServerRow {
    JobServerRow {
        place: job.place.clone(),
        job: job.id.clone(),
        server: format!("s-{number:017}").parse().unwrap(),
        name: Some(name.to_owned()),
        objective: None,
        launch_status: status.to_owned(),
        recovery_instance: None,
        result_at: None,
        found_at: None,
        phases: BTreeMap::new(),
        failure: None,
    }
}

/// A phase that began and ended so many minutes ago.
fn phase(server: &mut JobServerRow, name: &str, start: u64, end: Option<u64>) {
    server.phases.insert(name.to_owned(), Span { start: Some(ago(start)), end: end.map(ago) });
}

fn incident(reason: &str) -> Incident {
    Incident {
        opened_at: ago(185),
        severity: Severity::High,
        sequence: 1,
        reason: reason.to_owned(),
        closed_at: None,
        flaps: 0,
        told_over: false,
    }
}

fn partial() -> (JobRow, Vec<JobServerRow>) {
    let mut row = over(job(&here(), PARTIAL, 240), 185);
    row.plan = Some("quarterly".into());
    row.counts = Some(counts(3, 1, 3));
    row.running = Some(Running { at: ago(125), instances: 2 });
    row.incidents.insert(IncidentKind::JobFailed, incident("1 of 3 servers failed: erp-db").into());
    let mut late = server(&row, 1, "erp-app", "LAUNCHED");
    (late.objective, late.result_at) = (Some(Length(Duration::from_mins(30))), Some(ago(186)));
    late.recovery_instance = Some("i-0a1b2c3d4e5f60718".parse().unwrap());
    phase(&mut late, "SNAPSHOT", 239, Some(230));
    phase(&mut late, "CONVERSION", 230, Some(200));
    phase(&mut late, "LAUNCH", 200, None);
    let mut in_time = server(&row, 2, "erp-web", "LAUNCHED");
    (in_time.objective, in_time.result_at) = (Some(Length(Duration::from_hours(1))), Some(ago(190)));
    let mut failed = server(&row, 3, "erp-db\n1", "FAILED");
    let error = Some("InsufficientInstanceCapacity".to_owned());
    failed.failure = Some(Failure { at: ago(187), event: "LAUNCH_FAILED".into(), error });
    failed.found_at = Some(ago(187));
    (row, vec![late, in_time, failed])
}

fn running() -> (JobRow, Vec<JobServerRow>) {
    let mut row = job(&there(), RUNNING, 185);
    row.call = None;
    row.counts = Some(counts(1, 0, 40));
    row.step = Some(Step { at: ago(125), event: "CONVERSION_START".into() });
    row.incidents.insert(IncidentKind::JobStuck, incident("nothing of it moved for 30m").into());
    let launched = server(&row, 1, "crm-app", "LAUNCHED");
    let mut converts = server(&row, 2, "crm-db", "IN_PROGRESS");
    phase(&mut converts, "SNAPSHOT", 184, Some(150));
    phase(&mut converts, "CONVERSION", 125, None);
    (row, vec![launched, converts])
}

/// Three drills that took 200 minutes each, so that the end of the next one is expected.
fn pace() -> PaceRow {
    let taken = |n: u32| Taken {
        ended: ago(10_000),
        job: format!("drsjob-{n:017}").parse().unwrap(),
        purpose: drs_fleet_domain::job::Purpose::Drill,
        seconds: 200 * 60,
        pause: 60,
    };
    PaceRow { place: here(), jobs: (0..3).map(taken).collect() }
}

/// Two accounts with their jobs.
async fn fleet() -> Stage {
    let stage = Stage::new().await;
    stage.register(PAYMENTS, "Payments", &["us-west-2"], None).await;
    stage.register(CLAIMS, "Claims", &["us-east-1"], None).await;
    for (row, servers) in [partial(), running()] {
        stage.store(&row).await;
        for server in servers {
            stage.store(&server).await;
        }
    }
    let days = 24 * 60;
    let old = over(job(&here(), OLD, 10 * days), 10 * days - 30);
    stage
        .store(&JobRow {
            counts: Some(counts(1, 0, 1)),
            initiated_by: Some("START_RECOVERY".into()),
            drill: Some(false),
            ..old
        })
        .await;
    stage.store(&pace()).await;
    stage
}
