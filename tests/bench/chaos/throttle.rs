//! R7: the table throttles every fifth call for a while, and then does not.

use std::time::{Duration, Instant};

use drs_fleet_local::faults::Fault;

use super::args::What;
use super::hub::Starts;
use super::load::{Load, of_table};
use super::report::{Report, say};

/// As the workers have it.
const IN_FLIGHT: usize = 256;
/// Waits on the queue at any time.
const BACKLOG: usize = 5_000;
/// How long the full rate is measured, and how long it is waited for afterwards.
const FULL: Duration = Duration::from_secs(10);
/// A rate is that of the last second, looked at so often.
const LOOK: Duration = Duration::from_millis(50);
const WINDOW: usize = 20;

pub(super) async fn run(seed: u64, seconds: u64, starts: Starts) -> anyhow::Result<Report> {
    say(&format!("throttle: 20 % of the table's calls for {seconds} s"));
    let mut watch = Watch { load: Load::begin(seed, starts).await?, in_flight: 0 };
    // The queue has just been filled for the first time.
    watch.rates(Duration::from_secs(3)).await?;
    let full = mean(&watch.rates(FULL).await?);
    say(&format!("{full:.0} events/s"));
    watch.load.hub.set_faults(vec![of_table(0.2, Fault::Throttle)]);
    let throttled = mean(&watch.rates(Duration::from_secs(seconds)).await?);
    say(&format!("{throttled:.0} events/s while the table throttles"));
    watch.load.hub.set_faults(Vec::new());
    let after = watch.rates(FULL).await?;
    let back = after.iter().position(|rate| *rate >= 0.9 * full);
    let back = back.map_or(f64::INFINITY, |n| LOOK.as_secs_f64() * n as f64);
    let (lost, rewritten) = watch.load.offenders().await?;
    let mut report = Report::new(What::Throttle, &format!("--seed {seed} --seconds {seconds}"));
    report.count("seed", seed);
    report.count("attempt-count", watch.load.put);
    report.count("throttled-seconds", seconds);
    report.count("full-events-per-second", full.round());
    report.count("throttled-events-per-second", throttled.round());
    report.count("afterwards-events-per-second", mean(&after).round());
    report.count("not-once-written-count", rewritten.len());
    report.none("R7: events lost", lost);
    let dead = watch.load.hub.dead_letters().into_iter().map(|letter| letter.body);
    report.none("R7: dead letters", dead.collect());
    report.at_most("R7: messages in flight", watch.in_flight as f64, IN_FLIGHT as f64);
    report.at_most("R7: seconds from the end until 90 % of the full rate", back, 5.0);
    Ok(report)
}

struct Watch {
    load: Load,
    /// The most so far.
    in_flight: usize,
}

impl Watch {
    /// Events a second, each of the second before the look.
    async fn rates(&mut self, time: Duration) -> anyhow::Result<Vec<f64>> {
        let began = Instant::now();
        let mut looks = vec![(began, self.load.handled())];
        let mut rates = Vec::new();
        while began.elapsed() < time {
            self.load.top_up(BACKLOG)?;
            tokio::time::sleep(LOOK).await;
            self.in_flight = self.in_flight.max(self.load.hub.depth().in_flight);
            let now = (Instant::now(), self.load.handled());
            looks.push(now);
            let before = looks[looks.len().saturating_sub(WINDOW + 1)];
            rates.push((now.1 - before.1) as f64 / (now.0 - before.0).as_secs_f64());
        }
        self.load.worker.still_runs()?;
        Ok(rates)
    }
}

fn mean(rates: &[f64]) -> f64 {
    rates.iter().sum::<f64>() / rates.len().max(1) as f64
}
