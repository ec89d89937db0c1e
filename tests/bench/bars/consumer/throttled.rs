//! Bar P5: how much of its throughput a consumer keeps when the table throttles some of the writes.

use drs_fleet_testkit::bars::Bar;

use super::control::Behavior;
use super::events::Shape;
use super::process::Who;
use super::stream::{Bench, EVENTS};
use crate::report::{Found, median};

const ROUNDS: usize = 3;

/// Of the plain consumer: enough to see, and it takes long.
const FEW: usize = 3_000;

/// None, and those of the bars.
const PERCENT: [usize; 3] = [0, 5, 20];

pub fn measure() -> anyhow::Result<Found> {
    let plain = rates(Who::Baseline, FEW, 1)?;
    let worker = rates(Who::Worker, EVENTS, ROUNDS)?;
    let kept = |rates: &[f64; 3], n: usize| 100.0 * rates[n] / rates[0];
    let mut found = Found::default();
    for (n, bar) in [(1, Bar::Throttled5), (2, Bar::Throttled20)] {
        found.read(bar, kept(&worker, n), Some(kept(&plain, n)));
    }
    let rates = worker.map(|rate| format!("{rate:.0}")).join(", ");
    found.remark(format!(
        "P5, events per second with 0, 5 and 20 % of writes throttled: {rates}; calls take no time."
    ));
    Ok(found)
}

/// Events per second at each share of throttled writes.
fn rates(who: Who, count: usize, rounds: usize) -> anyhow::Result<[f64; 3]> {
    let mut bench = Bench::start(who)?;
    bench.warm_up()?;
    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        for (rates, throttled_percent) in rates.iter_mut().zip(PERCENT) {
            bench.endpoint.behave(Behavior { throttled_percent, ..Behavior::default() })?;
            let streamed = bench.stream(Shape::Spread, count)?;
            rates.push(count as f64 / streamed.wall.as_secs_f64());
        }
    }
    Ok(rates.map(median))
}
