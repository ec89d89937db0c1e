//! Sweeps: AWS sends no event when a job ends, none for jobs without a trail, and few for recovery instances.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::job_sweep::{self, JobSweepRow};
use drs_fleet_domain::keys::{self, Place};
use jiff::Timestamp;

use crate::jobs::may_have_begun;
use crate::{JobMonitor, look, recoveries};

/// Jobs are looked for this far back; a job of DRS ends long before.
const BACK: Duration = Duration::from_hours(24);

/// Sweeps a place's jobs and recovery instances, unless another sweep serves the request.
pub(crate) async fn sweep<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    asked_at: Timestamp,
) -> Result<(), IoError> {
    let now = io.now();
    if sweeps::is_overtaken(asked_at, now) || !worker.registry.current(io).await?.is_swept(place) {
        return Ok(());
    }
    let key = keys::job_sweep(place);
    let claim =
        worker.sweeps.change_now(io, &key, |row| job_sweep::claim_sweep(place, row, asked_at, now)).await?;
    let Some(row) = claim.row().filter(|_| claim.changed()) else { return Ok(()) };
    match apply(worker, io, row, now).await {
        Ok(instances_at) => {
            worker.sweeps.change(io, &key, |row| JobSweepRow::ended(row, now, instances_at)).await?;
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

/// Reads everything; answers AWS's time of the list of recovery instances.
async fn apply<I: Io>(
    worker: &JobMonitor,
    io: &I,
    row: &JobSweepRow,
    now: Timestamp,
) -> Result<Timestamp, IoError> {
    let place = &row.place;
    let stored = io.query::<JobRow>(&keys::jobs(place)).await?;
    let active = active(row, stored.iter().map(|stored| &stored.row), now);
    let runs = |job: &JobRow| job.running.is_some_and(|running| running.instances > 0);
    let running: Vec<_> =
        stored.iter().map(|stored| &stored.row).filter(|job| runs(job)).map(|job| job.id.clone()).collect();
    worker.jobs.remember(stored);
    // After a long refusal, the jobs that ran when it began are looked for too.
    let last = row.swept_at.unwrap_or(now).min(now);
    let from = last.checked_sub(BACK).unwrap_or(Timestamp::MIN);
    let looked = look::look(worker, io, place, from, &active).await?;
    look::take(worker, io, place, &looked, true).await?;
    recoveries::sweep(worker, io, place, &running).await
}

/// Every job that is not over by any row: also what was active when a process died before it said so.
fn active<'a>(
    row: &JobSweepRow,
    jobs: impl Iterator<Item = &'a JobRow>,
    now: Timestamp,
) -> BTreeMap<JobId, Timestamp> {
    let of_rows = jobs.filter(|job| job.is_active());
    let mut active: BTreeMap<_, _> =
        of_rows.map(|job| (job.id.clone(), job.started_at().unwrap_or(may_have_begun(now)))).collect();
    active.extend(row.active.clone());
    active
}
