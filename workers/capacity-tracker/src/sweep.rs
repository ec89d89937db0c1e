//! Sweeps: AWS's own state of one account and Region, read page by page and fed to the same decisions as events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drs_fleet_aws::io::{IDS_AT_ONCE, Io, ServerFilter};
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::{IoError, Verdict};
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::{self, Asked, Context, Counted, Observation, Partial};
use drs_fleet_domain::quota::{self, Quota};
use drs_fleet_domain::row::Stored;
use drs_fleet_domain::seen::{Page, ServerSeen};
use drs_fleet_domain::server::{self, ServerRow};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{CapacityTracker, counts, links, places, quotas, servers};

/// How many rows of one sweep are written at once.
pub(crate) const WRITES: usize = 16;

/// A page that DRS throttles is asked for again so often, for what was read before it would be read again.
const REPETITIONS: u32 = 6;

/// How long is waited before that at most, and where DRS says nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const USUAL_WAIT: Duration = Duration::from_secs(5);

/// Sweeps a place, unless another sweep serves the request, or the schedule asks too early.
pub(crate) async fn sweep<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    asked: &[Asked],
) -> Result<(), IoError> {
    let now = io.now();
    if asked.iter().all(|asked| sweeps::is_overtaken(asked.at, now)) {
        return Ok(());
    }
    let (registry, policy) = (worker.registry.current(io).await?, worker.policy.current(io).await?);
    let context = Context::new(registry.account_name(&place.account), now)
        .with(policy.of_account(&place.account), None);
    let key = keys::place(place);
    let claim = worker.places.change_now(io, &key, |row| place::claim(place, row, asked, &context)).await?;
    if !claim.changed() {
        return Ok(());
    }
    if !is_swept(worker, io, place).await? {
        return dismiss(worker, io, place).await;
    }
    let mut reading = None;
    match read(worker, io, place, &mut reading).await {
        Ok(counted) => ended(worker, io, place, counted).await,
        Err(error) => ended_early(worker, io, place, reading.as_ref(), error).await,
    }
}

/// Whether the place belongs to an account that is called; an account may be newer than the registry we hold.
async fn is_swept<I: Io>(worker: &CapacityTracker, io: &I, place: &Place) -> Result<bool, IoError> {
    if worker.registry.current(io).await?.is_swept(place) {
        return Ok(true);
    }
    worker.registry.forget();
    Ok(worker.registry.current(io).await?.is_swept(place))
}

/// Nothing of the place is watched any more. Its servers come first, so that a crash in between repeats them.
async fn dismiss<I: Io>(worker: &CapacityTracker, io: &I, place: &Place) -> Result<(), IoError> {
    servers::dismiss(worker, io, place).await?;
    places::see(worker, io, place, &[Observation::Dismissed { at: io.now() }], None).await
}

/// All pages were read.
async fn ended<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    counted: Counted,
) -> Result<(), IoError> {
    let quotas = quotas::current(worker, io, place).await?;
    let limit = quota::value(Quota::Replicating, quotas.as_ref()).value;
    tracing::info!(%place, servers = counted.servers, replicating = counted.replicating, limit, "swept");
    counts::keep(worker, io, place, &counted, limit).await?;
    places::see(worker, io, place, &[Observation::Swept(counted)], quotas.as_ref()).await
}

/// What was read stays. A refusal is an observation, and ends the sweep. What DRS cannot make sense of ends it too,
/// and the next tick asks again: when that goes on, the place is overdue. After other failures the claim stays with
/// this request, which is tried again.
async fn ended_early<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    reading: Option<&Reading>,
    error: IoError,
) -> Result<(), IoError> {
    let is_refusal = sweeps::is_refusal(&error);
    if is_refusal {
        io.evict(&place.account);
        // A person may have switched the account off since the registry was read: that is no refusal.
        worker.registry.forget();
        if !is_swept(worker, io, place).await? {
            return dismiss(worker, io, place).await;
        }
    }
    let partial = reading.map(|reading| reading.ended_by(&error));
    let known = worker.places.held(&keys::place(place));
    let known = known.as_ref().and_then(|stored| stored.row.partial.as_ref());
    let mut observations: Vec<_> =
        partial.filter(|partial| !partial.repeats(known)).map(Observation::Partly).into_iter().collect();
    if is_refusal {
        tracing::warn!(%place, %error, "the spoke refuses the sweep");
        observations.push(Observation::Denied { at: io.now(), reason: error.message });
        return places::see(worker, io, place, &observations, None).await;
    }
    places::see(worker, io, place, &observations, None).await?;
    if sweeps::is_vain(&error) {
        tracing::warn!(%place, %error, "the sweep ends; the next tick asks again");
        return Ok(());
    }
    Err(error)
}

/// What a sweep has read so far.
struct Reading {
    counted: Counted,
    listed: BTreeSet<SourceServerId>,
    /// What is stored of servers that were not listed yet.
    unlisted: BTreeMap<SourceServerId, Stored<ServerRow>>,
}

