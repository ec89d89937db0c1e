//! What one event costs: our consume loop beside a plain consumer, both against the same canned endpoint.
//!
//! Endpoint and consumers are processes of their own (this binary, started again), so that processor time and
//! memory are those of the consumer alone. `cargo bench -p drs-fleet-tests --bench consumer -- --help`

mod args;
mod baseline;
mod canned;
mod control;
mod endpoint;
mod measure;
mod process;
mod report;

use std::process::ExitCode;

use args::{Arguments, Role};
use clap::Parser;
use drs_fleet_tests::roles;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.role {
        Some(Role::Endpoint) => endpoint::run(),
        Some(Role::Worker) => roles::capacity_tracker(),
        Some(Role::Baseline) => baseline::run(),
        None => measure::run(&arguments).map(|measured| measured.print(arguments.json)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => drs_fleet_aws::process::fail(&error),
    }
}
