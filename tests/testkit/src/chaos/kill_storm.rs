//! R1: two trackers, and now and then the notifier behind them, get SIGKILL again and again while calls fail and messages come twice,
//! out of order, or unreadable.
//!
//! Calls fail until the workers' queues are empty, long after the last kill. Then they do not, and what a dead worker had
//! claimed or could not tell gets its time: a claim of the notifier runs out after three minutes.

use std::time::{Duration, Instant};

use drs_fleet_local::faults::{Fault, FaultRule};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::args::{Role, What};
use super::hub::{Hub, Starts};
use super::input::{self, Put};
use super::oracle::{self, DeadLetter, Seen, Verdict};
use super::people::People;
use super::report::{Report, SAY_EVERY, say};
use super::told::Heard;
use crate::process::Process;
use crate::stream::ACCOUNTS;

/// Milliseconds between two kills.
const PAUSE: std::ops::RangeInclusive<u64> = 20..=500;

/// What the events are for, one of which is killed each time.
const TRACKERS: usize = 2;

/// The notifier behind them is killed as well at every third of these times.
const NOTIFIER_EVERY: usize = 3;

/// A queue that is not empty by then never will be.
const PATIENCE: Duration = Duration::from_mins(10);

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
    /// Whether a notifier tells people, and is killed as the others are.
    pub people: bool,
}

/// Runs the storm and judges what is left.
pub(super) async fn run(storm: Storm, starts: Starts) -> anyhow::Result<Report> {
    let began = Instant::now();
    let Storm { seed, events, kills, visibility, people } = storm;
    say(&format!("kill storm: {events} events, {kills} kills, seed {seed}"));
    let log = input::log(input::Plan { seed, events, poison: 0.001 }, Timestamp::now());
    let people = if people { Some(People::listen().await?) } else { None };
    let hub = hub(storm, people.as_ref(), starts).await?;
    let _workers = kill(&hub, storm, &log).await?;
    let stormed = began.elapsed();
    say("no more kills");
    hub.drained(PATIENCE).await?;
    let drained = began.elapsed();
    let verdict = settled(&hub, &log, people.as_ref()).await?;
    let replay = format!("--seed {seed} --events {events} --kills {kills} --visibility {visibility}");
    let mut report = Report::new(What::KillStorm, &replay);
    report.count("seed", seed);
    report.count("kill-count", kills);
    report.count("visibility-seconds", visibility);
    report.count("attempt-count", log.len());
    report.count("recovered-count", hub.returned());
    tell(&mut report, &verdict);
    report.count("seconds-until-last-kill", stormed.as_secs());
    report.count("seconds-until-queue-empty", drained.as_secs());
    report.count("seconds-in-all", began.elapsed().as_secs());
    bars(&mut report, verdict, kills);
    Ok(report)
}

async fn hub(storm: Storm, people: Option<&People>, starts: Starts) -> anyhow::Result<Hub> {
    let hub = Hub::build(storm.seed, ACCOUNTS, starts).await?;
    if let Some(people) = people {
        hub.tell(people).await?;
    }
    hub.set_visibility(storm.visibility).await?;
    hub.set_faults(faults());
    Ok(hub)
}

fn tell(report: &mut Report, verdict: &Verdict) {
    report.count("subject-count", verdict.subjects);
    report.count("open-count", verdict.open);
    report.count("lost-count", verdict.lost.len());
    report.count("unexpected-count", verdict.unexpected.len());
    report.count("poison-count", verdict.poison);
    report.count("dead-letter-count", verdict.dead_letters);
    report.count("published-count", verdict.on_bus.distinct);
    report.count("published-again-count", verdict.on_bus.duplicates());
    if let Some(told) = &verdict.by_people {
        report.count("notified-count", told.distinct);
        report.count("notified-again-count", told.duplicates());
    }
}

