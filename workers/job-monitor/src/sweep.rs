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
use drs_fleet_domain::sweep::Sweeping;
use jiff::Timestamp;

use crate::context::Known;
use crate::jobs::may_have_begun;
use crate::{JobMonitor, look, recoveries};

/// Jobs are looked for this far back; a job of DRS ends long before.
const BACK: Duration = Duration::from_hours(24);

/// A claim this old is renewed when the jobs are done: they may take as long as a claim lasts.
const OLD: Duration = Duration::from_secs(30);

/// Sweeps a place's jobs and recovery instances, unless another sweep serves the request.
pub(crate) async fn sweep<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    asked_at: Timestamp,
) -> Result<(), IoError> {
    let now = io.now();
    if sweeps::is_overtaken(asked_at, now) || !Known::fresh(worker, io, place).await?.is_watched() {
        return Ok(());
    }
    let key = keys::job_sweep(place);
    let claim =
        worker.sweeps.change_now(io, &key, |row| job_sweep::claim_sweep(place, row, asked_at, now)).await?;
    let Some(row) = claim.row().filter(|_| claim.changed()) else { return Ok(()) };
    let Some(mut claim) = row.sweeping.clone() else { return Ok(()) };
    match apply(worker, io, row, &mut claim).await {
        Ok(Some(instances_at)) => {
            let ended = |row: Option<&_>| JobSweepRow::ended(row, (&claim, now), instances_at);
            worker.sweeps.change(io, &key, ended).await?;
        }
        Ok(None) => tracing::info!(%place, "the sweep took so long that another has taken it over"),
        // The capacity-tracker, which sweeps the same account, opens the incident.
        Err(error) if sweeps::is_vain(&error) => {
            if sweeps::is_refusal(&error) {
                io.evict(&place.account);
            }
            tracing::warn!(%place, %error, "the sweep of the jobs ends; the next tick asks again");
            worker.sweeps.change(io, &key, |row| JobSweepRow::released(row, &claim)).await?;
        }
        // The claim stays with this request, which is tried again.
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Reads everything; answers AWS's time of the list of recovery instances, or nothing when another has taken the sweep
/// over meanwhile.
async fn apply<I: Io>(
    worker: &JobMonitor,
    io: &I,
    row: &JobSweepRow,
    claim: &mut Sweeping,
) -> Result<Option<Timestamp>, IoError> {
    let (place, now) = (&row.place, claim.since);
    let stored = io.query::<JobRow>(&keys::jobs(place)).await?;
    let active = active(row, stored.iter().map(|stored| &stored.row), now);
    let runs = |job: &JobRow| job.running.is_some_and(|running| running.instances > 0);
    let running: Vec<_> =
        stored.iter().map(|stored| &stored.row).filter(|job| runs(job)).map(|job| job.id.clone()).collect();
    worker.jobs.remember(stored);
    // After a long refusal, the jobs that ran when it began are looked for too.
    let last = row.swept_at.unwrap_or(now).min(now);
    let from = last.checked_sub(BACK).unwrap_or(Timestamp::MIN);
    let (looked, untold) = look::look(worker, io, place, from, &active).await?;
    look::take(worker, io, place, &looked, true).await?;
    let later = io.now();
    if now.checked_add(OLD).is_ok_and(|old| old < later) {
        let renew = |row: Option<&_>| JobSweepRow::renewed(row, claim, later);
        let renewed = worker.sweeps.change(io, &keys::job_sweep(place), renew).await?;
        let renewed = renewed.row().filter(|_| renewed.changed()).and_then(|row| row.sweeping.clone());
        let Some(renewed) = renewed else { return Ok(None) };
        *claim = renewed;
    }
    let instances_at = recoveries::sweep(worker, io, place, &running).await?;
    untold.map_or(Ok(Some(instances_at)), Err)
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
