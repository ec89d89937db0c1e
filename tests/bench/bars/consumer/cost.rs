//! Bars P1, P2, P3, P6 and P11: what an event costs in processor time, calls and dollars, and the process in memory.

use std::thread::sleep;
use std::time::Duration;

use drs_fleet_testkit::bars::{Bar, TOGETHER};

use super::dollars;
use super::events::{self, Shape};
use super::process::Who;
use super::stream::{Bench, EVENTS, Streamed};
use crate::report::{Found, median};

/// How many messages a worker has in hand at most.
const IN_HAND: usize = 256;

/// Calls that belong to handling events that have nothing to tell.
const SQS: [&str; 3] = ["ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"];
const WRITES: [&str; 2] = ["PutItem", "UpdateItem"];
const READS: [&str; 2] = ["BatchGetItem", "Query"];

/// One consumer's process.
struct Side {
    /// Resident memory in MiB: connected, before the first event …
    idle: f64,
    /// Events of servers that are known, far apart.
    spread: Cost,
    /// Four events per server, close together.
    storm: Cost,
    /// … after the last, and when as many servers have stalled, each of which it tells of.
    after: f64,
    stalled: f64,
}

/// Of one event of a stream.
struct Cost {
    cpu_seconds: f64,
    sqs: f64,
    writes: f64,
    reads: f64,
    dollars_per_million: f64,
}

struct Round {
    worker: Side,
    plain: Side,
}

pub fn measure(rounds: usize) -> anyhow::Result<Found> {
    let storm = events::stream(Shape::Storm, 0, EVENTS);
    let together = events::together(&storm, IN_HAND);
    anyhow::ensure!((together - TOGETHER).abs() < 0.005, "{together} events a server are in hand together");
    // Side by side in time, so that a busy machine is busy for both.
    let round = |_| Ok(Round { plain: side(Who::Baseline)?, worker: side(Who::Worker)? });
    let rounds: Vec<_> = (0..rounds.max(1)).map(round).collect::<anyhow::Result<_>>()?;
    Ok(found(&rounds))
}

fn side(who: Who) -> anyhow::Result<Side> {
    let mut bench = Bench::start(who)?;
    sleep(Duration::from_secs(2));
    let idle = bench.consumer.process.memory()?.0;
    bench.warm_up()?;
    let spread = Cost::of(&bench.stream(Shape::Spread, EVENTS)?)?;
    let storm = Cost::of(&bench.stream(Shape::Storm, EVENTS)?)?;
    let after = bench.consumer.process.memory()?.0;
    bench.stream(Shape::Stalls, EVENTS)?;
    Ok(Side { idle, spread, storm, after, stalled: bench.consumer.process.memory()?.0 })
}

impl Cost {
    fn of(Streamed { counted, cpu, .. }: &Streamed) -> anyhow::Result<Self> {
        let known: Vec<_> = SQS.iter().chain(&WRITES).chain(&READS).copied().collect();
        let odd: Vec<_> = counted.calls.keys().filter(|name| !known.contains(&name.as_str())).collect();
        anyhow::ensure!(odd.is_empty(), "these events have nothing to tell, and yet there was {odd:?}");
        let per_event = |operations: &[&str]| counted.calls_of(operations) as f64 / EVENTS as f64;
        Ok(Self {
            cpu_seconds: cpu.as_secs_f64() / EVENTS as f64,
            sqs: per_event(&SQS),
            writes: per_event(&WRITES),
            reads: per_event(&READS),
            dollars_per_million: dollars::per_million(EVENTS, counted.calls_of(&SQS), counted),
        })
    }
}

type Of<T> = fn(&Side) -> T;

fn found(rounds: &[Round]) -> Found {
    // Whatever else a machine does only adds to processor time.
    let least = |of: &dyn Fn(&Round) -> f64| rounds.iter().map(of).fold(f64::INFINITY, f64::min);
    let mut found = Found::default();
    let cpu: [(Bar, Of<f64>); 2] =
        [(Bar::CpuSpread, |s| s.spread.cpu_seconds), (Bar::CpuStorm, |s| s.storm.cpu_seconds)];
    for (bar, of) in cpu {
        let (worker, plain) = (least(&|round| of(&round.worker)), least(&|round| of(&round.plain)));
        found.read(bar, worker / plain, Some(1.0));
        let name = bar.spec().name;
        found.remark(format!(
            "{name}, processor seconds per 100,000 events: {:.1}, of the plain consumer {:.1} (least of {} rounds).",
            worker * 1e5,
            plain * 1e5,
            rounds.len()
        ));
    }
    let others: [(Bar, Of<f64>); 9] = [
        (Bar::Sqs, |s| s.spread.sqs),
        (Bar::WritesSpread, |s| s.spread.writes),
        (Bar::WritesStorm, |s| s.storm.writes),
        (Bar::Reads, |s| s.spread.reads),
        (Bar::MemoryAfter, |s| s.after),
        (Bar::MemoryStalled, |s| s.stalled),
        (Bar::MemoryIdle, |s| s.idle),
        (Bar::DollarsSpread, |s| s.spread.dollars_per_million),
        (Bar::DollarsStorm, |s| s.storm.dollars_per_million),
    ];
    for (bar, of) in others {
        let (worker, plain) =
            (median(rounds.iter().map(|r| of(&r.worker))), median(rounds.iter().map(|r| of(&r.plain))));
        found.read(bar, worker, Some(plain));
    }
    found.remark(dollars::REMARK.to_owned());
    found
}
