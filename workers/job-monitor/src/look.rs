//! Looks at the jobs of a place: one `DescribeJobs` for all of them, bounded by the oldest that matters.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_aws::io::{Io, JobFilter};
use drs_fleet_aws::patience::patiently;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::{IoError, Neighbour};
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::Observation;
use drs_fleet_domain::job_sweep::{self, JobSweepRow, Looked};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::seen::{JobSeen, Page};
use jiff::Timestamp;

use crate::context::Known;
use crate::jobs::may_have_begun;
use crate::{JobMonitor, ended, jobs};

/// Clocks and the dates of CloudTrail may differ from those of DRS by this much.
const SLACK: Duration = Duration::from_mins(1);

/// A job that was just begun, or told of, may not be listed yet.
const YOUNG: Duration = Duration::from_mins(5);

/// So many ids a filter of jobs takes.
const JOB_IDS_AT_ONCE: usize = 1_000;

/// Looks at the active jobs of a place.
pub(crate) async fn poll<I: Io>(worker: &JobMonitor, io: &I, place: &Place) -> Result<(), IoError> {
    let row = worker.sweeps.known(io, &keys::job_sweep(place)).await?;
    let Some(active) = row.map(|stored| stored.row.active.clone()).filter(|active| !active.is_empty()) else {
        return Ok(());
    };
    let oldest = active.values().min().copied().unwrap_or_else(|| io.now());
    // Older ones are asked for by their ids: what the place did since is a long list.
    let from = oldest.max(may_have_begun(io.now()));
    match look(worker, io, place, from, &active).await {
        Ok((looked, untold)) => {
            take(worker, io, place, &looked, false).await?;
            untold.map_or(Ok(()), Err)
        }
        // The capacity-tracker, which sweeps the same account, opens the incident.
        Err(error) if sweeps::is_vain(&error) => {
            if sweeps::is_refusal(&error) {
                io.evict(&place.account);
            }
            tracing::warn!(%place, %error, "the active jobs cannot be looked at");
            let later = |row: Option<&_>| JobSweepRow::refused(row, io.now());
            worker.sweeps.change(io, &keys::job_sweep(place), later).await.map(drop)
        }
        Err(error) => Err(error),
    }
}

/// Looks at all jobs since `from`, and at those of `active` that are older, or that are not listed any more. Jobs of which
/// the spoke does not tell all keep none of the others back: they count as active, so that they are looked at again, and
/// the first such failure is answered as well.
pub(crate) async fn look<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    from: Timestamp,
    active: &BTreeMap<JobId, Timestamp>,
) -> Result<(Looked, Option<IoError>), IoError> {
    let mut looked = (Looked::default(), None);
    let from = from.checked_sub(SLACK).unwrap_or(Timestamp::MIN);
    let date = all_pages(worker, io, place, &JobFilter::Since(from), &mut looked).await?;
    let is_found = |looked: &Looked, id: &JobId| looked.active.contains_key(id) || looked.over.contains(id);
    let is_missing = |id: &&JobId| !is_found(&looked.0, id);
    let missing: Vec<JobId> = active.keys().filter(is_missing).cloned().collect();
    for ids in missing.chunks(JOB_IDS_AT_ONCE) {
        all_pages(worker, io, place, &JobFilter::Ids(ids.to_vec()), &mut looked).await?;
    }
    let (mut looked, untold) = looked;
    for id in &missing {
        let began = active.get(id).copied().unwrap_or(date);
        if is_found(&looked, id) {
            continue;
        }
        // When one began of which only an event told is not known.
        let row = worker.jobs.known(io, &keys::job(place, id)).await?;
        let moved = row.map_or(began, |stored| stored.row.moved_at().max(began));
        if moved.checked_add(YOUNG).is_ok_and(|end| end < date) {
            ended::vanished(worker, io, (place, id), Observation::Gone { at: date }).await?;
            looked.over.insert(id.clone());
        } else {
            looked.active.insert(id.clone(), began);
        }
    }
    Ok((looked, untold))
}

/// Takes over every page; answers AWS's time of the first.
async fn all_pages<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    filter: &JobFilter,
    (looked, untold): &mut (Looked, Option<IoError>),
) -> Result<Timestamp, IoError> {
    let mut page = io.jobs(place, filter, None).await?;
    let first = page.date;
    loop {
        let Page { items, next, date, .. } = page;
        for seen in items {
            match jobs::look(worker, io, place, (&seen, date)).await {
                Ok(is_active) => note(looked, &seen, is_active, date),
                Err(error) if error.neighbour == Neighbour::Spoke => {
                    looked.active.insert(seen.id, seen.created.unwrap_or(date));
                    untold.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        let Some(token) = next else { return Ok(first) };
        page = patiently(io, || io.jobs(place, filter, Some(token.clone()))).await?;
    }
}

fn note(looked: &mut Looked, seen: &JobSeen, is_active: bool, date: Timestamp) {
    if !is_active {
        looked.over.insert(seen.id.clone());
    } else if looked.active.insert(seen.id.clone(), seen.created.unwrap_or(date)).is_none() {
        looked.in_jobs.jobs += 1;
        looked.in_jobs.servers += u32::try_from(seen.servers.len()).unwrap_or(u32::MAX);
    }
}

/// Takes over what a look found. A sweep also reads the quotas afresh.
pub(crate) async fn take<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    looked: &Looked,
    reads_quotas: bool,
) -> Result<(), IoError> {
    let known = Known::of(worker, io, place).await?;
    let key = keys::quotas(place);
    let quotas = if reads_quotas { worker.quotas.fresh(io, &key).await? } else { worker.quotas.held(&key) };
    let quotas = quotas.as_ref().map(|stored| &stored.row);
    let decide = |row: Option<&_>| job_sweep::looked(place, looked, row, &known.jobs(quotas));
    worker.sweeps.change(io, &keys::job_sweep(place), decide).await.map(drop)
}
