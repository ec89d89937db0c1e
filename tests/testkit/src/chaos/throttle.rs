//! R7: the table throttles every fifth call for a while, and then does not.

use std::time::{Duration, Instant};

use drs_fleet_local::faults::Fault;

use super::args::What;
use super::hub::Starts;
use super::load::{Load, median, of_table};
use super::report::{Report, say};

/// As the workers have it.
const IN_FLIGHT: usize = 256;
/// Waits on the queue at any time.
const BACKLOG: usize = 5_000;
/// For so many seconds the full rate is measured, and for so many what comes after the end of throttling.
const FULL: u64 = 10;
const AFTERWARDS: u64 = 20;
/// The queue is filled up so often.
const LOOK: Duration = Duration::from_millis(50);
/// So much of the full rate is as good as all of it.
const ENOUGH: f64 = 0.9;

pub(super) async fn run(seed: u64, seconds: u64, starts: Starts) -> anyhow::Result<Report> {
    say(&format!("throttle: 20 % of the table's calls for {seconds} s"));
    let mut watch = Watch { load: Load::begin(seed, starts).await?, in_flight: 0 };
    // The queue has just been filled for the first time.
    watch.rates(3).await?;
    let full = median(&watch.rates(FULL).await?);
    say(&format!("{full:.0} events/s"));
    watch.load.hub.set_faults(vec![of_table(0.2, Fault::Throttle)]);
    let throttled = median(&watch.rates(seconds).await?);
    say(&format!("{throttled:.0} events/s while the table throttles"));
    watch.load.hub.set_faults(Vec::new());
    let after = watch.rates(AFTERWARDS).await?;
    let each: Vec<String> = after.iter().map(|rate| format!("{rate:.0}")).collect();
    say(&format!("events/s in each second after the end: {}", each.join(" ")));
    let first = after.iter().position(|rate| *rate >= ENOUGH * full);
    let back = kept(&after, full).map_or(f64::INFINITY, |n| n as f64);
    let (lost, rewritten) = watch.load.offenders().await?;
    let mut report = Report::new(What::Throttle, &format!("--seed {seed} --seconds {seconds}"));
    report.count("seed", seed);
    report.count("attempt-count", watch.load.put);
    report.count("throttled-seconds", seconds);
    report.count("full-events-per-second", full.round());
    report.count("throttled-events-per-second", throttled.round());
    report.count("afterwards-events-per-second", median(&after).round());
    report.count("seconds-until-90-percent-first", first.map_or("never".to_owned(), |n| n.to_string()));
    report.count("not-once-written-count", rewritten.len());
    report.none("R7: events lost", lost);
    let dead = watch.load.hub.dead_letters().into_iter().map(|letter| letter.body);
    report.none("R7: dead letters", dead.collect());
    report.at_most("R7: messages in flight", watch.in_flight as f64, IN_FLIGHT as f64);
    report.at_most("R7: seconds from the end until 90 % of the full rate, and kept", back, 5.0);
    Ok(report)
}

struct Watch {
    load: Load,
    /// The most so far.
    in_flight: usize,
}

impl Watch {
    /// Events handled in each of so many seconds.
    async fn rates(&mut self, seconds: u64) -> anyhow::Result<Vec<f64>> {
        let mut rates = Vec::new();
        for _ in 0..seconds {
            let (began, before) = (Instant::now(), self.load.handled());
            while began.elapsed() < Duration::from_secs(1) {
                self.load.top_up(BACKLOG)?;
                tokio::time::sleep(LOOK).await;
                self.in_flight = self.in_flight.max(self.load.hub.depth().in_flight);
            }
            rates.push((self.load.handled() - before) as f64 / began.elapsed().as_secs_f64());
        }
        self.load.worker.still_runs()?;
        Ok(rates)
    }
}

/// Seconds until a second in which the rate is enough, as it is in most of those that follow.
fn kept(rates: &[f64], full: f64) -> Option<usize> {
    let is_kept = |n: &usize| rates[*n] >= ENOUGH * full && median(&rates[*n..]) >= ENOUGH * full;
    (0..rates.len()).find(is_kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_is_reached_once_and_lost_again_is_not_kept() {
        assert_eq!(kept(&[40.0, 95.0, 40.0, 40.0, 60.0, 92.0, 93.0, 80.0], 100.0), Some(5));
        assert_eq!(kept(&[100.0, 99.0], 100.0), Some(0));
        assert_eq!(kept(&[95.0, 40.0, 40.0, 40.0], 100.0), None);
    }
}
