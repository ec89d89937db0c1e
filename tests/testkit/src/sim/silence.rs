//! Who is silent: all but one, in histories that end so, and nobody in others.

use drs_fleet_aws::memory::MemoryIo;
use serde_json::Value;

use super::bodies::SOURCE_REGION;
use super::check::{Checked, Rows, is_open, rows_of};
use super::draw::PLACES;
use super::history::{History, Trouble};
use crate::company::place;

/// Account and Region of all places that may grow silent.
pub(super) fn places() -> impl Iterator<Item = (String, String)> {
    (0..PLACES).map(|n| place(n.into())).flat_map(|place| {
        let there = (place.account.to_string(), SOURCE_REGION.to_owned());
        [(place.account.to_string(), place.region.to_string()), there]
    })
}

/// Whether all of them are told to be silent.
pub(super) fn is_told(world: &MemoryIo) -> bool {
    world.look(|items| {
        let silent = items.values().filter(|item| item.kind == "place" && is_silent(&item.row().unwrap()));
        silent.count() == places().count()
    })
}

pub(super) fn check(history: &History, rows: &Rows, checked: &mut Checked) {
    let silent = rows_of(rows, "place").iter().filter(|row| is_silent(row));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut silent: Vec<_> =
        silent.map(|row| (text(&row["place"]["account"]), text(&row["place"]["region"]))).collect();
    let mut must: Vec<_> = places().filter(|_| history.weather.has(Trouble::Silence)).collect();
    silent.sort();
    must.sort();
    checked.equal("who is silent", &silent, &must);
}

fn is_silent(row: &Value) -> bool {
    is_open(&row["incidents"]["SPOKE_SILENT"])
}
