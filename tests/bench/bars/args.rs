//! The command line.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, ValueEnum};
use drs_fleet_testkit::bars::Bar;

use crate::storm::Storm;

/// Measures the bars of speed and memory, P1 to P12, and judges what was measured.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches")]
pub struct Arguments {
    /// Measure these bars alone, such as P4,P5.
    #[arg(long, value_delimiter = ',', value_parser = bar_name)]
    only: Vec<String>,
    /// How often both consumers are measured: the least processor time and medians of all else are shown.
    #[arg(long, default_value_t = 4)]
    pub rounds: usize,
    /// P9: how many servers stall in the storm.
    #[arg(long, default_value_t = 30_000, value_parser = at_least_one())]
    storm: usize,
    /// P9: how many milliseconds each call takes in the storm.
    #[arg(long, default_value_t = 10)]
    call_ms: u64,
    /// P9: how many instances of each worker there are in the storm.
    #[arg(long, default_value_t = 1, value_parser = at_least_one())]
    instances: usize,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Write the table into README.
    #[arg(long, conflicts_with = "only")]
    pub write_readme: bool,
    /// End with code 1 when a bar is missed.
    #[arg(long)]
    pub check: bool,
    /// Be one of the processes that the benchmark starts.
    #[arg(long, hide = true)]
    pub role: Option<Role>,
    /// Cargo adds this.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What a process of the benchmark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Plays SQS and `DynamoDB`.
    Endpoint,
    /// A plain consumer.
    Baseline,
}

impl Arguments {
    /// The storm of P9.
    pub fn storm(&self) -> Storm {
        Storm { servers: self.storm, instances: self.instances, call: Duration::from_millis(self.call_ms) }
    }

    /// Whether one of these is to be measured.
    pub fn wants(&self, names: &[&str]) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| names.contains(&only.as_str()))
    }
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

fn bar_name(text: &str) -> Result<String, String> {
    let name = text.trim().to_uppercase();
    let is_known = Bar::ALL.iter().any(|bar| bar.spec().name == name);
    if is_known { Ok(name) } else { Err(format!("{name} is not measured here")) }
}
