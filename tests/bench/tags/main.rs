//! What it costs to know that the tags of a fleet are in line, and how soon a changed tag is on DRS.
//! `cargo bench -p drs-fleet-tests --bench tags -- --help`

mod change;
mod drift;

use std::process::ExitCode;

use clap::Parser;

use change::Changes;
use drift::Drift;

/// Pages of `GetResources` that a full check of an account may take.
const PAGES: f64 = 10.0;
/// So soon a changed tag is on DRS, in seconds.
const SOON: f64 = 2.0;

/// Measures a full comparison of tags on a world in memory, in simulated time, so that each run prints the same; and changed
/// tags on the local cloud, in real time.
#[derive(Debug, Parser)]
struct Arguments {
    /// Accounts with DRS, each in one Region.
    #[arg(long, default_value_t = 4)]
    accounts: u16,
    /// Source servers in all.
    #[arg(long, default_value_t = 1_000)]
    servers: u16,
    /// How many tags are changed, one after the other.
    #[arg(long, default_value_t = 50)]
    changes: usize,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Cargo adds this.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => drs_fleet_aws::process::fail(&error),
    }
}

#[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let in_simulated_time =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let drift = in_simulated_time.block_on(drift::measure(arguments.accounts, arguments.servers))?;
    let in_real_time = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let changes =
        in_real_time.block_on(change::measure(usize::from(arguments.accounts), arguments.changes))?;
    if arguments.json {
        let bars = serde_json::json!({ "pages_per_account": PAGES, "seconds_until_changed": SOON });
        println!("{}", serde_json::json!({ "drift": drift, "changes": changes, "bars": bars }));
    } else {
        println!("{}\n{}", table(arguments, &drift), sentence(&changes));
    }
    Ok(())
}

fn table(arguments: &Arguments, drift: &[Drift]) -> String {
    let mut text = format!(
        "A full comparison of {} source servers in {} accounts\n\n{:<24}{:>12}{:>26}{:>18}{:>13}{:>14}\n",
        arguments.servers,
        arguments.accounts,
        "",
        "differences",
        "GetResources an account",
        "TagResource calls",
        "table writes",
        "DRS describes"
    );
    for d in drift {
        let line = format!(
            "{:<24}{:>12}{:>14.1} (bar {PAGES:.0}){:>11} (bar {}){:>13}{:>14}\n",
            d.what,
            d.differences,
            d.pages_per_account,
            d.tag_writes,
            d.differences,
            d.table_writes,
            d.describes
        );
        text.push_str(&line);
    }
    text
}

fn sentence(changes: &Changes) -> String {
    format!(
        "{} changed tags, one after the other, in real time: on DRS after {:.3} s (median), {:.3} s (longest, bar {SOON:.0} s)",
        changes.number, changes.median_seconds, changes.longest_seconds
    )
}
