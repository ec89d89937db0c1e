//! The end of a job goes into the history: of each of its servers, and of how long jobs take.

use drs_fleet_aws::io::{Io, READ_AT_ONCE};
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::{Counts, Failures, JobRow, JobServerRow, Observation};
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::launch_remedy;
use drs_fleet_domain::launches::{self, Ending, LaunchesRow};
use drs_fleet_domain::pace::{self, Taken};
use drs_fleet_domain::row::Stored;
use futures::{StreamExt, TryStreamExt, stream};

use crate::context::Known;
use crate::jobs::WRITES;
use crate::{JobMonitor, jobs};

/// So many failed servers an incident names.
const NAMED: usize = 5;

/// Writes the history of a job that is over, and answers which of its failures nobody made up for yet.
pub(crate) async fn settle<I: Io>(
    worker: &JobMonitor,
    io: &I,
    job: &JobRow,
    servers: &[JobServerRow],
    known: &Known,
) -> Result<Option<Observation>, IoError> {
    let place = &job.place;
    let ending = |server: &JobServerRow| Some((server.server.clone(), Ending::of(job, server)?));
    let endings: Vec<_> = servers.iter().filter_map(ending).collect();
    stream::iter(endings)
        .map(|(server, ending)| async move {
            let key = keys::launches(place, &server);
            let decide = |row: Option<&_>| launches::decide((place, &server), &ending, row);
            worker.launches.change(io, &key, decide).await.map(drop)
        })
        .buffer_unordered(WRITES)
        .try_collect::<()>()
        .await?;
    if let Some(taken) = Taken::of(job, servers) {
        worker.paces.change(io, &keys::pace(place), |row| pace::decide(place, &taken, row)).await?;
    }
    Ok(failing(io, job, servers, known).await?.map(Observation::Failing))
}

/// Those of a job's failed servers that no later job launched; `None` where none failed.
async fn failing<I: Io>(
    io: &I,
    job: &JobRow,
    servers: &[JobServerRow],
    known: &Known,
) -> Result<Option<Failures>, IoError> {
    let failed: Vec<_> = servers.iter().filter(|server| !server.is_launched()).collect();
    if failed.is_empty() {
        return Ok(None);
    }
    let keys: Vec<Key> = failed.iter().map(|server| keys::launches(&job.place, &server.server)).collect();
    let mut launches = Vec::new();
    for keys in keys.chunks(READ_AT_ONCE) {
        launches.extend(io.read::<LaunchesRow>(keys).await?);
    }
    let began = job.started_at();
    let is_open = |launches: &Option<Stored<LaunchesRow>>| {
        let since = launches.as_ref().and_then(|stored| stored.row.makes_up_for(job.purpose()));
        since.is_none_or(|launch| Some(launch.at) <= began)
    };
    let open: Vec<_> =
        failed.iter().zip(&launches).filter(|(_, l)| is_open(l)).map(|(server, _)| *server).collect();
    let servers = u32::try_from(open.len()).unwrap_or(u32::MAX);
    Ok(Some(Failures { at: known.now, servers, named: named(&open) }))
}

fn named(failed: &[&JobServerRow]) -> String {
    let reason = |server: &&JobServerRow| {
        format!("{} ({})", server.label(), launch_remedy::reason(server.failure.as_ref()))
    };
    let mut first: Vec<_> = failed.iter().take(NAMED).map(reason).collect();
    if failed.len() > NAMED {
        first.push(format!("and {} more", failed.len() - NAMED));
    }
    first.join(", ")
}

/// What the table tells of a job that is over: writes its history, and looks again whether its failed servers were
/// launched since. Nothing of one that is active.
pub(crate) async fn look_back<I: Io>(
    worker: &JobMonitor,
    io: &I,
    job: &JobRow,
    known: &Known,
) -> Result<(Vec<Observation>, Vec<JobServerRow>), IoError> {
    if job.is_active() {
        return Ok((Vec::new(), Vec::new()));
    }
    let servers = servers(io, job).await?;
    let failing = settle(worker, io, job, &servers, known).await?;
    Ok((failing.into_iter().chain([Observation::Settled(job.basis())]).collect(), servers))
}

/// What is left of a job that is not there any more, or was deleted: it is over, and what came of it is what its servers
/// were last seen or told to be.
pub(crate) async fn vanished<I: Io>(
    worker: &JobMonitor,
    io: &I,
    (place, id): (&Place, &JobId),
    observation: Observation,
) -> Result<(), IoError> {
    let known = Known::of(worker, io, place).await?;
    let key = keys::job(place, id);
    let stored = worker.jobs.known(io, &key).await?;
    let stored = stored.as_ref().map(|stored| &stored.row);
    let mut observations = vec![observation];
    let servers = servers(io, &jobs::foreseen((place, id), &observations, stored, &known)).await?;
    let statuses = servers.iter().map(|server| server.launch_status.as_str());
    observations.extend((!servers.is_empty()).then(|| Observation::Counted(Counts::of_statuses(statuses))));
    let will_be = jobs::foreseen((place, id), &observations, stored, &known);
    observations.extend(settle(worker, io, &will_be, &servers, &known).await?);
    let decide =
        |row: Option<&JobRow>| jobs::decide((place, id), &observations, row, &known, &servers, false);
    worker.jobs.change(io, &key, decide).await.map(drop)
}

async fn servers<I: Io>(io: &I, job: &JobRow) -> Result<Vec<JobServerRow>, IoError> {
    let stored = io.query::<JobServerRow>(&keys::job_servers(&job.place, &job.id)).await?;
    Ok(stored.into_iter().map(|stored| stored.row).collect())
}
