//! R16: a long run. What grows with the number of events shows.

use std::time::{Duration, Instant};

use super::args::What;
use super::hub::Starts;
use super::load::Load;
use super::report::{Report, SAY_EVERY, say};

/// Waits on the queue at any time.
const BACKLOG: usize = 5_000;
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn run(seed: u64, events: usize, starts: Starts) -> anyhow::Result<Report> {
    say(&format!("soak: {events} events"));
    let mut load = Load::begin(seed, starts).await?;
    let (began, mut said) = (Instant::now(), Instant::now());
    let (first, all) = (load.put + events / 10, load.put + events);
    let (mut at_tenth, mut sockets_first, mut sockets_rest) = (None, 0, 0);
    while load.put < all || load.hub.depth().all() > 0 {
        let missing = BACKLOG.saturating_sub(load.hub.depth().all()).min(all - load.put);
        load.put(missing, false)?;
        tokio::time::sleep(LOOK).await;
        load.worker.still_runs()?;
        let sockets = load.worker.sockets()?;
        if load.handled() < first {
            sockets_first = sockets_first.max(sockets);
        } else {
            at_tenth.get_or_insert(load.worker.memory()?.0);
            sockets_rest = sockets_rest.max(sockets);
        }
        if said.elapsed() > SAY_EVERY {
            said = Instant::now();
            let (memory, handled) = (load.worker.memory()?.0, load.handled() * 100 / all);
            say(&format!("{handled} %: {memory:.1} MiB, {sockets} sockets"));
        }
    }
    let (at_end, took) = (load.worker.memory()?.0, began.elapsed());
    let at_tenth = at_tenth.unwrap_or(at_end);
    let (lost, _) = load.offenders().await?;
    let mut report = Report::new(What::Soak, &format!("--seed {seed} --events {events}"));
    report.count("seed", seed);
    report.count("attempt-count", events);
    report.count("events-per-second", (events as f64 / took.as_secs_f64()).round());
    report.count("mib-at-a-tenth", at_tenth);
    report.count("mib-at-the-end", at_end);
    report.count("sockets-until-a-tenth", sockets_first);
    report.count("sockets-afterwards", sockets_rest);
    report.count("elapsed-seconds", took.as_secs());
    report.at_most("R16: MiB that memory grew from a tenth to the end", at_end - at_tenth, 2.0);
    report.at_most(
        "R16: sockets more than in the first tenth",
        sockets_rest as f64 - sockets_first as f64,
        0.0,
    );
    report.none("R16: events lost", lost);
    Ok(report)
}
