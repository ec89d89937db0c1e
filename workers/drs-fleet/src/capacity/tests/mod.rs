//! The tables on views that are made up, and the commands against the local cloud with the operator's role.

mod commands;
mod tables;

use drs_fleet_domain::fleet::{PlaceView, Stored};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::policy::Limits;
use drs_fleet_domain::registry::AccountRow;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::testing::{account, place};

pub(super) fn now() -> Timestamp {
    "2026-08-22T20:00:00Z".parse().unwrap()
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
