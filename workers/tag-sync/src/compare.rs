//! What EC2 says of machines compared with what their source servers have. The inventory tells what that is, so that DRS is
//! asked only about servers that seem to differ.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::holding::{Holding, Stopped};
use drs_fleet_aws::io::{Io, READ_AT_ONCE};
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::{IoError, Neighbour, Verdict};
use drs_fleet_domain::ids::{InstanceId, SourceServerId};
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::server::{ServerDetailsRow, ServerRow};
use drs_fleet_domain::sweep::Claimed;
use drs_fleet_domain::tags::{self, Cause, InstanceTagsRow, Rules, ServerTagsRow, TagRequest};
use jiff::Timestamp;

use crate::TagSync;
use crate::listing::{self, Listing};
use crate::{machine_types, server};

/// Who wants to know.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asker<'a> {
    /// The schedule, which asks again soon.
    Schedule,
    /// A person, who waits for an answer: what cannot be done now is said, and what is to be tried later is tried now.
    Person(&'a TagRequest),
}

impl Asker<'_> {
    /// What the history says.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Schedule => Cause::Sweep,
            Self::Person(asked) => Cause::Command(asked.by.clone()),
        }
    }

    /// Whether the rest is done without what failed so. What passes soon fails the whole work, which the queue brings back.
    pub(crate) fn goes_on_after(self, error: &IoError) -> bool {
        let is_throttled = error.neighbour == Neighbour::Spoke && error.verdict == Verdict::Throttled;
        sweeps::is_vain(error) || matches!(self, Self::Person(_)) && is_throttled
    }

    fn means(self, server: &SourceServerId) -> bool {
        match self {
            Self::Person(TagRequest { servers: Some(servers), .. }) => servers.contains(server),
            Self::Person(_) | Self::Schedule => true,
        }
    }
}

/// What a comparison says of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// It seems to differ, or was never looked at.
    Look,
    /// It is in line.
    Nothing,
    /// Nothing is copied to it, as is written down.
    Skipped,
    /// Another worker is at it, or it is tried again later.
    Waits,
}

/// What was compared.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) servers: Vec<(SourceServerId, Need)>,
    /// Accounts and Regions of machines that could not be read, and why.
    pub(crate) unread: Vec<(Place, String)>,
    /// What failed on the way to the rest, and passes: it is compared when the queue brings the work back.
    pub(crate) failed: Option<IoError>,
}

/// A source server as the inventory has it.
struct Known {
    id: SourceServerId,
    /// Its machine, and where that runs.
    machine: Option<(InstanceId, Option<Place>)>,
    is_disconnected: bool,
    tags: BTreeMap<String, String>,
}

/// Compares all servers of the place that are meant.
pub(crate) async fn compare<I: Io, R: Claimed>(
    worker: &TagSync,
    io: &I,
    place: &Place,
    asker: Asker<'_>,
    holding: &mut Holding<R>,
) -> Result<Compared, Stopped> {
    let stored = io.query::<ServerTagsRow>(&keys::all_server_tags(place)).await?;
    let known: BTreeMap<_, _> =
        stored.iter().map(|stored| (stored.row.server.clone(), stored.row.clone())).collect();
    worker.servers.remember(stored);
    let mut servers = inventory(io, place, &known).await?;
    servers.retain(|server| asker.means(&server.id));
    let Listings { read: listings, unread, failed } = listings(worker, io, &servers, asker, holding).await?;
    let mut instances = instances(worker, io, &servers, &listings).await?;
    let rules = worker.rules.current(io).await?.of(&place.account);
    if rules.origin {
        let is_read = |place: &Place| listings.contains_key(place);
        machine_types::refresh(worker, io, &mut instances, is_read, holding).await?;
    }
    if matches!(asker, Asker::Schedule) {
        let listed: BTreeSet<_> = servers.iter().map(|server| &server.id).collect();
        for row in known.values().filter(|row| row.is_left_behind() && !listed.contains(&row.server)) {
            server::gone(worker, io, (place, &row.server)).await?;
        }
    }
    let (mut compared, now) = (Vec::new(), io.now());
    for server in servers {
        let told = server.machine.as_ref().and_then(|(id, _)| instances.get(id));
        let need = server.need(told, known.get(&server.id), (&rules, now), asker);
        compared.push((server.id, need));
    }
    tracing::info!(%place, servers = compared.len(), differing = number(&compared, Need::Look), "tags compared");
    Ok(Compared { servers: compared, unread, failed })
}

fn number(servers: &[(SourceServerId, Need)], of: Need) -> usize {
    servers.iter().filter(|(_, need)| *need == of).count()
}

