//! What people know, held against what was told.

use std::collections::BTreeMap;

use drs_fleet_aws::memory::MemoryIo;
use serde_json::Value;

use super::check::{Checked, Rows, rows_of};
use super::told::last_words;

/// The notifier's row of each incident is its newest word; every message was sent; and who reads all e-mails knows what is
/// open and what is over.
pub(super) fn check(rows: &Rows, world: &MemoryIo, checked: &mut Checked) {
    let published: Vec<Value> =
        world.published_events().iter().map(|event| event.detail().unwrap()).collect();
    let known = known(rows);
    for (incident, word) in last_words(published.iter()) {
        let of = |row: &&Value| row["latest"]["incident"] == incident;
        let latest = rows_of(rows, "incident").iter().find(of).map(|row| &row["latest"]["eventId"]);
        checked.equal(&format!("newest word of {incident}"), &latest, &Some(&word["eventId"]));
        if is_of_drill(word) {
            continue;
        }
        let is_open = word["happened"] != "RESOLVED";
        // Whose end came before its beginning was never told, and needs no end.
        let believed = known.get(&incident).copied().unwrap_or(false);
        checked.equal(&format!("what people think of {incident}"), &believed, &is_open);
    }
    for row in rows_of(rows, "delivery").iter().filter(|row| row["sent_at"].is_null()) {
        checked.problem(format!(
            "bulletin {} of {} was never sent to {}",
            row["number"], row["group"], row["channel"]
        ));
    }
}

/// What fails in a drill is told with the drill.
fn is_of_drill(word: &Value) -> bool {
    word["kind"] == "JOB_FAILED" && word["drill"] == true
}

/// Which incidents are open, by the last e-mail that named them.
fn known(rows: &Rows) -> BTreeMap<String, bool> {
    let mut mails: Vec<_> = rows_of(rows, "delivery").iter().filter(|row| row["channel"] == "mail").collect();
    mails.sort_by_key(|row| (row["group"].as_str().map(str::to_owned), row["number"].as_u64()));
    let named =
        mails.into_iter().flat_map(|row| row["bulletin"]["digest"]["first"].as_array().into_iter().flatten());
    named
        .map(|word| {
            (word["incident"].as_str().unwrap_or_default().to_owned(), word["happened"] != "RESOLVED")
        })
        .collect()
}
