//! The end of a job goes into the history: of each of its servers, and of how long jobs take.

use drs_fleet_aws::io::{Io, READ_AT_ONCE};
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::job::{Failures, JobRow, JobServerRow, Observation};
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::launch_remedy;
use drs_fleet_domain::launches::{self, Ending, LaunchesRow};
use drs_fleet_domain::pace::{self, Taken};
use drs_fleet_domain::row::Stored;
use futures::{StreamExt, TryStreamExt, stream};

use crate::JobMonitor;
use crate::context::Known;
use crate::jobs::WRITES;

/// So many failed servers an incident names.
const NAMED: usize = 5;

/// Writes the history of a job that is over, and answers what that tells of the job.
pub(crate) async fn settle<I: Io>(
    worker: &JobMonitor,
    io: &I,
    job: &JobRow,
    servers: &[JobServerRow],
    known: &Known,
) -> Result<Vec<Observation>, IoError> {
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
    let failing = failing(io, job, servers, known).await?;
    Ok(failing.map(Observation::Failing).into_iter().chain([Observation::Settled]).collect())
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
        let last = launches.as_ref().and_then(|stored| stored.row.last_success());
        last.is_none_or(|launch| Some(launch.at) <= began)
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
    let stored = io.query::<JobServerRow>(&keys::job_servers(&job.place, &job.id)).await?;
    let servers: Vec<_> = stored.into_iter().map(|stored| stored.row).collect();
    Ok((settle(worker, io, job, &servers, known).await?, servers))
}
