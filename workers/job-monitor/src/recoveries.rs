//! Recovery instances as events and sweeps tell of them.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::io::{IDS_AT_ONCE, Io, RecoveryFilter};
use drs_fleet_aws::patience::patiently;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::{JobId, RecoveryInstanceId, SourceServerId};
use drs_fleet_domain::job::{self, JobServerRow, Running};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::recovery::{self, Observation, RecoveryRow, Resumption};
use drs_fleet_domain::seen::RecoveryInstanceSeen;
use drs_fleet_domain::server::ServerRow;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::context::Known;
use crate::jobs::{WRITES, decide};
use crate::{JobMonitor, inventory};

/// Applies observations of a recovery instance.
pub(crate) async fn see<I: Io>(
    worker: &JobMonitor,
    io: &I,
    (place, id): (&Place, &RecoveryInstanceId),
    observations: &[Observation],
) -> Result<(), IoError> {
    let known = Known::of(worker, io, place).await?;
    let swept_at = worker.sweeps.known(io, &keys::job_sweep(place)).await?;
    let swept_at = swept_at.and_then(|stored| stored.row.instances_at);
    let decide = |row: Option<&RecoveryRow>| {
        recovery::decide((place, id), observations, row, &known.recovery(swept_at))
    };
    worker.recoveries.change(io, &keys::recovery(place, id), decide).await.map(drop)
}

/// Sweeps the recovery instances of a place, of which jobs in `running` had some; answers AWS's time of the list.
pub(crate) async fn sweep<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    running: &[JobId],
) -> Result<Timestamp, IoError> {
    let (mut listed, at) = list(io, place, &RecoveryFilter::All).await?;
    let stored = io.query::<RecoveryRow>(&keys::recoveries(place)).await?;
    let known: BTreeMap<_, _> =
        stored.iter().map(|stored| (stored.row.id.clone(), stored.row.clone())).collect();
    worker.recoveries.remember(stored);
    look_for_unlisted(io, place, &mut listed, &known).await?;
    let servers = servers_of_interest(io, place, &listed, &known).await?;
    let mut observed: BTreeMap<RecoveryInstanceId, Vec<Observation>> = BTreeMap::new();
    for seen in &listed {
        let mut all = vec![Observation::Seen { seen: Box::new(seen.clone()), at }];
        if known.get(&seen.id).is_none_or(|row| is_to_be_known(row, at)) {
            all.push(told_elsewhere(worker, io, place, seen, &servers).await?);
        }
        observed.insert(seen.id.clone(), all);
    }
    for (id, row) in &known {
        let all = observed.entry(id.clone()).or_default();
        if all.is_empty() && row.gone_since.is_none() {
            all.push(Observation::Gone { at });
        }
        all.extend(resumption(row, &servers, io.now()));
    }
    stream::iter(observed.into_iter().filter(|(_, all)| !all.is_empty()))
        .map(|(id, all)| async move { see(worker, io, (place, &id), &all).await })
        .buffer_unordered(WRITES)
        .try_collect::<()>()
        .await?;
    count(worker, io, place, (&listed, running), at).await?;
    Ok(at)
}

/// All recovery instances that a filter shows, and AWS's time of the first page.
pub(crate) async fn list<I: Io>(
    io: &I,
    place: &Place,
    filter: &RecoveryFilter,
) -> Result<(Vec<RecoveryInstanceSeen>, Timestamp), IoError> {
    let mut page = patiently(io, || io.recovery_instances(place, filter, None)).await?;
    let at = page.date;
    let mut listed = page.items;
    while let Some(token) = page.next {
        let next = || io.recovery_instances(place, filter, Some(token.clone()));
        page = patiently(io, next).await?;
        listed.append(&mut page.items);
    }
    Ok((listed, at))
}

/// An instance that no page listed may have moved between pages while they were turned: it is asked for by its server, and
/// only what is not found then is gone.
async fn look_for_unlisted<I: Io>(
    io: &I,
    place: &Place,
    listed: &mut Vec<RecoveryInstanceSeen>,
    known: &BTreeMap<RecoveryInstanceId, RecoveryRow>,
) -> Result<(), IoError> {
    let mut ids: BTreeSet<_> = listed.iter().map(|seen| seen.id.clone()).collect();
    let newly = known.values().filter(|row| row.gone_since.is_none() && !ids.contains(&row.id));
    let servers: BTreeSet<_> = newly.filter_map(|row| row.server.clone()).collect();
    let servers: Vec<_> = servers.into_iter().collect();
    for servers in servers.chunks(IDS_AT_ONCE) {
        let (found, _) = list(io, place, &RecoveryFilter::OfServers(servers.to_vec())).await?;
        listed.extend(found.into_iter().filter(|seen| ids.insert(seen.id.clone())));
    }
    Ok(())
}

