//! Breaks the system on purpose: real worker processes and sockets, a local cloud whose calls fail by plan, and a judge
//! that knows only the input and what is left in the end.

mod args;
mod hub;
mod input;
mod kill_storm;
mod load;
mod oracle;
mod people;
mod poison;
mod report;
mod soak;
mod spokes;
mod stop;
mod table;
mod throttle;
mod told;

use std::process::{Command, ExitCode};

use clap::Parser;

pub use self::args::Role;
use self::args::{Arguments, What};
pub use self::hub::Starts;
pub use self::kill_storm::Storm;
use self::report::Report;
use crate::shipped;

/// The whole program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = drs_fleet_aws::process::in_runtime(run(&arguments));
    ended.unwrap_or_else(|error| drs_fleet_aws::process::fail(&error))
}

/// A kill storm of workers that are started in the program's own way; an error that tells all when a bar is missed.
///
/// # Errors
/// What is wrong with what is left, and whatever kept the storm from being played.
pub async fn storm(storm: Storm, starts: Starts) -> anyhow::Result<()> {
    let report = kill_storm::run(storm, starts).await?;
    anyhow::ensure!(report.is_valid(), "{:#}", report.json());
    Ok(())
}

async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    for role in [Role::CapacityTracker, Role::Notifier] {
        shipped::build(role.name())?;
    }
    let mut valid = true;
    for what in programs(arguments.what) {
        let report = play(what, arguments).await?;
        valid &= report.is_valid();
        show(&report, arguments.json);
    }
    Ok(if valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn programs(what: What) -> Vec<What> {
    match what {
        What::All => {
            vec![What::KillStorm, What::Poison, What::Throttle, What::Stop, What::Spokes, What::Soak]
        }
        one => vec![one],
    }
}

async fn play(what: What, arguments: &Arguments) -> anyhow::Result<Report> {
    let Arguments { seed, kills, visibility, seconds, .. } = *arguments;
    let events = |default| arguments.events.unwrap_or(default);
    match what {
        What::KillStorm => {
            let people = true;
            kill_storm::run(Storm { seed, events: events(100_000), kills, visibility, people }, as_shipped)
                .await
        }
        What::Poison => poison::run(seed, events(20_000), as_shipped).await,
        What::Throttle => throttle::run(seed, seconds, as_shipped).await,
        What::Stop => stop::run(seed, events(20_000), as_shipped).await,
        What::Spokes => spokes::run(seed, as_shipped).await,
        What::Soak => soak::run(seed, events(2_000_000), as_shipped).await,
        What::All => anyhow::bail!("each by itself"),
    }
}

/// A worker as it is shipped.
fn as_shipped(role: Role) -> anyhow::Result<Command> {
    shipped::command(role.name())
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn show(report: &Report, json: bool) {
    if json {
        println!("{}", report.json());
    } else {
        report.print();
    }
}
