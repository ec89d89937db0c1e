//! Timers: of places whose jobs are looked at closely, of jobs that are over, and of incidents that flap.

use drs_fleet_aws::io::Io;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::job_sweep::{JobSweepRow, Rings};
use drs_fleet_domain::keys::{self, Key, Subject};
use drs_fleet_domain::recovery::{self, RecoveryRow};

use crate::context::Known;
use crate::jobs::decide;
use crate::{JobMonitor, ended, look};

/// An item's time has come.
pub(crate) async fn wake<I: Io>(worker: &JobMonitor, io: &I, key: &Key) -> Result<(), IoError> {
    match keys::subject_of(key) {
        Some(Subject::Jobs) => wake_place(worker, io, key).await,
        Some(Subject::Job) => wake_job(worker, io, key).await,
        Some(Subject::Recovery) => wake_recovery(worker, io, key).await,
        // An older release may run beside a newer one: later and later, lest it is asked for each second.
        None => {
            Err(IoError::new(Neighbour::Table, "wake", Verdict::Permanent, "of no kind that is known here"))
        }
    }
}

/// Whoever moves the timers serves them.
async fn wake_place<I: Io>(worker: &JobMonitor, io: &I, key: &Key) -> Result<(), IoError> {
    let Some(stored) = worker.sweeps.known(io, key).await? else { return Ok(()) };
    let place = &stored.row.place;
    let known = Known::fresh(worker, io, place).await?;
    let quotas = worker.quotas.known(io, &keys::quotas(place)).await?;
    let quotas = quotas.as_ref().map(|stored| &stored.row);
    let mut rings = Rings::default();
    let outcome = worker
        .sweeps
        .wake(io, key, |row: &JobSweepRow| {
            rings = row.rings(known.now);
            row.woken(&known.jobs(quotas))
        })
        .await?;
    if !outcome.changed() || !known.is_watched() {
        return Ok(());
    }
    if rings.sweep {
        sweeps::ask(io, std::slice::from_ref(place)).await?;
    }
    if rings.poll { look::poll(worker, io, place).await } else { Ok(()) }
}

async fn wake_job<I: Io>(worker: &JobMonitor, io: &I, key: &Key) -> Result<(), IoError> {
    let Some(stored) = worker.jobs.fresh(io, key).await? else { return Ok(()) };
    let job = &stored.row;
    let known = Known::fresh(worker, io, &job.place).await?;
    let (observations, servers) = ended::look_back(worker, io, job, &known).await?;
    let subject = (&job.place, &job.id);
    let decide = |row: &_| decide(subject, &observations, Some(row), &known, &servers, false);
    worker.jobs.wake(io, key, decide).await.map(drop)
}

async fn wake_recovery<I: Io>(worker: &JobMonitor, io: &I, key: &Key) -> Result<(), IoError> {
    let Some(stored) = worker.recoveries.known(io, key).await? else { return Ok(()) };
    let known = Known::fresh(worker, io, &stored.row.place).await?;
    let decide =
        |row: &RecoveryRow| recovery::decide((&row.place, &row.id), &[], Some(row), &known.recovery(None));
    worker.recoveries.wake(io, key, decide).await.map(drop)
}
