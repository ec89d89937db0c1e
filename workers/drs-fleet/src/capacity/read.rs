//! What the table holds of places, as a view of the fleet.

use anyhow::Context;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_aws::{policy, registry};
use drs_fleet_domain::fleet::{FleetView, PlaceView, Stored};
use drs_fleet_domain::ids::Region;
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::keys::{self, Key, Place, Range};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::policy::Policy;
use drs_fleet_domain::quota::QuotasRow;
use drs_fleet_domain::registry::Registry;
use drs_fleet_domain::row::Row;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;

use super::choose;
use crate::hub::Hub;

/// How many queries a person's machine has under way.
const SIDE_BY_SIDE: usize = 16;

/// The fleet, or a part of it, and when it was read.
#[derive(Debug, Serialize)]
pub(super) struct Seen {
    /// What is shown is what the table held then.
    pub(super) read_at: Timestamp,
    #[serde(flatten)]
    pub(super) view: FleetView,
    /// What it was judged by.
    #[serde(skip)]
    pub(super) policy: Policy,
}

/// Reads the places of an account, of a Region, or all.
pub(super) async fn fleet(hub: &Hub, account: Option<&str>, region: Option<&Region>) -> anyhow::Result<Seen> {
    let registry = registry::load(&hub.io).await.with_context(|| hub.unreadable())?;
    let places = choose::places(&registry, account, region)?;
    let policy = policy::load(&hub.io).await.with_context(|| hub.unreadable())?;
    let policy = policy.map(|stored| stored.row.policy).unwrap_or_default();
    let views = views(hub, &registry, &policy, &places).await.with_context(|| hub.unreadable())?;
    Ok(Seen { read_at: hub.io.now(), view: FleetView::of(views), policy })
}

async fn views(
    hub: &Hub,
    registry: &Registry,
    policy: &Policy,
    places: &[Place],
) -> Result<Vec<PlaceView>, IoError> {
    let known = rows::<PlaceRow>(hub, places, keys::place).await?;
    let quotas = rows::<QuotasRow>(hub, places, keys::quotas).await?;
    let jobs: Vec<Vec<JobRow>> = all(hub, places, keys::jobs).await?;
    let together = places.iter().zip(&known).zip(&quotas).zip(&jobs);
    let view = |(((place, row), quotas), jobs): (((_, &Option<_>), &Option<_>), &Vec<_>)| {
        let (place, limits): (&Place, _) = (place, policy.of_account(&Place::clone(place).account));
        let account = registry.account(&place.account)?;
        let (row, quotas) = (row.as_ref(), quotas.as_ref());
        Some(PlaceView::of(&Stored { account, place, row, quotas, jobs, limits: &limits }))
    };
    Ok(together.filter_map(view).collect())
}

/// A row of each place, in their order.
async fn rows<R: Row>(
    hub: &Hub,
    places: &[Place],
    key: impl Fn(&Place) -> Key,
) -> Result<Vec<Option<R>>, IoError> {
    let keys: Vec<_> = places.iter().map(key).collect();
    let found = hub.io.read::<R>(&keys).await?;
    Ok(found.into_iter().map(|stored| stored.map(|stored| stored.row)).collect())
}

/// All rows of a kind of each place, in their order.
pub(super) async fn all<R: Row>(
    hub: &Hub,
    places: &[Place],
    range: impl Fn(&Place) -> Range,
) -> Result<Vec<Vec<R>>, IoError> {
    let one = |range: Range| async move {
        let found = hub.io.query::<R>(&range).await?;
        Ok(found.into_iter().map(|stored| stored.row).collect())
    };
    let ranges: Vec<_> = places.iter().map(range).collect();
    stream::iter(ranges).map(one).buffered(SIDE_BY_SIDE).try_collect().await
}
