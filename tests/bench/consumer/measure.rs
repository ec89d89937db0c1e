//! What is measured, in which order.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;
use capacity_tracker::CapacityTracker;
use drs_fleet_aws::worker::Worker;

use crate::args::{Arguments, Role};
use crate::control::Counted;
use crate::process::{Consumer, Endpoint};
use crate::report::{Cost, Measured, Memory, Round, Side};
use drs_fleet_tests::stream::{self, SERVERS, Shape};

/// How many messages a worker has in hand at most.
const IN_HAND: usize = 256;

const STARTS: usize = 5;

/// A stream that takes longer than this will never end.
const PATIENCE: Duration = Duration::from_mins(5);

pub fn run(arguments: &Arguments) -> anyhow::Result<Measured> {
    let events = arguments.events;
    let storm = stream::stream(Shape::Storm, 0, events);
    let mut rounds = Vec::new();
    for _ in 0..arguments.rounds.max(1) {
        // Side by side in time, so that a busy machine is busy for both.
        let (baseline, _) = side(Role::Baseline, events)?;
        let (worker, memory) = side(Role::Worker, events)?;
        rounds.push(Round { baseline, worker, memory });
    }
    let starts = (0..STARTS).map(|_| start()).collect::<anyhow::Result<_>>()?;
    Ok(Measured {
        events,
        rounds,
        together: stream::together(&storm, IN_HAND),
        starts_ms: starts,
        binary_mb: binary_mb(),
    })
}

/// One consumer's process: rows that are new, rows that are known, a storm.
fn side(role: Role, events: usize) -> anyhow::Result<(Side, Memory)> {
    let mut endpoint = Endpoint::start()?;
    let mut consumer = Consumer::start(role, &endpoint)?;
    sleep(Duration::from_secs(2));
    let (idle, _) = consumer.process.memory()?;
    let mut cost = |shape, count| cost(&mut endpoint, &mut consumer, shape, count);
    let side = Side {
        fresh: cost(Shape::Spread, SERVERS)?,
        spread: cost(Shape::Spread, events)?,
        storm: cost(Shape::Storm, events)?,
    };
    let (after, peak) = consumer.process.memory()?;
    Ok((side, Memory { idle, after, peak }))
}

fn cost(
    endpoint: &mut Endpoint,
    consumer: &mut Consumer,
    shape: Shape,
    count: usize,
) -> anyhow::Result<Cost> {
    let (before, began) = (consumer.process.cpu()?, Instant::now());
    endpoint.fill(shape, count)?;
    let counted = wait_until(endpoint, consumer, |counted| counted.deleted >= count)?;
    let (cpu, wall) = (consumer.process.cpu()?.saturating_sub(before), began.elapsed());
    let per_event = |operations: &[&str]| counted.calls_of(operations) as f64 / count as f64;
    Ok(Cost {
        cpu_per_100k: cpu.as_secs_f64() * 100_000.0 / count as f64,
        events_per_second: count as f64 / wall.as_secs_f64(),
        sqs: per_event(&["ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"]),
        writes: per_event(&["PutItem", "UpdateItem"]),
        reads: per_event(&["BatchGetItem", "Query"]),
        others: counted.calls.keys().filter(|name| !KNOWN.contains(&name.as_str())).cloned().collect(),
    })
}

/// Calls that belong to handling events that have nothing to tell.
const KNOWN: [&str; 7] = [
    "ReceiveMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibilityBatch",
    "PutItem",
    "UpdateItem",
    "BatchGetItem",
    "Query",
];

/// From the start of the process to its first receive, in milliseconds.
fn start() -> anyhow::Result<f64> {
    let mut endpoint = Endpoint::start()?;
    let mut consumer = Consumer::start(Role::Worker, &endpoint)?;
    let counted = wait_until(&mut endpoint, &mut consumer, |counted| counted.first_receive_ns.is_some())?;
    let first = counted.first_receive_ns.context("no receive")?;
    Ok((first - consumer.started.as_nanosecond()) as f64 / 1e6)
}

fn wait_until(
    endpoint: &mut Endpoint,
    consumer: &mut Consumer,
    is_over: impl Fn(&Counted) -> bool,
) -> anyhow::Result<Counted> {
    let began = Instant::now();
    loop {
        let counted = endpoint.counted()?;
        if is_over(&counted) {
            return Ok(counted);
        }
        consumer.process.still_runs()?;
        anyhow::ensure!(began.elapsed() < PATIENCE, "the consumer does not get on: {counted:?}");
        sleep(Duration::from_millis(10));
    }
}

/// Size of the worker's own binary, if there is a release build of it.
fn binary_mb() -> Option<f64> {
    let bench = std::env::current_exe().ok()?;
    let release = bench.ancestors().find(|path| path.ends_with("release"))?;
    let size = std::fs::metadata(Path::new(release).join(CapacityTracker::NAME)).ok()?.len();
    Some(size as f64 / 1e6)
}