/// The inventory's rows of servers whose instance has no name yet, or which are to replicate again.
async fn servers_of_interest<I: Io>(
    io: &I,
    place: &Place,
    listed: &[RecoveryInstanceSeen],
    known: &BTreeMap<RecoveryInstanceId, RecoveryRow>,
) -> Result<BTreeMap<SourceServerId, ServerRow>, IoError> {
    let is_nameless = |seen: &&RecoveryInstanceSeen| known.get(&seen.id).is_none_or(|row| row.name.is_none());
    let nameless = listed.iter().filter(is_nameless).filter_map(|seen| seen.server.clone());
    let awaiting = known.values().filter(|row| row.awaits_resumption()).filter_map(|row| row.server.clone());
    let ids: BTreeSet<_> = nameless.chain(awaiting).collect();
    inventory::rows(io, place, &ids.into_iter().collect::<Vec<_>>()).await
}

/// What the inventory and its job know of an instance.
async fn told_elsewhere<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    seen: &RecoveryInstanceSeen,
    servers: &BTreeMap<SourceServerId, ServerRow>,
) -> Result<Observation, IoError> {
    let name = seen.server.as_ref().and_then(|id| servers.get(id)).map(|row| row.name().to_owned());
    let (mut plan, mut launched_at) = (None, None);
    if let (Some(job), Some(server)) = (&seen.job, &seen.server) {
        let of_job = worker.servers.known(io, &keys::job_server(place, job, server)).await?;
        launched_at = of_job.and_then(|stored| JobServerRow::done_at(&stored.row));
        plan =
            worker.jobs.known(io, &keys::job(place, job)).await?.and_then(|stored| stored.row.plan.clone());
    }
    Ok(Observation::Known { name, plan, launched_at })
}

/// Its job may be known only after it; later, nobody will tell.
fn is_to_be_known(row: &RecoveryRow, now: Timestamp) -> bool {
    let is_young = row.first_seen.is_none_or(|seen| now.duration_since(seen) < SignedDuration::from_hours(1));
    row.name.is_none() || (row.launched_at.is_none() && is_young)
}

/// Whether the source server of an instance that failed back replicates again, where that matters.
fn resumption(
    row: &RecoveryRow,
    servers: &BTreeMap<SourceServerId, ServerRow>,
    now: Timestamp,
) -> Option<Observation> {
    let id = row.server.as_ref().filter(|_| row.awaits_resumption())?;
    let (state, replicates) = match servers.get(id).and_then(ServerRow::replicates_elsewhere) {
        Some((state, replicates)) => (state.to_owned(), replicates),
        // It no longer replicates in another account, or was removed: nobody waits for it any more.
        None => (row.resumption.as_ref()?.state.clone(), true),
    };
    Some(Observation::Resumption(Resumption { at: now, state, replicates }))
}

/// Tells drills how many of their instances run: those that have any, and those that had.
async fn count<I: Io>(
    worker: &JobMonitor,
    io: &I,
    place: &Place,
    (listed, had): (&[RecoveryInstanceSeen], &[JobId]),
    at: Timestamp,
) -> Result<(), IoError> {
    let mut running: BTreeMap<JobId, u32> = had.iter().map(|job| (job.clone(), 0)).collect();
    for seen in listed.iter().filter(|seen| seen.drill == Some(true)) {
        if let Some(job) = &seen.job {
            let is_running = seen.state.as_deref().is_some_and(recovery::runs);
            *running.entry(job.clone()).or_default() += u32::from(is_running);
        }
    }
    let known = Known::of(worker, io, place).await?;
    for (id, instances) in running {
        let key = keys::job(place, &id);
        let stored = worker.jobs.known(io, &key).await?;
        if stored.is_some_and(|stored| !stored.row.is_news_of_running(instances, at, &known.limits)) {
            continue;
        }
        let observed = [job::Observation::Running(Running { at, instances })];
        let decide = |row: Option<&_>| decide((place, &id), &observed, row, &known, &[], false);
        worker.jobs.change(io, &key, decide).await?;
    }
    Ok(())
}