impl Reading {
    fn ended_by(&self, error: &IoError) -> Partial {
        let Counted { swept_at: at, servers, .. } = self.counted;
        Partial { at, servers, reason: error.message.clone() }
    }
}

/// Reads all pages, brings the rows in line with each as it comes, and answers what was counted. Nothing is said of
/// servers that no page listed before the last one is read.
async fn read<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    reading: &mut Option<Reading>,
) -> Result<Counted, IoError> {
    let mut page = io.source_servers(place, &ServerFilter::All, None).await?;
    let stored = io.query::<ServerRow>(&keys::servers(place)).await?;
    let reading = reading.insert(Reading {
        counted: Counted::nothing(page.date, page.initialized),
        listed: BTreeSet::new(),
        unlisted: stored.into_iter().map(|stored| (stored.row.id.clone(), stored)).collect(),
    });
    loop {
        listed(worker, io, place, reading, page.items).await?;
        let Some(next) = page.next else { break };
        page = next_page(io, place, &ServerFilter::All, Some(next)).await?;
    }
    look_for_unlisted(worker, io, place, reading).await?;
    let gone: Vec<_> = std::mem::take(&mut reading.unlisted).into_values().collect();
    links::keep(worker, io, place, &[], &gone).await?;
    let at = reading.counted.swept_at;
    let ids: Vec<_> = gone.iter().map(|stored| stored.row.id.clone()).collect();
    worker.servers.remember(gone);
    see(worker, io, place, ids.into_iter().map(|id| (id, server::Observation::Gone { at }))).await?;
    Ok(reading.counted.clone())
}

/// A page after the first. The loop that called us keeps the lease of the request meanwhile.
async fn next_page<I: Io>(
    io: &I,
    place: &Place,
    filter: &ServerFilter,
    token: Option<String>,
) -> Result<Page<ServerSeen>, IoError> {
    for _ in 0..REPETITIONS {
        match io.source_servers(place, filter, token.clone()).await {
            Err(error) if error.verdict == Verdict::Throttled => {
                io.sleep(error.retry_after.unwrap_or(USUAL_WAIT).min(LONGEST_WAIT)).await;
            }
            answer => return answer,
        }
    }
    io.source_servers(place, filter, token).await
}

/// A server that no page listed may have moved between pages while they were turned: it is asked for by its id, and
/// only what is not found then is gone. What is gone already is not asked for again.
async fn look_for_unlisted<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    reading: &mut Reading,
) -> Result<(), IoError> {
    let newly = reading.unlisted.values().filter(|stored| stored.row.unlisted_since.is_none());
    let ids: Vec<_> = newly.map(|stored| stored.row.id.clone()).collect();
    for ids in ids.chunks(IDS_AT_ONCE) {
        let (filter, mut token) = (ServerFilter::Ids(ids.to_vec()), None);
        loop {
            let page = next_page(io, place, &filter, token).await?;
            listed(worker, io, place, reading, page.items).await?;
            token = page.next;
            if token.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// One page.
async fn listed<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    reading: &mut Reading,
    mut servers: Vec<ServerSeen>,
) -> Result<(), IoError> {
    // While pages are turned a server may move to the next one.
    servers.retain(|seen| reading.listed.insert(seen.id.clone()));
    let stored: Vec<_> = servers.iter().filter_map(|seen| reading.unlisted.remove(&seen.id)).collect();
    let listed_before: BTreeSet<_> =
        stored.iter().filter(|s| s.row.inventory.is_some()).map(|s| s.row.id.clone()).collect();
    links::keep(worker, io, place, &servers, &stored).await?;
    worker.servers.remember(stored);
    let at = reading.counted.swept_at;
    let observed = servers
        .into_iter()
        .map(|seen| (seen.id.clone(), server::Observation::Seen { seen: Box::new(seen), at }));
    let rows = see(worker, io, place, observed).await?;
    for row in &rows {
        if listed_before.contains(&row.id) {
            reading.counted.add(row);
        } else {
            reading.counted.add_new(row);
        }
    }
    Ok(())
}

/// Applies what a sweep saw of servers; answers their rows.
async fn see<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    observed: impl Iterator<Item = (SourceServerId, server::Observation)>,
) -> Result<Vec<ServerRow>, IoError> {
    let (registry, policy) = (worker.registry.current(io).await?, worker.policy.current(io).await?);
    // Claimed by this process: it knows the row.
    let known = worker.places.known(io, &keys::place(place)).await?;
    let swept_at = known.and_then(|stored| stored.row.swept_at());
    let account_name = registry.account_name(&place.account);
    let now = io.now();
    let hears = worker.hearing.is_good(now);
    let context = server::Context {
        swept_at,
        hears,
        registry: Some(registry.as_ref()),
        ..server::Context::new(account_name, &policy, now)
    };
    let rows: Vec<_> = stream::iter(observed)
        .map(|(id, observation)| {
            let context = &context;
            async move { servers::see(worker, io, (place, &id), observation, context).await }
        })
        .buffer_unordered(WRITES)
        .try_collect()
        .await?;
    Ok(rows.into_iter().flatten().collect())
}
