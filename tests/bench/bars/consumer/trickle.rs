//! Bar P8: how soon an event is in the table when little happens.

use drs_fleet_testkit::bars::Bar;

use super::control::Behavior;
use super::process::Who;
use super::stream::Bench;
use crate::report::{Found, percentile};

/// Events, one every so often.
const EVENTS: usize = 400;
const EVERY_MS: u64 = 47;

/// How long each call takes; there are two, the receive that brings the event and the write.
const CALL_MS: u64 = 10;

pub fn measure() -> anyhow::Result<Found> {
    let (worker, plain) = (delays(Who::Worker)?, delays(Who::Baseline)?);
    let beyond =
        |delays: &[f64], percent| percentile(delays.iter().map(|ms| ms - 2.0 * CALL_MS as f64), percent);
    let mut found = Found::default();
    found.read(Bar::Trickle, beyond(&worker, 99), Some(beyond(&plain, 99)));
    let (p50, most) = (beyond(&worker, 50), beyond(&worker, 100));
    found.remark(format!(
        "P8, half of {EVENTS} events within {p50:.1} ms beyond the two calls, all within {most:.1}."
    ));
    Ok(found)
}

fn delays(who: Who) -> anyhow::Result<Vec<f64>> {
    let mut bench = Bench::start(who)?;
    bench.warm_up()?;
    bench.endpoint.behave(Behavior { call_ms: CALL_MS, ..Behavior::default() })?;
    bench.endpoint.trickle(EVENTS, EVERY_MS)?;
    Ok(bench
        .wait_until(|counted| counted.deleted >= EVENTS && counted.written_ms.len() >= EVENTS)?
        .written_ms)
}
