//! Sweeps of `DescribeJobs`: AWS sends no event when a job ends.

use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::job::{Observation, ServerObservation};
use drs_fleet_domain::job_sweep::{self, JobSweepRow};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::seen::JobSeen;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::JobMonitor;
use crate::handle::{see, see_server};

/// Jobs are looked for this far back; a job of DRS ends long before.
const BACK: Duration = Duration::from_hours(24);

/// How many rows of one job are written at once.
const WRITES: usize = 16;

/// Sweeps a place's jobs, unless another sweep serves the request.
pub(crate) async fn sweep<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    asked_at: Timestamp,
) -> Result<(), IoError> {
    let now = io.now();
    if sweeps::is_overtaken(asked_at, now) {
        return Ok(());
    }
    let key = keys::job_sweep(place);
    let claim =
        worker.sweeps.change_now(io, &key, |row| job_sweep::claim_sweep(place, row, asked_at, now)).await?;
    if !claim.changed() {
        return Ok(());
    }
    // After a long refusal, the jobs that ran when it began are looked for too.
    let last = claim.row().and_then(|row| row.swept_at).unwrap_or(now).min(now);
    match apply(worker, io, place, last.checked_sub(BACK).ok()).await {
        Ok(()) => {
            worker.sweeps.change(io, &key, |row| JobSweepRow::ended(row, now)).await?;
        }
        // The capacity-tracker, which sweeps the same account, opens the incident.
        Err(error) if sweeps::is_vain(&error) => {
            if sweeps::is_refusal(&error) {
                io.evict(&place.account);
            }
            tracing::warn!(%place, %error, "the sweep of the jobs ends; the next tick asks again");
            worker.sweeps.change(io, &key, JobSweepRow::released).await?;
        }
        // The claim stays with this request, which is tried again.
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn apply<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    from: Option<Timestamp>,
) -> Result<(), IoError> {
    let mut next = None;
    loop {
        let page = io.jobs(place, from, next).await?;
        for seen in page.items {
            see_all(worker, io, place, seen).await?;
        }
        match page.next {
            Some(token) => next = Some(token),
            None => return Ok(()),
        }
    }
}

/// Servers before their job, so that a job that says completed has all its results.
async fn see_all<I: Io>(worker: &JobMonitor, io: &I, place: &Place, seen: JobSeen) -> Result<(), IoError> {
    let id = &seen.id;
    stream::iter(seen.servers.clone())
        .map(|seen| async move {
            let server = seen.server.clone();
            see_server(worker, io, (place, id, &server), &ServerObservation::Seen(seen)).await
        })
        .buffer_unordered(WRITES)
        .try_collect::<()>()
        .await?;
    let id = seen.id.clone();
    see(worker, io, (place, &id), &Observation::Seen(Box::new(seen))).await
}
