//! What came of it, for people and for programs.

use drs_fleet_domain::keys::Place;
use serde_json::{Value, json};

use super::ask::{All, Asked};
use crate::text::{counted, plain, table};

/// So many failures of a place are shown to people.
const SHOWN: usize = 10;

/// A line for each place, and what failed.
pub(super) fn print(all: &All) -> String {
    let headings = ["ACCOUNT", "REGION", "SERVERS", "IN LINE", "WRITTEN", "SKIPPED", "FAILED", "RESULT"];
    let rows: Vec<_> = all.asked().iter().map(row).collect();
    let failures: Vec<_> = all.asked().iter().map(failures).collect();
    let mut text = table(headings, &rows) + &failures.concat();
    if all.has_failures() {
        text += "Run the same again when what is wrong is put right: only what still differs is written.\n";
    }
    text
}

fn row(asked: &Asked) -> [String; 8] {
    let (name, region) = (plain(&asked.account_name), asked.place.region.to_string());
    let Some(row) = &asked.row else {
        let unknown = || "?".to_owned();
        return [name, region, unknown(), unknown(), unknown(), unknown(), unknown(), result(asked)];
    };
    let tally = &row.tally;
    let [servers, in_line, written, skipped, failed] =
        [tally.servers, tally.in_line, tally.written, tally.skipped, tally.failed].map(|n| n.to_string());
    [name, region, servers, in_line, written, skipped, failed, result(asked)]
}

/// How it stands, in a few words.
pub(super) fn result(asked: &Asked) -> String {
    let Some(row) = &asked.row else { return "not begun".to_owned() };
    let tally = &row.tally;
    match (&tally.refused, row.ended_at) {
        (Some(why), _) => format!("refused: {}", plain(why)),
        (None, None) => {
            format!("under way, {} of {} done", tally.done(), counted(tally.servers as usize, "server"))
        }
        (None, Some(_)) if tally.failed > 0 => {
            format!("{} of {} failed", tally.failed, counted(tally.servers as usize, "server"))
        }
        (None, Some(_)) if !row.unread.is_empty() => "some machines could not be read".to_owned(),
        (None, Some(_)) => format!("done: {} written", counted(tally.written as usize, "server")),
    }
}

/// What kept servers from their tags; a place that refuses us says it in its line.
fn failures(asked: &Asked) -> String {
    let Some(row) = &asked.row else { return String::new() };
    let head = format!("{} {}", plain(&asked.account_name), asked.place.region);
    let unread = row.unread.iter().map(|(machines, why): &(Place, String)| {
        format!("{head}: tags of machines in {machines} could not be read: {}\n", plain(why))
    });
    let named = if row.tally.refused.is_some() { 0 } else { SHOWN };
    let failed = row.tally.failures.iter().take(named);
    let failed = failed.map(|(server, why)| format!("{head}: {server}: {}\n", plain(why)));
    let left = (row.tally.failed as usize).saturating_sub(named);
    let more = (named > 0 && left > 0)
        .then(|| format!("{head}: and {} more; --json names them\n", counted(left, "server")));
    unread.chain(failed).chain(more).collect()
}

/// All of it.
pub(super) fn json(all: &All, ended: bool) -> anyhow::Result<String> {
    let one = |asked: &Asked| -> Value {
        let row = asked.row.as_ref();
        json!({
            "account_name": asked.account_name, "place": asked.place, "request": asked.request,
            "tally": row.map(|row| &row.tally), "unread": row.map(|row| &row.unread),
            "ended_at": row.and_then(|row| row.ended_at),
        })
    };
    let all = json!({
        "by": all.by, "asked_at": all.asked_at, "ended": ended, "whole": all.is_whole(),
        "places": all.asked().iter().map(one).collect::<Vec<_>>(), "left_out": all.left_out(),
    });
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}
