//! The bars of speed and memory, P1 to P12, in one command. `cargo bench -p drs-fleet-tests --bench bars -- --help`
//!
//! Endpoint and consumers are processes of their own (this binary, started again, and the release builds of the
//! workers), so that processor time and memory are those of the consumer alone.

mod args;
mod binaries;
mod consumer;
mod load;
mod people;
mod report;
mod storm;
mod sweep;

use std::process::ExitCode;

use args::{Arguments, Role};
use clap::Parser;
use report::Found;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.role {
        Some(Role::Endpoint) => consumer::endpoint::run().map(|()| ExitCode::SUCCESS),
        Some(Role::Baseline) => consumer::baseline::run().map(|()| ExitCode::SUCCESS),
        None => run(&arguments),
    };
    ended.unwrap_or_else(|error| drs_fleet_aws::process::fail(&error))
}

#[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let found = measure(arguments)?;
    println!("{}", if arguments.json { found.json() } else { found.table() });
    if arguments.write_readme {
        found.write_readme()?;
    }
    Ok(ExitCode::from(u8::from(arguments.check && found.missed())))
}

type Measure = fn(&Arguments) -> anyhow::Result<Found>;

/// What belongs together is measured together.
const MEASURES: [(&[&str], Measure); 8] = [
    (&["P1", "P2", "P3", "P6", "P11"], |arguments| consumer::cost::measure(arguments.rounds)),
    (&["P4"], |_| consumer::one_core::measure()),
    (&["P5"], |_| consumer::throttled::measure()),
    (&["P7"], |_| consumer::start::measure()),
    (&["P8"], |_| consumer::trickle::measure()),
    (&["P9"], |arguments| people::measure(&arguments.storm())),
    (&["P10"], |_| sweep::measure()),
    (&["P12"], |_| binaries::measure()),
];

fn measure(arguments: &Arguments) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for (names, measure) in MEASURES.iter().filter(|(names, _)| arguments.wants(names)) {
        progress(names);
        found.add(measure(arguments)?);
    }
    Ok(found)
}

#[expect(clippy::print_stderr, reason = "it takes minutes, and standard output is for what was measured")]
fn progress(names: &[&str]) {
    eprintln!("measuring {}", names.join(", "));
}
