//! R1: two workers get SIGKILL again and again while calls fail and messages come twice, out of order, or unreadable.

use std::time::{Duration, Instant};

use drs_fleet_local::faults::{Fault, FaultRule};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::args::What;
use super::hub::{Hub, Starts};
use super::input::{self, Put};
use super::oracle::{self, DeadLetter, Seen, Verdict};
use super::report::{Report, say};
use crate::process::Process;
use crate::stream::ACCOUNTS;

/// Between two kills.
const PAUSE: std::ops::RangeInclusive<u64> = 20..=500;

const WORKERS: usize = 2;

/// A queue that is not empty by then never will be.
const PATIENCE: Duration = Duration::from_mins(10);
/// What could not be told is told again after half a minute, perhaps more than once.
const UNTIL_TOLD: Duration = Duration::from_mins(3);

/// What is stormed.
#[derive(Clone, Copy, Debug)]
pub struct Storm {
    /// Makes the same input, kills and faults again.
    pub seed: u64,
    /// Messages that can be read.
    pub events: usize,
    /// How often a worker gets SIGKILL.
    pub kills: usize,
    /// Seconds for which a dead worker's messages stay hidden.
    pub visibility: u64,
}

/// Runs the storm and judges what is left.
pub(super) async fn run(storm: Storm, starts: Starts) -> anyhow::Result<Report> {
    let began = Instant::now();
    let Storm { seed, events, kills, visibility } = storm;
    say(&format!("kill storm: {events} events, {kills} kills, seed {seed}"));
    let log = input::log(input::Plan { seed, events, poison: 0.001 }, Timestamp::now());
    let hub = Hub::build(seed, ACCOUNTS, starts).await?;
    hub.set_visibility(visibility).await?;
    hub.set_faults(faults());
    let workers = kill(&hub, storm, &log).await?;
    let stormed = began.elapsed();
    say("no more kills");
    hub.drained(PATIENCE).await?;
    let drained = began.elapsed();
    let seen = seen(&hub).await?;
    let returned = hub.returned();
    drop(workers);
    let verdict = oracle::judge(&log, &seen)?;
    let replay = format!("--seed {seed} --events {events} --kills {kills} --visibility {visibility}");
    let mut report = Report::new(What::KillStorm, &replay);
    report.count("seed", seed);
    report.count("worker-count", WORKERS);
    report.count("kill-count", kills);
    report.count("visibility-seconds", visibility);
    report.count("attempt-count", log.len());
    report.count("recovered-count", returned);
    tell(&mut report, &verdict);
    report.count("kills-seconds", stormed.as_secs());
    report.count("drained-seconds", drained.as_secs());
    report.count("elapsed-seconds", began.elapsed().as_secs());
    bars(&mut report, verdict, kills);
    Ok(report)
}

fn tell(report: &mut Report, verdict: &Verdict) {
    report.count("subject-count", verdict.subjects);
    report.count("open-count", verdict.open);
    report.count("lost-count", verdict.lost.len());
    report.count("unexpected-count", verdict.unexpected.len());
    report.count("poison-count", verdict.poison);
    report.count("dead-letter-count", verdict.dead_letters);
    report.count("told-count", verdict.told.distinct);
    report.count("told-delivery-count", verdict.told.deliveries);
    report.count("told-lost-count", verdict.told.lost.len());
    report.count("told-duplicated-count", verdict.told.duplicates);
}

fn bars(report: &mut Report, verdict: Verdict, kills: usize) {
    let told = verdict.told;
    report.none("R1: subjects whose newest event is not in the table (lost)", verdict.lost);
    report.none("R1: items that follow from no event (unexpected)", verdict.unexpected);
    report.none("R1: poison that is not dead-lettered", verdict.not_buried);
    report.none("R1: dead letters that are no poison, or without reason", verdict.buried_wrongly);
    report.none("R1: notifications lost", told.lost);
    report.at_most(
        "R1: duplicates on an unkeyed sink, at most one per kill",
        told.duplicates as f64,
        kills as f64,
    );
    report.at_most("R1: duplicates on a keyed sink", told.under_two_ids as f64, 0.0);
}

/// Puts the log on the queue, in step with the kills, so that there is work until the last one.
async fn kill(hub: &Hub, storm: Storm, log: &[Put]) -> anyhow::Result<Vec<Process>> {
    let mut dice = StdRng::seed_from_u64(storm.seed);
    let mut workers = (0..WORKERS).map(|_| hub.worker()).collect::<anyhow::Result<Vec<_>>>()?;
    let mut shares = log.chunks(log.len().div_ceil(storm.kills + 1).max(1));
    let mut said = Instant::now();
    for n in 0..storm.kills {
        for put in shares.next().into_iter().flatten() {
            hub.put(&put.body)?;
        }
        tokio::time::sleep(Duration::from_millis(dice.random_range(PAUSE))).await;
        let worker = &mut workers[dice.random_range(0..WORKERS)];
        worker.still_runs()?;
        worker.kill()?;
        *worker = hub.worker()?;
        if said.elapsed() > super::report::SAY_EVERY {
            said = Instant::now();
            say(&format!("{} of {} kills, {} messages on the queue", n + 1, storm.kills, hub.depth().all()));
        }
    }
    for put in shares.flatten() {
        hub.put(&put.body)?;
    }
    Ok(workers)
}

/// The shares of R1; the shuffling is in the input.
fn faults() -> Vec<FaultRule> {
    let rule = |service: &str, operation: &str, probability, fault| FaultRule {
        service: service.to_owned(),
        operation: operation.to_owned(),
        account: String::new(),
        probability,
        fault,
    };
    vec![
        rule("", "", 0.05, Fault::Throttle),
        rule("", "", 0.01, Fault::ServerError),
        rule("", "", 0.01, Fault::Reset),
        rule("", "", 0.005, Fault::ReplyLost),
        rule("sqs", "ReceiveMessage", 0.1, Fault::Duplicate),
    ]
}

/// What is left once everything was told that can be.
async fn seen(hub: &Hub) -> anyhow::Result<Seen> {
    let began = Instant::now();
    let items = loop {
        // The plan of faults strikes this call as well.
        let items = hub.items().await.unwrap_or_default();
        let untold =
            |item: &&serde_json::Value| item["outbox"].as_object().is_some_and(|outbox| !outbox.is_empty());
        let left = items.iter().filter(untold).count();
        if (left == 0 && !items.is_empty()) || began.elapsed() > UNTIL_TOLD {
            break items;
        }
        say(&format!("{left} items have something left to tell"));
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    let dead_letters = hub.dead_letters().into_iter().map(|letter| DeadLetter {
        reason: letter.attributes.get("reason").and_then(|reason| reason.string_value.clone()),
        body: letter.body,
    });
    Ok(Seen { items, dead_letters: dead_letters.collect(), told: hub.told()? })
}
