//! Bar P10: how long a sweep of a large fleet takes: the capacity-tracker on the local cloud, in the same process,
//! where each call takes a while and DRS throttles.

mod company;

use std::time::Duration;

use anyhow::Context;
use drs_fleet_tests::bars::Bar;

use crate::report::Found;
use company::Company;

const ACCOUNTS: usize = 100;
/// In each account.
const SERVERS: usize = 300;
/// Of any service.
const CALL: Duration = Duration::from_millis(50);
/// Of DRS, per account, before it throttles.
const CALLS_PER_SECOND: f64 = 10.0;
/// A place's first sweep is made again after ten seconds; then that is over.
const SETTLED: Duration = Duration::from_secs(30);

/// The first sweep writes every row; the later ones read them and write what changed.
pub fn measure() -> anyhow::Result<Found> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the runtime cannot be started")?.block_on(async {
        let company = Company::found(ACCOUNTS, SERVERS).await?;
        company.slow_down(CALL, CALLS_PER_SECOND);
        let first = company.sweep(&[]).await?;
        tokio::time::sleep(SETTLED).await;
        let again = company.sweep(&[]).await?;
        let troubled = company.trouble();
        let others = company.sweep(&troubled).await?;
        let incidents = company.incidents().await?;
        let incidents: Vec<_> = incidents.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let mut found = Found::default();
        found.read(Bar::FirstSweep, first, None);
        found.read(Bar::Sweep, again, None);
        found.read(Bar::Others, others, None);
        found.remark(format!(
            "R17, open at the end, for each account is at its quota: {}. `cargo test` shows that they end by themselves.",
            incidents.join(", ")
        ));
        Ok(found)
    })
}
