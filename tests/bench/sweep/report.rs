//! What was measured, for people and for machines.

use std::collections::BTreeMap;

use drs_fleet_domain::keys::Place;
use serde::Serialize;

/// A sweep of the hundred places may take so many seconds.
const BAR: f64 = 20.0;

/// A place in which something is wrong.
pub struct Trouble {
    pub place: Place,
    pub what: &'static str,
}

/// Seconds from the request until a place was swept.
#[derive(Debug, Serialize)]
pub struct Took {
    pub median: f64,
    pub last: f64,
}

impl Took {
    pub fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let at = |n: usize| seconds.get(n).copied().unwrap_or(f64::NAN);
        Self { median: at(seconds.len() / 2), last: at(seconds.len().saturating_sub(1)) }
    }
}

#[derive(Debug, Serialize)]
pub struct Measured {
    pub accounts: usize,
    pub servers: usize,
    /// Writes every row.
    pub first: Took,
    /// Finds what is known.
    pub again: Took,
    /// The same while three accounts are in trouble, of all the others.
    pub with_trouble: Took,
    pub troubled: [&'static str; 3],
    /// Open incidents of places at the end, by kind.
    pub incidents: BTreeMap<String, usize>,
}

impl Measured {
    #[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
    pub fn print(&self, json: bool) {
        if json {
            println!("{}", serde_json::json!({ "measured": self, "bar_seconds": BAR }));
            return;
        }
        println!(
            "{} accounts of {} servers, one capacity-tracker; seconds until swept\n",
            self.accounts, self.servers
        );
        println!("{:<58}{:>8}{:>8}{:>8}", "", "median", "last", "bar");
        let line = |what: &str, took: &Took, bar: &str| {
            println!("{what:<58}{:>8.1}{:>8.1}{bar:>8}", took.median, took.last);
        };
        line("first sweep: every row is written", &self.first, "");
        line("sweep of known rows (P10)", &self.again, &format!("{BAR:.0}"));
        line(
            "the same, three accounts in trouble: the others (R17)",
            &self.with_trouble,
            &format!("{BAR:.0}"),
        );
        println!("\nIn trouble: {}", self.troubled.join("; "));
        println!("Open incidents of places at the end: {:?}", self.incidents);
    }
}