impl Known {
    fn need(
        &self,
        told: Option<&InstanceTagsRow>,
        row: Option<&ServerTagsRow>,
        (rules, now): (&Rules, Timestamp),
        asker: Asker<'_>,
    ) -> Need {
        let Some(row) = row else { return Need::Look };
        let waits = row.is_busy(now) || row.refused.as_ref().is_some_and(|refused| refused.retry_at > now);
        if waits && matches!(asker, Asker::Schedule) {
            return Need::Waits;
        }
        let protects = self.machine.as_ref().map(|(instance, _)| instance);
        let skips = tags::reason_to_skip(protects, self.is_disconnected, told, rules).is_some();
        match told {
            Some(told) if !skips => {
                let agrees = row.agrees(&told.plan(&self.tags, &row.owned(&self.tags), rules));
                if agrees { Need::Nothing } else { Need::Look }
            }
            _ if row.skipped.is_none() => Need::Look,
            _ => Need::Skipped,
        }
    }
}

/// Where DRS does not say which machine a server protects, the machine is the one whose event found it.
async fn inventory<I: Io>(
    io: &I,
    place: &Place,
    tagged: &BTreeMap<SourceServerId, ServerTagsRow>,
) -> Result<Vec<Known>, IoError> {
    let rows = io.query::<ServerRow>(&keys::servers(place)).await?;
    let details = io.query::<ServerDetailsRow>(&keys::all_server_details(place)).await?;
    let mut details: BTreeMap<_, _> =
        details.into_iter().map(|stored| (stored.row.id.clone(), stored.row)).collect();
    let listed = rows.into_iter().map(|stored| stored.row).filter(|row| row.gone_since.is_none());
    let known = |row: ServerRow| {
        let details = details.remove(&row.id)?;
        let learnt = || tagged.get(&row.id)?.instance.clone();
        let shown = row.inventory.as_ref().and_then(|inventory| inventory.instance.clone());
        let instance = shown.or_else(learnt);
        let origin = details.facts.origin();
        Some(Known {
            id: row.id,
            machine: instance.map(|instance| (instance, origin)),
            is_disconnected: row.replication.state == "DISCONNECTED",
            tags: details.tags,
        })
    };
    Ok(listed.filter_map(known).collect())
}

/// What could be read of the machines' accounts and Regions, and what not.
struct Listings {
    read: BTreeMap<Place, Listing>,
    unread: Vec<(Place, String)>,
    failed: Option<IoError>,
}

/// The lists of all accounts and Regions in which machines of these servers run. One that refuses, throttles or hangs keeps
/// nobody from the rest.
async fn listings<I: Io, R: Claimed>(
    worker: &TagSync,
    io: &I,
    servers: &[Known],
    asker: Asker<'_>,
    holding: &mut Holding<R>,
) -> Result<Listings, Stopped> {
    let registry = worker.registry.current(io).await?;
    let of_machines = servers.iter().filter_map(|server| server.machine.as_ref()?.1.clone());
    let places: BTreeSet<Place> = of_machines.collect();
    let (mut read, mut unread, mut failed) = (BTreeMap::new(), Vec::new(), None);
    for place in places {
        if !registry.is_registered(&place.account, &place.region) {
            unread.push((place, "the account is not registered in this Region".to_owned()));
            continue;
        }
        match listing::read(io, &place, holding).await {
            Ok(listing) => {
                read.insert(place, listing);
            }
            Err(Stopped::Failed(error)) if asker.goes_on_after(&error) => {
                if sweeps::is_refusal(&error) {
                    io.evict(&place.account);
                }
                tracing::warn!(%place, %error, "tags of machines cannot be read");
                unread.push((place, error.message));
            }
            Err(Stopped::Failed(error)) if error.neighbour == Neighbour::Spoke => {
                tracing::warn!(%place, %error, "tags of machines cannot be read now");
                failed = Some(error);
            }
            Err(stopped) => return Err(stopped),
        }
    }
    Ok(Listings { read, unread, failed })
}

/// The tags of each machine, by what is newer: events or the list. What the list tells otherwise is stored.
async fn instances<I: Io>(
    worker: &TagSync,
    io: &I,
    servers: &[Known],
    listings: &BTreeMap<Place, Listing>,
) -> Result<BTreeMap<InstanceId, InstanceTagsRow>, IoError> {
    let registry = worker.registry.current(io).await?;
    let machines: BTreeMap<_, _> = servers.iter().filter_map(|server| server.machine.clone()).collect();
    let keys: Vec<Key> = machines.keys().map(keys::instance_tags).collect();
    let mut known = BTreeMap::new();
    for keys in keys.chunks(READ_AT_ONCE) {
        let found: Vec<_> = io.read::<InstanceTagsRow>(keys).await?.into_iter().flatten().collect();
        known.extend(found.iter().map(|stored| (stored.row.instance.clone(), stored.row.clone())));
        worker.instances.remember(found);
    }
    for (instance, place) in machines {
        let listing = place.as_ref().and_then(|place| Some((place, listings.get(place)?)));
        let Some((place, listing)) = listing else { continue };
        let Some(tags) = listing.tags.get(&instance) else { continue };
        let subject = (place, registry.account_name(&place.account));
        let times = (listing.at, io.now());
        let decide = |row: Option<&InstanceTagsRow>| tags::listed(subject, (&instance, tags), row, times);
        let outcome = worker.instances.change(io, &keys::instance_tags(&instance), decide).await?;
        known.extend(outcome.row().map(|row| (instance.clone(), row.clone())));
    }
    Ok(known)
}
