//! The recovery instances of many places.

use std::collections::BTreeSet;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::incident::{self, IncidentKind};
use drs_fleet_domain::job::JobRow;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::recovery::RecoveryRow;
use drs_fleet_domain::registry::Registry;

use crate::hub::Hub;
use crate::places::{self, Found};

/// A recovery instance and what surrounds it.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) account_name: String,
    pub(super) row: RecoveryRow,
    /// What is open on it; that its drill was left running is open on the job.
    pub(super) incidents: Vec<IncidentKind>,
}

/// Reads the instances of `places`: those that run first, the oldest of them first.
pub(super) async fn read(hub: &Hub, registry: &Registry, places: Vec<Place>) -> Found<Instance> {
    let Found { found, unread } =
        places::each(places, |place| one(hub, registry.account_name(&place.account).to_owned(), place)).await;
    let mut found: Vec<_> = found.into_iter().flatten().collect();
    found.sort_by(|a, b| order(&a.row).cmp(&order(&b.row)));
    Found { found, unread }
}

fn order(row: &RecoveryRow) -> impl Ord + '_ {
    (!row.runs(), row.gone_since.is_some(), row.since(), row.label(), &row.id)
}

async fn one(hub: &Hub, account_name: String, place: Place) -> Result<Vec<Instance>, IoError> {
    let rows = hub.rows::<RecoveryRow>(&keys::recoveries(&place)).await?;
    let left = left_running(hub, &place, &rows).await?;
    let instance = |row: RecoveryRow| {
        let is_left = row.runs() && row.job.as_ref().is_some_and(|job| left.contains(job));
        let open = incident::open(&row.incidents).map(|(kind, _)| kind);
        let incidents = open.chain(is_left.then_some(IncidentKind::DrillLeftRunning)).collect();
        Instance { account_name: account_name.clone(), row, incidents }
    };
    Ok(rows.into_iter().map(instance).collect())
}

/// Those of the instances' drills that were left running.
async fn left_running(hub: &Hub, place: &Place, rows: &[RecoveryRow]) -> Result<BTreeSet<JobId>, IoError> {
    let running = rows.iter().filter(|row| row.runs() && row.drill == Some(true));
    let jobs: BTreeSet<&JobId> = running.filter_map(|row| row.job.as_ref()).collect();
    let keys: Vec<_> = jobs.iter().map(|job| keys::job(place, job)).collect();
    let jobs = hub.io.read::<JobRow>(&keys).await?.into_iter().flatten().map(|stored| stored.row);
    let is_left =
        |job: &JobRow| incident::open(&job.incidents).any(|(kind, _)| kind == IncidentKind::DrillLeftRunning);
    Ok(jobs.filter(is_left).map(|job| job.id).collect())
}
