//! What sweeps alone find wrong with servers and places, held against what DRS showed last.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::check::{Checked, Rows, is_open, of_place};
use super::draw::{PLACES, SERVERS};
use super::history::{History, Trouble};
use super::model::Model;
use super::shown::Ail;

/// The account whose quotas are used up when all its servers are there.
pub(super) const SMALL: u8 = 0;

/// After these it may be that its quotas could not be read.
const UNREAD: [Trouble; 3] = [Trouble::Faults, Trouble::Kills, Trouble::TableAway];

/// What DRS shows is open, and nothing else.
pub(super) fn check(
    history: &History,
    model: &Model,
    rows: &Rows,
    swept: &BTreeMap<u8, Option<i64>>,
    checked: &mut Checked,
) {
    for (n, at) in swept {
        for server in at.map_or(0..0, |_| 0..SERVERS) {
            let id = super::bodies::server_id(server);
            let row = of_place(rows, "server", *n).find(|row| row["id"] == id);
            let state = model.state((*n, server), *at);
            for ail in Ail::ALL {
                let open = row.is_some_and(|row| is_open(&row["incidents"][ail.kind()]));
                if let Some(must) = must(model, (*n, server), state, (ail, row)) {
                    checked.equal(&format!("{ail:?} of server {server} of account {n}"), &open, &must);
                }
            }
        }
    }
    if !history.weather.has(Trouble::RoleRefused) {
        (0..PLACES).for_each(|n| full(history, n, rows, checked));
    }
}

/// Whether something must be open; `None` where what was seen on the way decides.
fn must(
    model: &Model,
    (n, server): (u8, u8),
    state: Option<&str>,
    (ail, row): (Ail, Option<&Value>),
) -> Option<bool> {
    let shown = model.shown[&n].1.get(&server);
    // When it was last seen in each state that it is not in any more.
    let before = row.and_then(|row| row["replication"]["before"].as_object());
    let seen_at = |state: &str| before?.get(state)?.as_str();
    match ail {
        Ail::Disconnected if state == Some("DISCONNECTED") => {
            let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
            let connected = before.and_then(|before| before.values().filter_map(time).max());
            let called = row.and_then(|row| time(&row["disconnect_called_at"]));
            Some(connected.is_some_and(|connected| called.is_none_or(|called| called < connected)))
        }
        Ail::Rescans if state == Some("RESCAN") => Some(seen_at("CONTINUOUS").is_some()),
        Ail::Rescans if !matches!(state, Some("CONTINUOUS" | "DISCONNECTED") | None) => None,
        Ail::Disconnected | Ail::Rescans => Some(false),
        _ => Some(shown.is_some_and(|shown| shown.ail == Some(ail))),
    }
}

/// A quota is used up where the last sweep counted so many.
fn full(history: &History, n: u8, rows: &Rows, checked: &mut Checked) {
    let row = of_place(rows, "place", n).next();
    for (kind, count) in [("CAPACITY_REPLICATING", "replicating"), ("CAPACITY_TOTAL", "servers")] {
        let open = row.is_some_and(|row| is_open(&row["incidents"][kind]));
        let counted = row.and_then(|row| row["counted"][count].as_u64());
        let is_full = n == SMALL && counted >= Some(SERVERS.into());
        if open != is_full && !(is_full && are_quotas_unread(history, rows, n)) {
            checked.problem(format!("{kind} of account {n} is open: {open}, and {counted:?} are counted"));
        }
    }
}

/// Whether quotas could not be read.
pub(super) fn are_quotas_unread(history: &History, rows: &Rows, n: u8) -> bool {
    let are_read = |row: &Value| row["values"].as_object().is_some_and(|values| !values.is_empty());
    UNREAD.iter().any(|trouble| history.weather.has(*trouble)) && !of_place(rows, "quotas", n).any(are_read)
}
