//! Reading: page by page, and the rows brought in line with each as it comes.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::holding::{Holding, Stopped};
use drs_fleet_aws::io::{IDS_AT_ONCE, Io, ServerFilter};
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::{Counted, Partial, PlaceRow};
use drs_fleet_domain::planted::{Bug, is_planted};
use drs_fleet_domain::row::Stored;
use drs_fleet_domain::seen::ServerSeen;
use drs_fleet_domain::server::{self, ServerRow};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{NEW_ROWS, WRITES};
use crate::{CapacityTracker, links, servers, windows};

/// What a sweep has read so far.
pub(super) struct Reading {
    counted: Counted,
    /// The last complete sweep before this one.
    swept_before: Option<Timestamp>,
    listed: BTreeSet<SourceServerId>,
    /// What is stored of servers that were not listed yet.
    unlisted: BTreeMap<SourceServerId, Stored<ServerRow>>,
}

impl Reading {
    pub(super) fn ended_by(&self, error: &IoError) -> Partial {
        let Counted { swept_at: at, servers, .. } = self.counted;
        Partial { at, servers, reason: error.message.clone() }
    }
}

/// Reads all pages, brings the rows in line with each as it comes, and answers what was counted. Nothing is said of
/// servers that no page listed before the last one is read. Whoever relies on the sweep may have written
/// just before it.
pub(super) async fn read<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    mut holding: Holding<PlaceRow>,
    is_relied_on: bool,
    reading: &mut Option<Reading>,
) -> Result<Counted, Stopped> {
    let mut page = io.source_servers(place, &ServerFilter::All, None).await?;
    let servers = keys::servers(place);
    let stored = if is_relied_on {
        worker.servers.all_now(io, &servers).await?
    } else {
        io.query::<ServerRow>(&servers).await?
    };
    let reading = reading.insert(Reading {
        counted: Counted::nothing(page.date, page.initialized),
        swept_before: swept_at(worker, io, place).await?,
        listed: BTreeSet::new(),
        unlisted: stored.into_iter().map(|stored| (stored.row.id.clone(), stored)).collect(),
    });
    loop {
        listed(worker, io, place, reading, page.items).await?;
        let Some(next) = page.next.filter(|_| !is_planted(Bug::FirstPageOnly)) else { break };
        page = holding
            .patiently(io, || io.source_servers(place, &ServerFilter::All, Some(next.clone())))
            .await?;
    }
    look_for_unlisted(worker, io, place, &mut holding, reading).await?;
    let gone: Vec<_> = std::mem::take(&mut reading.unlisted).into_values().collect();
    links::keep(worker, io, place, &[], &gone).await?;
    let at = reading.counted.swept_at;
    let ids: Vec<_> = gone.iter().map(|stored| stored.row.id.clone()).collect();
    worker.servers.remember(gone);
    see(worker, io, place, ids.into_iter().map(|id| (id, server::Observation::Gone { at }))).await?;
    Ok(reading.counted.clone())
}

/// A server that no page listed may have moved between pages while they were turned: it is asked for by its id, and
/// only what is not found then is gone. What is gone already is not asked for again.
async fn look_for_unlisted<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
    holding: &mut Holding<PlaceRow>,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let newly = reading.unlisted.values().filter(|stored| stored.row.unlisted_since.is_none());
    let ids: Vec<_> = newly.map(|stored| stored.row.id.clone()).collect();
    for ids in ids.chunks(IDS_AT_ONCE) {
        let (filter, mut token) = (ServerFilter::Ids(ids.to_vec()), None);
        loop {
            let page = holding.patiently(io, || io.source_servers(place, &filter, token.clone())).await?;
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
    let was_listed = |stored: &&Stored<ServerRow>| stored.row.was_listed_by(reading.swept_before);
    let listed_before: BTreeSet<_> = stored.iter().filter(was_listed).map(|s| s.row.id.clone()).collect();
    windows::open(worker, io, place, &servers).await?;
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
    let swept_at = swept_at(worker, io, place).await?;
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
        .buffer_unordered(if swept_at.is_some() { WRITES } else { NEW_ROWS })
        .try_collect()
        .await?;
    Ok(rows.into_iter().flatten().collect())
}

/// When the place was last swept to the end. It was claimed by this process, which so knows the row.
async fn swept_at<I: Io>(
    worker: &CapacityTracker,
    io: &I,
    place: &Place,
) -> Result<Option<Timestamp>, IoError> {
    let known = worker.places.known(io, &keys::place(place)).await?;
    Ok(known.and_then(|stored| stored.row.swept_at()))
}
