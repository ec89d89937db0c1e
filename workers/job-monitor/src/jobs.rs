//! Jobs and their servers as events and looks tell of them.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::patience::patiently;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::{IoError, Neighbour};
use drs_fleet_domain::ids::{JobId, SourceServerId};
use drs_fleet_domain::job::{self, Failure, JobRow, JobServerRow, Observation, ServerObservation, Step};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::row::Change;
use drs_fleet_domain::seen::{JobLogSeen, JobSeen};
use drs_fleet_domain::sweep::after;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::context::Known;
use crate::{JobMonitor, ended, inventory};

/// How many rows of one job are written at once.
pub(crate) const WRITES: usize = 16;

/// A job ends long before it is so old, and its log can be read by then: a day.
const LONGEST: Duration = Duration::from_hours(24);

/// When a job began at the earliest of which something was heard at `at`.
pub(crate) fn may_have_begun(at: Timestamp) -> Timestamp {
    at.checked_sub(LONGEST).unwrap_or(Timestamp::MIN)
}

/// Decides on a job, with what is known of jobs of its purpose.
pub(crate) fn decide(
    (place, id): (&Place, &JobId),
    observations: &[Observation],
    row: Option<&JobRow>,
    known: &Known,
    servers: &[JobServerRow],
    looked: bool,
) -> Option<Change<JobRow>> {
    let will_be = foreseen((place, id), observations, row, known);
    let context = known.job(will_be.purpose(), servers, looked);
    job::decide((place, id), observations, row, &context)
}

/// The row of a job as it will be after some observations.
pub(crate) fn foreseen(
    (place, id): (&Place, &JobId),
    observations: &[Observation],
    row: Option<&JobRow>,
    known: &Known,
) -> JobRow {
    let context = known.job(job::Purpose::Other, &[], false);
    let change = job::decide((place, id), observations, row, &context).map(|change| change.row);
    change.or_else(|| row.cloned()).unwrap_or_else(|| JobRow::unknown((place, id)))
}

/// Applies observations of a job's server, and answers its row.
pub(crate) async fn see_server<I: Io>(
    worker: &JobMonitor,
    io: &I,
    subject: (&Place, &JobId, &SourceServerId),
    observations: &[ServerObservation],
) -> Result<Option<JobServerRow>, IoError> {
    let (place, id, server) = subject;
    let key = keys::job_server(place, id, server);
    let decide = |row: Option<&JobServerRow>| job::decide_server(subject, observations, row);
    Ok(worker.servers.change(io, &key, decide).await?.row().cloned())
}

/// Takes over what `DescribeJobs` shows of a job at `at`: its servers first, so that a job that is over has all its
/// results. Answers whether it is active.
pub(crate) async fn look<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    (seen, at): (&JobSeen, Timestamp),
) -> Result<bool, IoError> {
    let subject = (place, &seen.id);
    let key = keys::job(place, &seen.id);
    let stored = worker.jobs.known(io, &key).await?;
    let stored = stored.as_ref().map(|stored| &stored.row);
    if stored.is_some_and(|row| is_history(row, seen)) {
        return Ok(false);
    }
    let known = Known::of(worker, io, place).await?;
    let mut observations = vec![Observation::Seen { seen: Box::new(seen.clone()), at }];
    if stored.is_none_or(|row| !row.told_start) {
        let servers: Vec<_> = seen.servers.iter().map(|server| server.server.clone()).collect();
        observations.extend(inventory::drill_tag(io, place, &servers).await?);
    }
    let log = read_log(worker, io, place, (seen, stored)).await?;
    observations.extend(
        log.iter()
            .map(|line| (line.at, &line.event))
            .max()
            .map(|(at, event)| Observation::Logged(Step { at, event: event.clone() })),
    );
    observations.extend(log.iter().filter_map(Failure::of_job).map(Observation::Failed));
    let servers = look_at_servers(worker, io, place, (seen, at), log).await?;
    let will_be = foreseen(subject, &observations, stored, &known);
    if !will_be.is_active() {
        observations.extend(ended::settle(worker, io, &will_be, &servers, &known).await?);
    }
    let decide = |row: Option<&JobRow>| decide(subject, &observations, row, &known, &servers, true);
    let outcome = worker.jobs.change(io, &key, decide).await?;
    Ok(outcome.row().is_some_and(JobRow::is_active))
}

