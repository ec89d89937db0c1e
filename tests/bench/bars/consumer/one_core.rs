//! Bar P4: a backlog where each call takes 10 ms, on one core and with few connections.

use drs_fleet_testkit::bars::Bar;

use super::control::Behavior;
use super::events::Shape;
use super::process::Who;
use super::stream::{Bench, EVENTS};
use crate::report::{Found, median};

const ROUNDS: usize = 3;

struct Took {
    seconds: f64,
    connections: f64,
}

pub fn measure() -> anyhow::Result<Found> {
    let mut plain = Vec::new();
    let mut worker = Vec::new();
    for _ in 0..ROUNDS {
        plain.push(drain(Who::Baseline)?);
        worker.push(drain(Who::Worker)?);
    }
    let of = |took: &[Took], value: fn(&Took) -> f64| median(took.iter().map(value));
    let mut found = Found::default();
    found.read(Bar::OneCore, of(&worker, |t| t.seconds), Some(of(&plain, |t| t.seconds)));
    let most = |took: &[Took]| took.iter().map(|t| t.connections).fold(0.0, f64::max);
    found.read(Bar::Connections, most(&worker), Some(most(&plain)));
    Ok(found)
}

fn drain(who: Who) -> anyhow::Result<Took> {
    let mut bench = Bench::start_on_one_core(who)?;
    bench.warm_up()?;
    bench.endpoint.behave(Behavior { call_ms: 10, ..Behavior::default() })?;
    let streamed = bench.stream(Shape::Spread, EVENTS)?;
    Ok(Took { seconds: streamed.wall.as_secs_f64(), connections: streamed.counted.connections as f64 })
}
