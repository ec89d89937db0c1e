//! Bar P7: from the start of the process to its first receive.

use anyhow::Context;
use drs_fleet_tests::bars::Bar;

use super::process::Who;
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
