//! What was measured, for people, for machines and for README.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use drs_fleet_testkit::bars::{BEGIN, Bar, END, Spec, Verdict, between};
use serde_json::json;

/// A number that was measured.
#[derive(Clone, Copy, Debug)]
struct Reading {
    bar: Bar,
    drs_fleet: f64,
    /// The same of the plain consumer, where it was measured.
    plain: Option<f64>,
}

/// What was found out.
#[derive(Debug, Default)]
pub struct Found {
    readings: Vec<Reading>,
    remarks: Vec<String>,
}

impl Found {
    pub fn read(&mut self, bar: Bar, drs_fleet: f64, plain: Option<f64>) {
        self.readings.push(Reading { bar, drs_fleet, plain });
    }

    /// What else a reader should know, in a sentence.
    pub fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }

    pub fn add(&mut self, other: Self) {
        self.readings.extend(other.readings);
        self.remarks.extend(other.remarks);
        self.readings.sort_by_key(|reading| reading.bar);
    }

    pub fn missed(&self) -> bool {
        self.readings.iter().any(|reading| reading.verdict() == Verdict::Missed)
    }

    pub fn json(&self) -> String {
        let bars: Vec<_> = self.readings.iter().map(Reading::json).collect();
        format!("{:#}", json!({ "cores": cores(), "bars": bars, "remarks": self.remarks }))
    }

    pub fn table(&self) -> String {
        let head = ["bar", "", "drs-fleet", "plain consumer", "bar is", "stretch", ""].map(str::to_owned);
        let rows: Vec<_> = [head].into_iter().chain(self.readings.iter().map(Reading::cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(width);
        let mut text = String::new();
        for row in &rows {
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let words = matches!(column, 0 | 1 | 6);
                let _ =
                    if words { write!(text, "{cell:<width$}  ") } else { write!(text, "{cell:>width$}  ") };
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        self.remarks.iter().for_each(|remark| {
            let _ = write!(text, "\n{remark}");
        });
        text
    }

    pub fn write_readme(&self) -> anyhow::Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
        let readme = std::fs::read_to_string(&path)?;
        let (before, _, after) = between(&readme).context("README lacks the marks of the table")?;
        Ok(std::fs::write(path, format!("{before}{BEGIN}\n{}{END}{after}", self.markdown()))?)
    }

    fn markdown(&self) -> String {
        let mut text = format!("Measured on {} cores:\n\n", cores());
        text.push_str(
            "| bar | | drs-fleet | plain consumer | aim | stretch | |\n|---|---|---|---|---|---|---|\n",
        );
        for reading in &self.readings {
            let _ = writeln!(text, "| {} |", reading.cells().join(" | "));
        }
        text.push('\n');
        self.remarks.iter().for_each(|remark| {
            let _ = writeln!(text, "- {remark}");
        });
        text
    }
}

impl Reading {
    fn verdict(&self) -> Verdict {
        self.bar.spec().judge(self.drs_fleet)
    }

    fn cells(&self) -> [String; 7] {
        let spec @ Spec { name, what, digits, .. } = self.bar.spec();
        let number = |value: f64| format!("{value:.digits$}");
        let [bar, stretch] = spec.limits();
        [
            name.to_owned(),
            what.to_owned(),
            number(self.drs_fleet),
            self.plain.map(number).unwrap_or_default(),
            bar,
            stretch,
            self.verdict().words().to_owned(),
        ]
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "spec": self.bar.spec(), "drs_fleet": self.drs_fleet, "plain_consumer": self.plain,
            "verdict": self.verdict(),
        })
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Of what varies both ways.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    percentile(values, 50)
}

/// The value that so many of a hundred do not exceed.
pub fn percentile(values: impl IntoIterator<Item = f64>, percent: usize) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}
