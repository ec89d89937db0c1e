//! Bar P10: how long a sweep of a large fleet takes: the capacity-tracker as it is shipped on the local cloud, where each
//! call takes a while and DRS throttles.

mod company;

use std::time::Duration;

use anyhow::Context;
use drs_fleet_testkit::bars::Bar;

use crate::report::{Found, median};
use company::Company;

const ACCOUNTS: usize = 100;
/// In each account.
const SERVERS: usize = 300;
/// Of any service.
const CALL: Duration = Duration::from_millis(50);
/// Of DRS, per account, before it throttles.
const CALLS_PER_SECOND: f64 = 10.0;
/// So many companies are swept for the first time; the table shows the median.
const FIRSTS: usize = 3;
/// A place's first sweep is made again after ten seconds; then that is over.
const SETTLED: Duration = Duration::from_secs(30);

/// The first sweep writes every row; the later ones read them and write what changed.
pub fn measure() -> anyhow::Result<Found> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the runtime cannot be started")?.block_on(async {
        let mut firsts = Vec::new();
        for _ in 1..FIRSTS {
            // Gone before the next is founded: its sweeps would go on beside.
            drop(first_sweep(&mut firsts).await?);
        }
        let mut company = first_sweep(&mut firsts).await?;
        tokio::time::sleep(SETTLED).await;
        let again = company.sweep(&[]).await?;
        let troubled = company.trouble();
        let others = company.sweep(&troubled).await?;
        let incidents = company.incidents().await?;
        let incidents: Vec<_> = incidents.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let mut found = Found::default();
        found.read(Bar::FirstSweep, median(firsts.iter().map(|(seconds, _)| *seconds)), None);
        found.read(Bar::Sweep, again, None);
        found.read(Bar::Others, others, None);
        let firsts: Vec<_> =
            firsts.iter().map(|(seconds, mib)| format!("{seconds:.1} s and {mib:.0} MiB")).collect();
        found.remark(format!(
            "P10, first sweeps of {FIRSTS} companies, and what the tracker had resident at most: {}.",
            firsts.join(", ")
        ));
        found.remark(format!(
            "R17, open at the end, for each account is at its quota: {}. `cargo test` shows that they end by themselves.",
            incidents.join(", ")
        ));
        Ok(found)
    })
}

/// Founds a company, and sweeps it for the first time; in seconds, and in MiB of memory at most.
async fn first_sweep(firsts: &mut Vec<(f64, f64)>) -> anyhow::Result<Company> {
    let mut company = Company::found(ACCOUNTS, SERVERS).await?;
    company.slow_down(CALL, CALLS_PER_SECOND);
    let took = company.sweep(&[]).await?;
    firsts.push((took, company.most_memory()?));
    Ok(company)
}
