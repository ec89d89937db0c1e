//! What the table holds of places, as a view of the fleet.

use anyhow::Context;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::fleet::{FleetView, PlaceView, Stored};
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::policy::{Policy, PolicyRow};
use drs_fleet_domain::quota::QuotasRow;
use drs_fleet_domain::registry::Registry;
use futures::future::try_join3;
use jiff::Timestamp;
use serde::Serialize;

use crate::accounts::load;
use crate::hub::Hub;
use crate::places::{self, Found, Unread, Where};

/// The fleet, or a part of it, and when it was read.
#[derive(Debug, Serialize)]
pub(super) struct Seen {
    /// What is shown is what the table held then.
    pub(super) read_at: Timestamp,
    #[serde(flatten)]
    pub(super) view: FleetView,
    /// Places of which the table could not be read: nothing of them is in the view.
    pub(super) unread: Vec<Unread>,
    /// What it was judged by.
    #[serde(skip)]
    pub(super) policy: Policy,
}

/// Reads the places that are meant.
pub(super) async fn fleet(hub: &Hub, meant: &Where) -> anyhow::Result<Seen> {
    let registry = load(hub).await?;
    let places = meant.drs(&registry)?;
    let policy = policy::current::<PolicyRow>(&hub.io).await.with_context(|| hub.unreadable())?;
    let one = |place| view(hub, &registry, &policy, place);
    let Found { found, unread } = places::each(places, one).await;
    let view = FleetView::of(found.into_iter().flatten().collect());
    Ok(Seen { read_at: hub.io.now(), view, unread, policy })
}

async fn view(
    hub: &Hub,
    registry: &Registry,
    policy: &Policy,
    place: Place,
) -> Result<Option<PlaceView>, IoError> {
    let known = hub.row::<PlaceRow>(keys::place(&place));
    let quotas = hub.row::<QuotasRow>(keys::quotas(&place));
    let jobs = keys::jobs(&place);
    let (known, quotas, jobs) = try_join3(known, quotas, hub.rows::<JobRow>(&jobs)).await?;
    let Some(account) = registry.account(&place.account) else { return Ok(None) };
    let limits = policy.of_account(&place.account);
    let (row, quotas) = (known.as_ref(), quotas.as_ref());
    let stored = Stored { account, place: &place, row, quotas, jobs: &jobs, limits: &limits };
    Ok(Some(PlaceView::of(&stored)))
}
