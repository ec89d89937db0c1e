//! The command line.

use clap::{Parser, ValueEnum};

/// Measures the consume loop beside a plain SDK consumer.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// Events of each measured stream.
    #[arg(long, default_value_t = 30_000)]
    pub events: usize,
    /// How often everything is measured: the least processor time and medians of all else are shown.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
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
    /// The capacity-tracker with all its settings.
    Worker,
    /// A plain consumer.
    Baseline,
}
