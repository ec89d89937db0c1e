//! R16: a long run. What grows with the number of events shows.

use std::time::{Duration, Instant};

use super::args::What;
use super::hub::Starts;
use super::load::Load;
use super::report::{Report, SAY_EVERY, say};

/// More than a worker remembers, so that each event makes it forget a row and read one.
const SERVERS: usize = 12_000;
/// Waits on the queue at any time.
const BACKLOG: usize = 5_000;
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn run(seed: u64, events: usize, starts: Starts) -> anyhow::Result<Report> {
    say(&format!("soak: {events} events of {SERVERS} servers"));
    let mut load = Load::begin_with(SERVERS, seed, starts).await?;
    let (began, mut said) = (Instant::now(), Instant::now());
    let (before, all) = (load.put, load.put + events);
    let mut tenths: [Vec<Look>; 10] = Default::default();
    while load.put < all || load.hub.depth().all() > 0 {
        let missing = BACKLOG.saturating_sub(load.hub.depth().all()).min(all - load.put);
        load.put(missing, false)?;
        tokio::time::sleep(LOOK).await;
        load.worker.still_runs()?;
        let look = Look { memory: load.worker.memory()?.0, sockets: load.worker.sockets()? };
        let handled = load.handled().saturating_sub(before);
        tenths[(handled * 10 / events).min(9)].push(look);
        if said.elapsed() > SAY_EVERY {
            said = Instant::now();
            let Look { memory, sockets } = look;
            say(&format!("{} %: {memory:.1} MiB, {sockets} sockets", handled * 100 / events));
        }
    }
    let took = began.elapsed();
    let (lost, _) = load.offenders().await?;
    let mut report = Report::new(What::Soak, &format!("--seed {seed} --events {events}"));
    report.count("seed", seed);
    report.count("attempt-count", events);
    report.count("events-per-second", (events as f64 / took.as_secs_f64()).round());
    report.count("elapsed-seconds", took.as_secs());
    judge(&mut report, &tenths);
    report.none("R16: events lost", lost);
    Ok(report)
}

/// The process, at one time.
#[derive(Clone, Copy, Debug)]
struct Look {
    memory: f64,
    sockets: usize,
}

/// The pool opens a connection when all others are in use, and gives one up that was idle for long, so the number moves
/// by a few from look to look. One that leaks moves the middle of all looks of a tenth.
fn judge(report: &mut Report, tenths: &[Vec<Look>; 10]) {
    let sockets = tenths.each_ref().map(|looks| middle(looks.iter().map(|look| look.sockets)));
    let most = tenths.iter().flatten().map(|look| look.sockets).max().unwrap_or_default();
    let ends = tenths.each_ref().map(|looks| looks.last().map_or(0.0, |look| look.memory));
    report.count("mib-after-each-tenth", ends.to_vec());
    report.count("sockets-in-the-middle-of-each-tenth", sockets.to_vec());
    report.count("most-sockets", most);
    report.at_most("R16: MiB that memory grew from a tenth to the end", ends[9] - ends[0], 2.0);
    // As of memory, from the end of the first tenth on, in which the pool still opens what it needs.
    let grown = sockets[9] as f64 - sockets[1] as f64;
    report.at_most("R16: sockets more in the last tenth than in the second", grown, 0.0);
}

fn middle(numbers: impl Iterator<Item = usize>) -> usize {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
