//! R9: SIGTERM under load, and while nothing happens.

use std::time::{Duration, Instant};

use drs_fleet_local::faults::Fault;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::args::{Role, What};
use super::hub::{Hub, Starts};
use super::load::{Load, of_table, rows, server};
use super::report::{Report, say};
use crate::process::Process;
use crate::stream::BEGIN;

/// How often a worker is stopped under load.
const ROUNDS: usize = 10;
/// So long a worker works before.
const WORKS: std::ops::RangeInclusive<u64> = 300..=1_500;
/// What hangs longer is killed, and counts as this.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(seed: u64, events: usize, starts: Starts) -> anyhow::Result<Report> {
    say(&format!("stop: {ROUNDS} times SIGTERM over {events} events, and once on an empty queue"));
    let mut dice = StdRng::seed_from_u64(seed);
    let mut load = Load::begin(seed, starts).await?;
    let idle = stopped(&mut load.worker).await?;
    load.worker = load.hub.worker(Role::CapacityTracker)?;
    load.put(events, false)?;
    // Work takes a while, so that there is some whenever the signal comes.
    load.hub.set_faults(vec![of_table(1.0, Fault::Delay(Duration::from_millis(100)))]);
    let (mut slowest, mut kept, mut redelivered) = (Duration::ZERO, Vec::new(), Vec::new());
    let mut idly = Vec::new();
    for round in 1..=ROUNDS {
        tokio::time::sleep(Duration::from_millis(dice.random_range(WORKS))).await;
        let held = load.hub.depth();
        if held.in_flight == 0 {
            idly.push(format!("round {round}: {} messages left", held.all()));
        }
        let took = stopped(&mut load.worker).await?;
        slowest = slowest.max(took);
        let depth = load.hub.depth();
        if depth.in_flight > 0 {
            kept.push(format!("round {round}: {} of {} messages in hand", depth.in_flight, held.in_flight));
        }
        redelivered.extend(finished_and_queued(&load.hub).await?);
        say(&format!(
            "round {round}: {} in hand, ended after {:.1} s, {} left",
            held.in_flight,
            took.as_secs_f64(),
            depth.all()
        ));
        load.worker = load.hub.worker(Role::CapacityTracker)?;
    }
    load.hub.set_faults(Vec::new());
    let (lost, rewritten) = load.offenders().await?;
    let mut report = Report::new(What::Stop, &format!("--seed {seed} --events {events}"));
    report.count("seed", seed);
    report.count("attempt-count", load.put);
    report.count("term-count", ROUNDS + 1);
    report.at_most("R9: seconds from SIGTERM to the end, under load", slowest.as_secs_f64(), 10.0);
    report.at_most("R9: seconds from SIGTERM to the end, empty queue", idle.as_secs_f64(), 10.0);
    report.none("R9: rounds in which the signal found nothing in hand", idly);
    report.none("R9: rounds after which a message was still hidden", kept);
    report.none("R9: messages that are finished and still queued", redelivered);
    report.none("R9: events lost", lost);
    report.none("R9: servers whose events were not written once each", rewritten);
    Ok(report)
}

/// Sends SIGTERM; how long it took to end.
async fn stopped(worker: &mut Process) -> anyhow::Result<Duration> {
    let began = Instant::now();
    worker.terminate()?;
    while began.elapsed() < PATIENCE {
        if let Some(status) = worker.ended()? {
            anyhow::ensure!(status.success(), "SIGTERM ended a worker with {status}");
            return Ok(began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    worker.kill()?;
    Ok(PATIENCE)
}

/// Messages whose event is in the table already.
async fn finished_and_queued(hub: &Hub) -> anyhow::Result<Vec<String>> {
    let rows = rows(&hub.items().await?);
    let mut finished = Vec::new();
    for message in hub.queued() {
        let event: Value = serde_json::from_str(&message.body)?;
        let server = server(event["resources"][0].as_str().unwrap_or_default());
        let at = event["time"].as_str().unwrap_or_default().parse::<jiff::Timestamp>()?.as_second();
        let row = server.and_then(|server| rows.get(&server));
        if row.is_some_and(|(second, _)| usize::try_from(at - BEGIN).is_ok_and(|at| at <= *second)) {
            finished.push(message.body);
        }
    }
    Ok(finished)
}
