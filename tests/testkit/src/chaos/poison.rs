//! R6: one message in a hundred is malformed, truncated, huge, or has wrong JSON types.

use super::args::What;
use super::hub::Starts;
use super::load::{Load, Pace, median};
use super::report::{Report, say};

/// Rounds with and without poison, in turn, so that a machine that is busy for a while is busy for both; which of the two
/// is first, and has fewer items in its table, changes. Each with poison is held against the one without that is beside it.
/// Odd: one share is in the middle.
const ROUNDS: usize = 15;

pub(super) async fn run(seed: u64, events: usize, starts: Starts) -> anyhow::Result<Report> {
    say(&format!("poison: {ROUNDS} rounds of {events} clean events, and as many with 1 % poison"));
    let mut load = Load::begin(seed, starts).await?;
    let (mut clean, mut poisoned) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let first = load.pace(events, round % 2 == 1).await?;
        let second = load.pace(events, round % 2 == 0).await?;
        let (without, with) = if round % 2 == 0 { (first, second) } else { (second, first) };
        clean.push(without);
        poisoned.push(with);
        let (without, with) = (clean[round].rate, poisoned[round].rate);
        say(&format!("round {}: {without:.0} events/s clean, {with:.0} with poison", round + 1));
    }
    let (lost, rewritten) = load.offenders().await?;
    let shares: Vec<f64> =
        poisoned.iter().zip(&clean).map(|(with, without)| with.rate / without.rate).collect();
    let (clean, poisoned) = (middle(&clean), middle(&poisoned));
    let (missing, wrong) = dead_letters(&load);
    let mut report = Report::new(What::Poison, &format!("--seed {seed} --events {events}"));
    report.count("seed", seed);
    report.count("attempt-count", load.put + load.poison.len());
    report.count("poison-count", load.poison.len());
    report.count("dead-letter-count", load.hub.dead_letters().len());
    report.count("clean-events-per-second", clean.rate.round());
    report.count("poisoned-events-per-second", poisoned.rate.round());
    report.count("clean-cpu-seconds-per-100k", clean.cpu);
    report.count("poisoned-cpu-seconds-per-100k", poisoned.cpu);
    report.count(
        "share-in-each-round",
        shares.iter().map(|share| (share * 100.0).round() / 100.0).collect::<Vec<_>>(),
    );
    report.at_least("R6: throughput with poison, share of clean", median(&shares), 0.95);
    report.none("R6: poison that is not dead-lettered", missing);
    report.none("R6: dead letters that are no poison, twice, or without reason", wrong);
    report.none("R6: good events lost", lost);
    report.none("R6: servers whose events were not written once each", rewritten);
    Ok(report)
}

fn middle(rounds: &[Pace]) -> Pace {
    let of = |value: fn(&Pace) -> f64| median(&rounds.iter().map(value).collect::<Vec<_>>());
    Pace { rate: of(|pace| pace.rate), cpu: of(|pace| pace.cpu) }
}

/// Poison that is missing, and what should not lie there.
fn dead_letters(load: &Load) -> (Vec<String>, Vec<String>) {
    let short = |body: &str| body.chars().take(200).collect::<String>();
    let mut poison: std::collections::BTreeSet<_> = load.poison.iter().map(String::as_str).collect();
    let letters = load.hub.dead_letters();
    let has_reason = |attributes: &drs_fleet_local::sqs::Attributes| attributes.contains_key("reason");
    let wrong = letters.iter().filter(|l| !poison.remove(l.body.as_str()) || !has_reason(&l.attributes));
    let wrong = wrong.map(|letter| short(&letter.body)).collect();
    (poison.into_iter().map(short).collect(), wrong)
}
