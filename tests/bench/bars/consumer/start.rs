//! Bar P7: from the start of the process to its first receive; and what a process takes that has nothing to do.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use drs_fleet_testkit::bars::Bar;

use super::process::{Consumer, Endpoint, Who};
use super::stream::Bench;
use crate::report::{Found, median};

const STARTS: usize = 9;

pub fn measure() -> anyhow::Result<Found> {
    let starts = |who| (0..STARTS).map(|_| start(who)).collect::<anyhow::Result<Vec<_>>>();
    let (worker, plain) = (starts(Who::Worker)?, starts(Who::Baseline)?);
    let mut found = Found::default();
    found.read(Bar::Start, median(worker), Some(median(plain)));
    Ok(found)
}

fn start(who: Who) -> anyhow::Result<f64> {
    let mut bench = Bench::start(who)?;
    let counted = bench.wait_until(|counted| counted.first_receive_ns.is_some())?;
    let first = counted.first_receive_ns.context("no receive")?;
    Ok((first - bench.consumer.started.as_nanosecond()) as f64 / 1e6)
}

/// Resident MiB of a worker as it is shipped, while its queue is empty.
pub fn idle(name: &str) -> anyhow::Result<f64> {
    let mut endpoint = Endpoint::start()?;
    let mut worker = Consumer::worker(name, &endpoint)?.process;
    sleep(Duration::from_secs(2));
    worker.still_runs()?;
    endpoint.counted()?.first_receive_ns.with_context(|| format!("{name} does not receive"))?;
    Ok(worker.memory()?.0)
}
