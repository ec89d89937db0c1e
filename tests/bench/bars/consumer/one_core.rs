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
        plain.push(drain(Who::Baseline, Connections::Open)?);
        worker.push(drain(Who::Worker, Connections::Open)?);
    }
    let cold = [drain(Who::Worker, Connections::Few)?, drain(Who::Baseline, Connections::Few)?];
    let of = |took: &[Took], value: fn(&Took) -> f64| median(took.iter().map(value));
    let mut found = Found::default();
    found.read(Bar::OneCore, of(&worker, |t| t.seconds), Some(of(&plain, |t| t.seconds)));
    let most = |took: &[Took]| took.iter().map(|t| t.connections).fold(0.0, f64::max);
    found.read(Bar::Connections, most(&worker), Some(most(&plain)));
    let [worker, plain] = cold.map(|took| took.connections);
    found.remark(format!(
        "P4, connections at most where few are open when the backlog comes: {worker:.0}, of the plain consumer {plain:.0}."
    ));
    Ok(found)
}

/// Before the backlog.
#[derive(Clone, Copy, PartialEq)]
enum Connections {
    /// As many as a worker needs that has been busy.
    Open,
    /// What is new comes to the table many to a call.
    Few,
}

fn drain(who: Who, connections: Connections) -> anyhow::Result<Took> {
    let mut bench = Bench::start_on_one_core(who)?;
    bench.warm_up()?;
    if connections == Connections::Open {
        bench.warm_up()?;
    }
    bench.endpoint.behave(Behavior { call_ms: 10, ..Behavior::default() })?;
    let streamed = bench.stream(Shape::Spread, EVENTS)?;
    Ok(Took { seconds: streamed.wall.as_secs_f64(), connections: streamed.counted.connections as f64 })
}
