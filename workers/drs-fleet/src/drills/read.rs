//! The servers of many places with their history.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::drills::Known;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::launches::LaunchesRow;
use drs_fleet_domain::registry::{AccountRow, Registry};
use drs_fleet_domain::server::{ServerDetailsRow, ServerRow};
use futures::future::try_join3;

use crate::hub::Hub;
use crate::places::{self, Found};

/// What a place holds.
#[derive(Debug)]
pub(super) struct InPlace {
    account_name: String,
    servers: Vec<ServerRow>,
    details: BTreeMap<SourceServerId, ServerDetailsRow>,
    launches: BTreeMap<SourceServerId, LaunchesRow>,
}

impl InPlace {
    /// Each server with what is known of it.
    pub(super) fn known(&self) -> impl Iterator<Item = Known<'_>> {
        self.servers.iter().map(|server| Known {
            account_name: &self.account_name,
            server,
            details: self.details.get(&server.id),
            launches: self.launches.get(&server.id),
        })
    }
}

/// Reads `places`, and those into which their servers are extended: what is extended is drilled there.
pub(super) async fn read(hub: &Hub, registry: &Registry, places: &[Place]) -> Found<InPlace> {
    let target = |place: &Place| registry.account(registry.account(&place.account)?.target.as_ref()?);
    let targets = places.iter().filter_map(target).flat_map(AccountRow::drs_places);
    let all: BTreeSet<_> = places.iter().cloned().chain(targets).collect();
    places::each(all.into_iter().collect(), |place| {
        one(hub, registry.account_name(&place.account).to_owned(), place)
    })
    .await
}

async fn one(hub: &Hub, account_name: String, place: Place) -> Result<InPlace, IoError> {
    let ranges = (keys::servers(&place), keys::all_server_details(&place), keys::all_launches(&place));
    let servers = hub.rows::<ServerRow>(&ranges.0);
    let details = hub.rows::<ServerDetailsRow>(&ranges.1);
    let launches = hub.rows::<LaunchesRow>(&ranges.2);
    let (servers, details, launches) = try_join3(servers, details, launches).await?;
    Ok(InPlace {
        account_name,
        servers,
        details: details.into_iter().map(|row| (row.id.clone(), row)).collect(),
        launches: launches.into_iter().map(|row| (row.server.clone(), row)).collect(),
    })
}
