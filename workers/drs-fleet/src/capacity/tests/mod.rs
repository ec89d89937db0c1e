//! The tables on views that are made up, and the commands against the local cloud with the operator's role.

mod commands;
mod tables;

use drs_fleet_domain::fleet::{PlaceView, Stored};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::policy::Limits;
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn now() -> Timestamp {
    "2026-08-22T20:00:00Z".parse().unwrap()
}

pub(super) fn place(account: &str, region: &str) -> Place {
    Place { account: account.parse().unwrap(), region: region.parse().unwrap() }
}

pub(super) fn account(id: &str, name: &str, regions: &[&str]) -> AccountRow {
    let region = |name: &&str| AccountRegion { region: name.parse().unwrap(), drs: true, source: false };
    AccountRow {
        id: id.parse().unwrap(),
        name: name.into(),
        alias: None,
        role_arn: format!("arn:aws:iam::{id}:role/drs-fleet-spoke"),
        external_id_secret: format!("drs-fleet/external-id/{id}"),
        regions: regions.iter().map(region).collect(),
        status: AccountStatus::Active,
        last_validated: None,
        last_error: None,
        target: None,
    }
}

/// A place that was swept three hours before `now`, apart from what `odd` says.
pub(super) fn row(place: &Place, (level, replicating): (&str, u32), now: Timestamp, odd: &Value) -> PlaceRow {
    let at = now - std::time::Duration::from_hours(3);
    let mut row = json!({
        "place": place,
        "status": { "level": level, "since": at, "limit": 300 },
        "counted": {
            "swept_at": at, "replicating": replicating, "extended": 2, "servers": replicating + 3,
            "by_state": { "CONTINUOUS": replicating, "DISCONNECTED": 1, "REPLICATING_BACKWARDS": 2 }, "initialized": true,
        },
    });
    for (name, value) in odd.as_object().unwrap() {
        row[name] = value.clone();
    }
    serde_json::from_value(row).unwrap()
}

pub(super) fn view(account: &AccountRow, row: Option<&PlaceRow>) -> PlaceView {
    let place = account.drs_places().next().unwrap();
    let limits = Limits::default();
    PlaceView::of(&Stored { account, place: &place, row, quotas: None, jobs: &[], limits: &limits })
}
