//! What came of it, as Jepsen prints it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::args::What;

/// Between two lines on how far it is.
pub(super) const SAY_EVERY: Duration = Duration::from_secs(5);

/// So many offenders of a kind are shown.
const SHOWN: usize = 5;

/// What came of one program.
#[derive(Debug)]
pub(super) struct Report {
    what: What,
    /// In the order of the print.
    counts: Vec<(&'static str, Value)>,
    bars: Vec<Bar>,
    offenders: Vec<(&'static str, Vec<String>)>,
    /// Does the same again.
    replay: String,
}

#[derive(Debug)]
struct Bar {
    what: &'static str,
    measured: Value,
    limit: String,
    held: bool,
}

impl Report {
    pub(super) fn new(what: What, replay: &str) -> Self {
        let replay = format!("cargo bench -p drs-fleet-tests --bench chaos -- {} {replay}", what.name());
        Self { what, counts: Vec::new(), bars: Vec::new(), offenders: Vec::new(), replay }
    }

    pub(super) fn count(&mut self, name: &'static str, value: impl Into<Value>) {
        self.counts.push((name, value.into()));
    }

    /// At most so much.
    pub(super) fn at_most(&mut self, what: &'static str, measured: f64, bar: f64) {
        let held = measured <= bar;
        self.bars.push(Bar { what, measured: json!(rounded(measured)), limit: format!("≤ {bar}"), held });
    }

    /// At least so much.
    pub(super) fn at_least(&mut self, what: &'static str, measured: f64, bar: f64) {
        let held = measured >= bar;
        self.bars.push(Bar { what, measured: json!(rounded(measured)), limit: format!("≥ {bar}"), held });
    }

    /// There must be none of these.
    pub(super) fn none(&mut self, what: &'static str, offenders: Vec<String>) {
        let (measured, held) = (json!(offenders.len()), offenders.is_empty());
        self.bars.push(Bar { what, measured, limit: "0".to_owned(), held });
        if !held {
            self.offenders.push((what, offenders));
        }
    }

    /// Whether every bar was held.
    pub(super) fn is_valid(&self) -> bool {
        self.bars.iter().all(|bar| bar.held)
    }

    pub(super) fn json(&self) -> Value {
        let bar = |bar: &Bar| json!({ "what": bar.what, "measured": bar.measured, "bar": bar.limit, "held": bar.held });
        let counts: Map<String, Value> =
            self.counts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        json!({
            "test": self.what.name(), "valid": self.is_valid(), "counts": counts, "replay": self.replay,
            "bars": self.bars.iter().map(bar).collect::<Vec<_>>(),
            "offenders": self.offenders.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        })
    }

    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    pub(super) fn print(&self) {
        println!("\n{{:test \"{}\"\n :valid? {}", self.what.name(), self.is_valid());
        let last = self.counts.len().saturating_sub(1);
        for (n, (name, value)) in self.counts.iter().enumerate() {
            println!(" :{name} {value}{}", if n == last { "}" } else { "" });
        }
        println!("\n  {:<62}{:>11}{:>12}", "", "measured", "bar");
        for Bar { what, measured, limit, held } in &self.bars {
            println!(
                "  {what:<62}{:>11}{limit:>12}{}",
                measured.to_string(),
                if *held { "" } else { "  MISSED" }
            );
        }
        for (what, offenders) in &self.offenders {
            println!("\n  {what}: {} of {}", SHOWN.min(offenders.len()), offenders.len());
            offenders.iter().take(SHOWN).for_each(|offender| println!("  - {offender}"));
        }
        if self.is_valid() {
            println!("\nEverything looks good!");
        } else {
            println!("\nAnalysis invalid! Again: {}", self.replay);
        }
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// How far it is.
#[expect(clippy::print_stderr, reason = "progress goes to whoever waits")]
pub(super) fn say(text: &str) {
    eprintln!("  … {text}");
}
