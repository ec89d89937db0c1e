//! What is asked of the tag-sync.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use drs_fleet_aws::io::Io;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::registry::Registry;
use drs_fleet_domain::tags::{TagRequest, TagRequestRow, is_tagged};
use jiff::Timestamp;

use super::super::read::{self, Server};
use super::Arguments;
use crate::accounts::load;
use crate::hub::{self, Hub};
use crate::places::{self, Where};

/// So many servers a request names at most.
const NAMED: usize = 1_000;

/// One request, and how far it is.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) account_name: String,
    pub(super) place: Place,
    pub(super) request: String,
    /// As the tag-sync wrote it down last; nothing yet while it waits in the queue.
    pub(super) row: Option<TagRequestRow>,
}

/// All requests of one command.
#[derive(Debug)]
pub(super) struct All {
    pub(super) by: String,
    pub(super) asked_at: Timestamp,
    asked: Vec<Asked>,
    /// Places of accounts that are switched off or not validated.
    left_out: Vec<Place>,
}

impl Asked {
    pub(super) fn is_over(&self) -> bool {
        self.row.as_ref().is_some_and(|row| row.ended_at.is_some())
    }

    fn is_whole(&self) -> bool {
        self.is_over() && self.row.as_ref().is_some_and(|row| row.tally.is_whole() && row.unread.is_empty())
    }
}

impl All {
    pub(super) fn asked(&self) -> &[Asked] {
        &self.asked
    }

    pub(super) fn asked_mut(&mut self) -> &mut [Asked] {
        &mut self.asked
    }

    pub(super) fn left_out(&self) -> &[Place] {
        &self.left_out
    }

    /// Whether anything came to an end that could not be done.
    pub(super) fn has_failures(&self) -> bool {
        self.asked.iter().any(|asked| asked.is_over() && !asked.is_whole())
    }

    /// Whether nothing that was asked for is left to be done.
    pub(super) fn is_whole(&self) -> bool {
        self.asked.iter().all(Asked::is_whole)
    }
}

/// Puts the requests on the tag-sync's queue.
pub(super) async fn ask(hub: &Hub, arguments: &Arguments) -> anyhow::Result<All> {
    let registry = load(hub).await?;
    let meant = places_of(&registry, arguments)?;
    let (on, left_out): (Vec<_>, Vec<_>) = meant.into_iter().partition(|place| registry.is_swept(place));
    if on.is_empty() {
        bail!("nothing was asked for: `drs-fleet accounts list` shows which accounts are ACTIVE");
    }
    let (by, asked_at) = (hub.who().await, hub.io.now());
    let mut requests = Vec::new();
    for (place, servers) in narrowed(hub, &registry, arguments, on).await? {
        let request = uuid::Uuid::new_v4().to_string();
        requests.push((place, TagRequest { request, by: by.clone(), servers }));
    }
    if !hub.ask_for_tags(&requests).await? {
        let variable = hub::tag_queue_variable();
        bail!(
            "the queue of the tag-sync is not known: set {variable}; it compares tags every 5 minutes anyway"
        );
    }
    let asked = requests.into_iter().map(|(place, TagRequest { request, .. })| {
        let account_name = registry.account_name(&place.account).to_owned();
        Asked { account_name, place, request, row: None }
    });
    Ok(All { by, asked_at, asked: asked.collect(), left_out })
}

fn places_of(registry: &Registry, arguments: &Arguments) -> anyhow::Result<BTreeSet<Place>> {
    let Arguments { accounts, region, .. } = arguments;
    let accounts = if accounts.is_empty() { vec![None] } else { accounts.iter().map(Some).collect() };
    let mut places = BTreeSet::new();
    for account in accounts {
        places.extend(Where::meaning(account, region.as_ref()).drs(registry)?);
    }
    Ok(places)
}

type Named = Option<BTreeSet<SourceServerId>>;

/// The places with the servers that are meant there; all of them unless any are named.
async fn narrowed(
    hub: &Hub,
    registry: &Registry,
    arguments: &Arguments,
    places: Vec<Place>,
) -> anyhow::Result<Vec<(Place, Named)>> {
    let Arguments { servers, tags, .. } = arguments;
    if servers.is_empty() && tags.is_empty() {
        return Ok(places.into_iter().map(|place| (place, None)).collect());
    }
    let found = read::read(hub, registry, places).await?;
    // Who names servers is not to take a part for the whole.
    places::complain(&found.unread)?;
    let is_meant = |server: &Server| {
        (servers.is_empty() || servers.iter().any(|given| server.is_meant(given)))
            && tags.iter().all(|tag| server.tags.iter().any(|tags| is_tagged(tags, tag)))
    };
    let mut meant: BTreeMap<Place, Vec<SourceServerId>> = BTreeMap::new();
    for server in found.found.into_iter().flat_map(|place| place.servers).filter(is_meant) {
        meant.entry(server.place).or_default().push(server.id);
    }
    if meant.is_empty() {
        bail!("no source server there is as asked; `drs-fleet servers list` shows them");
    }
    let parts = |(place, ids): (Place, Vec<SourceServerId>)| {
        let part = |ids: &[SourceServerId]| (place.clone(), Some(ids.iter().cloned().collect()));
        ids.chunks(NAMED).map(part).collect::<Vec<_>>()
    };
    Ok(meant.into_iter().flat_map(parts).collect())
}