fn bars(report: &mut Report, verdict: Verdict, kills: usize) {
    report.none("R1: subjects whose newest event is not in the table (lost)", verdict.lost);
    report.none("R1: items that follow from no event (unexpected)", verdict.unexpected);
    report.none("R1: poison that is not dead-lettered", verdict.not_buried);
    report.none("R1: dead letters that are no poison, or without reason", verdict.buried_wrongly);
    report.none("R1: subjects of which the bus was told something else", verdict.on_bus.lost);
    report.at_most("R1: news on the bus under two ids", verdict.on_bus.under_two_ids as f64, 0.0);
    if let Some(told) = verdict.by_people {
        let duplicates = told.duplicates() as f64;
        report.none("R1: subjects of which people were told something else", told.lost);
        report.at_most("R1: notified again, where keys are not looked at", duplicates, kills as f64);
        report.at_most("R1: notified again under another key", told.under_two_ids as f64, 0.0);
    }
}

/// Puts the log on the queue, in step with the kills, so that there is work until the last one.
async fn kill(hub: &Hub, storm: Storm, log: &[Put]) -> anyhow::Result<Vec<Process>> {
    let mut dice = StdRng::seed_from_u64(storm.seed);
    let notifiers = usize::from(storm.people);
    let roles = [vec![Role::CapacityTracker; TRACKERS], vec![Role::Notifier; notifiers]].concat();
    let mut workers = roles.iter().map(|role| hub.worker(*role)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut shares = log.chunks(log.len().div_ceil(storm.kills + 1).max(1));
    let mut said = Instant::now();
    for n in 0..storm.kills {
        for put in shares.next().into_iter().flatten() {
            hub.put(&put.body)?;
        }
        tokio::time::sleep(Duration::from_millis(dice.random_range(PAUSE))).await;
        let notifier = (TRACKERS..workers.len()).filter(|_| n % NOTIFIER_EVERY == 0);
        for victim in std::iter::once(dice.random_range(0..TRACKERS)).chain(notifier) {
            workers[victim].still_runs()?;
            workers[victim].kill()?;
            workers[victim] = hub.worker(roles[victim])?;
        }
        if said.elapsed() > SAY_EVERY {
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
    let all = ("", "");
    vec![
        FaultRule::of(all, 0.05, Fault::Throttle),
        FaultRule::of(all, 0.01, Fault::ServerError),
        FaultRule::of(all, 0.01, Fault::Reset),
        FaultRule::of(all, 0.005, Fault::ReplyLost),
        FaultRule::of(("sqs", "ReceiveMessage"), 0.1, Fault::Duplicate),
    ]
}

/// Judges once nothing is left to do, or nothing more comes of waiting.
async fn settled(hub: &Hub, log: &[Put], people: Option<&People>) -> anyhow::Result<Verdict> {
    hub.set_faults(Vec::new());
    let (began, mut said) = (Instant::now(), Instant::now());
    loop {
        let items = hub.items().await?;
        let left = items.iter().filter(|item| is_unfinished(item)).count() + hub.untold(people.is_some());
        let verdict = oracle::judge(log, &seen(hub, items, people)?)?;
        let is_told = verdict.by_people.as_ref().is_none_or(|told| told.lost.is_empty());
        if (left == 0 && is_told) || began.elapsed() > PATIENCE {
            return Ok(verdict);
        }
        if said.elapsed() > SAY_EVERY {
            said = Instant::now();
            let untold = verdict.by_people.map_or(0, |told| told.lost.len());
            say(&format!("{left} items wait for a time; people do not know of {untold} subjects"));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Something of it is still to be told, or is claimed.
fn is_unfinished(item: &Value) -> bool {
    let row = &item["row"];
    let has_outbox = item["outbox"].as_object().is_some_and(|outbox| !outbox.is_empty());
    has_outbox
        || match item["kind"].as_str() {
            Some("delivery") => !row["try_at"].is_null(),
            Some("group") => !row["round"].is_null(),
            _ => false,
        }
}

fn seen(hub: &Hub, items: Vec<Value>, people: Option<&People>) -> anyhow::Result<Seen> {
    let dead_letters = hub.dead_letters().into_iter().map(|letter| DeadLetter {
        reason: letter.attributes.get("reason").and_then(|reason| reason.string_value.clone()),
        body: letter.body,
    });
    let read = |people: &People| {
        let heard = (0..).zip(people.posts()).map(|(n, post)| Heard::by_people(n, &post));
        Ok::<_, anyhow::Error>(heard.collect::<anyhow::Result<Vec<_>>>()?.concat())
    };
    let by_people = people.map(read).transpose()?;
    Ok(Seen { items, dead_letters: dead_letters.collect(), on_bus: hub.told()?, by_people })
}