/// Whether all of it is known and in the history, which of a job that was only found gone it is not. What becomes of its instances, sweeps of these tell.
fn is_history(row: &JobRow, seen: &JobSeen) -> bool {
    let counts = Some(job::Counts::of(&seen.servers));
    row.settled && row.status == job::COMPLETED && row.status == seen.status && row.counts >= counts
}

/// The log of a job, where it is time to read it: now and then while the job is active, when a server more is done, and
/// at the end.
async fn read_log<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    (seen, stored): (&JobSeen, Option<&JobRow>),
) -> Result<Vec<JobLogSeen>, IoError> {
    let has_moved = stored.and_then(|row| row.counts) < Some(job::Counts::of(&seen.servers));
    if seen.is_active() && !worker.logs.takes(&seen.id, io.now()) && !has_moved {
        return Ok(Vec::new());
    }
    match all_lines(io, place, seen).await {
        // Where only the log is refused, the job is followed without it. One that is active is looked at again soon, and
        // nothing of it is late for the sake of its log.
        Err(error) if is_given_up(&error, seen, io.now()) || seen.is_active() => {
            tracing::warn!(%place, job = %seen.id, %error, "the log of the job cannot be read");
            if !sweeps::is_vain(&error) {
                worker.logs.gives_back(&seen.id);
            }
            Ok(Vec::new())
        }
        read => read,
    }
}

/// Whether what only a part of a job's story needs is not waited for. Errors of the table are.
fn is_given_up(error: &IoError, seen: &JobSeen, now: Timestamp) -> bool {
    let is_long_over = seen.ended.is_some_and(|ended| after(ended, LONGEST) < now);
    sweeps::is_vain(error) || (error.neighbour == Neighbour::Spoke && is_long_over)
}

async fn all_lines<I: Io>(io: &I, place: &Place, seen: &JobSeen) -> Result<Vec<JobLogSeen>, IoError> {
    let (mut lines, mut next) = (Vec::new(), None);
    loop {
        let page = if seen.is_active() {
            io.job_log(place, &seen.id, next).await?
        } else {
            patiently(io, || io.job_log(place, &seen.id, next.clone())).await?
        };
        lines.extend(page.items);
        match page.next {
            Some(token) => next = Some(token),
            None => return Ok(lines),
        }
    }
}

/// Brings the rows of a job's servers in line with it and its log, and answers all of them.
async fn look_at_servers<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    (seen, at): (&JobSeen, Timestamp),
    log: Vec<JobLogSeen>,
) -> Result<Vec<JobServerRow>, IoError> {
    let id = &seen.id;
    let at = seen.ended.map_or(at, |ended| at.min(ended));
    know(worker, io, place, seen).await?;
    let mut observations: BTreeMap<SourceServerId, Vec<ServerObservation>> = BTreeMap::new();
    for server in &seen.servers {
        let observed = ServerObservation::Seen { seen: server.clone(), at };
        observations.entry(server.server.clone()).or_default().push(observed);
    }
    for line in log {
        if let Some(server) = line.server.clone() {
            observations.entry(server).or_default().push(ServerObservation::Logged(line));
        }
    }
    inventory::describe(worker, io, (place, id), &mut observations).await?;
    if !seen.is_active() {
        match inventory::find_instances(worker, io, (place, id), &mut observations).await {
            Err(error) if is_given_up(&error, seen, io.now()) => {
                tracing::warn!(%place, job = %id, %error, "its recovery instances cannot be looked for");
            }
            found => found?,
        }
    }
    let rows: Vec<_> = stream::iter(observations)
        .map(
            |(server, observed)| async move { see_server(worker, io, (place, id, &server), &observed).await },
        )
        .buffered(WRITES)
        .try_collect()
        .await?;
    Ok(rows.into_iter().flatten().collect())
}

/// Reads the rows of a job's servers at once, unless this process holds them.
async fn know<I: Io>(worker: &JobMonitor, io: &I, place: &Place, seen: &JobSeen) -> Result<(), IoError> {
    let is_held =
        |server: &SourceServerId| worker.servers.held(&keys::job_server(place, &seen.id, server)).is_some();
    if seen.servers.iter().all(|server| is_held(&server.server)) {
        return Ok(());
    }
    worker.servers.remember(io.query::<JobServerRow>(&keys::job_servers(place, &seen.id)).await?);
    Ok(())
}
