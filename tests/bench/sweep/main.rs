//! How long a sweep of a large fleet takes: the capacity-tracker on the local cloud, where each call takes a while
//! and DRS throttles. `cargo bench -p drs-fleet-tests --bench sweep -- --help`

mod company;
mod report;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use company::Company;
use report::{Measured, Trouble};

/// Measures sweeps of a large fleet on the local cloud.
#[derive(Debug, Parser)]
struct Arguments {
    /// Spoke accounts, in one Region.
    #[arg(long, default_value_t = 100)]
    accounts: usize,
    /// Source servers in each account.
    #[arg(long, default_value_t = 300)]
    servers: usize,
    /// How long each call of any service takes, in milliseconds.
    #[arg(long, default_value_t = 50)]
    call_ms: u64,
    /// DRS calls per second and account before it throttles.
    #[arg(long, default_value_t = 10.0)]
    calls_per_second: f64,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Cargo adds this.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let measured = drs_fleet_aws::process::in_runtime(async {
        let measured = measure(&arguments).await?;
        measured.print(arguments.json);
        Ok(())
    });
    measured.unwrap_or_else(|error| drs_fleet_aws::process::fail(&error))
}

/// The first sweep writes every row; the later ones read them and write what changed.
async fn measure(arguments: &Arguments) -> anyhow::Result<Measured> {
    let company = Company::found(arguments.accounts, arguments.servers).await?;
    company.slow_down(Duration::from_millis(arguments.call_ms), arguments.calls_per_second);
    let first = company.sweep(&[]).await?;
    let again = company.sweep(&[]).await?;
    let troubled = company.trouble();
    let with_trouble = company.sweep(&troubled.each_ref().map(|t| t.place.clone())).await?;
    Ok(Measured {
        accounts: arguments.accounts,
        servers: arguments.servers,
        first,
        again,
        with_trouble,
        troubled: troubled.map(|Trouble { what, .. }| what),
        incidents: company.incidents().await?,
    })
}
