//! What was measured, for people and for machines.

use serde::Serialize;

/// What events cost a consumer.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// Processor seconds per 100,000 events.
    pub cpu_per_100k: f64,
    pub events_per_second: f64,
    /// Calls per event.
    pub sqs: f64,
    pub writes: f64,
    pub reads: f64,
    /// Calls that nobody expected.
    pub others: Vec<String>,
}

/// One consumer's process.
#[derive(Debug, Serialize)]
pub struct Side {
    /// The first event of each server.
    pub fresh: Cost,
    /// Events of servers that are known, far apart.
    pub spread: Cost,
    /// Four events per server, close together.
    pub storm: Cost,
}

/// Resident memory in MiB.
#[derive(Debug, Serialize)]
pub struct Memory {
    /// Connected, before the first event.
    pub idle: f64,
    pub after: f64,
    pub peak: f64,
}

#[derive(Debug, Serialize)]
pub struct Round {
    pub baseline: Side,
    pub worker: Side,
    pub memory: Memory,
}

#[derive(Debug, Serialize)]
pub struct Measured {
    pub events: usize,
    pub rounds: Vec<Round>,
    /// Events per server among those that a worker may have in hand together: `c` of the bars.
    pub together: f64,
    pub starts_ms: Vec<f64>,
    pub binary_mb: Option<f64>,
}

/// A number with its bar.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    what: &'static str,
    measured: f64,
    bar: f64,
}

impl Measured {
    #[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
    pub fn print(&self, json: bool) {
        if json {
            println!("{}", serde_json::json!({ "measured": self, "bars": self.lines() }));
            return;
        }
        println!(
            "{} events per stream, {} round(s): least processor time, medians of all else\n",
            self.events,
            self.rounds.len()
        );
        println!("{:<24}{:>12}{:>11}{:>9}{:>9}{:>9}", "", "CPU-s/100k", "events/s", "SQS", "writes", "reads");
        for (name, of) in SIDES {
            let at = |value: fn(&Cost) -> f64| self.median(|round| value(of(round)));
            println!(
                "{name:<24}{:>12.2}{:>11.0}{:>9.3}{:>9.3}{:>9.4}",
                self.least(|round| of(round).cpu_per_100k),
                at(|c| c.events_per_second),
                at(|c| c.sqs),
                at(|c| c.writes),
                at(|c| c.reads)
            );
        }
        for cost in self.rounds.iter().flat_map(|r| [&r.worker.fresh, &r.worker.spread, &r.worker.storm]) {
            cost.others.iter().for_each(|name| println!("unexpected: {name}"));
        }
        println!("\n{:<4} {:<56}{:>9}{:>9}", "", "", "measured", "bar");
        for Line { name, what, measured, bar } in self.lines() {
            let missed = if measured > bar { "  missed" } else { "" };
            println!("{name:<4} {what:<56}{measured:>9.3}{bar:>9.3}{missed}");
        }
    }

    fn lines(&self) -> Vec<Line> {
        let line = |name, what, measured, bar| Line { name, what, measured, bar };
        let times = |of: fn(&Side) -> &Cost| {
            self.least(|r| of(&r.worker).cpu_per_100k) / self.least(|r| of(&r.baseline).cpu_per_100k)
        };
        let at = |value: fn(&Round) -> f64| self.median(value);
        let mut lines = vec![
            line("P1", "CPU per event, one write each, times the baseline", times(|s| &s.spread), 1.15),
            line("P2", "CPU per event, four events per server, times the baseline", times(|s| &s.storm), 0.6),
            line("P3", "SQS calls per event", at(|r| r.worker.spread.sqs), 0.21),
            line("P3", "writes per event, one event per server", at(|r| r.worker.spread.writes), 1.01),
            line(
                "P3",
                "writes per event, four events per server",
                at(|r| r.worker.storm.writes),
                1.01 / self.together,
            ),
            line("P3", "reads per event, warm", at(|r| r.worker.spread.reads), 0.05),
            line("P6", "MiB resident after the storm", at(|r| r.memory.after), 32.0),
            line("P6", "MiB resident, idle", at(|r| r.memory.idle), 15.0),
            line(
                "P7",
                "ms from process start to first receive",
                median(self.starts_ms.iter().copied()),
                100.0,
            ),
        ];
        lines.extend(self.binary_mb.map(|mb| line("P12", "MB of the stripped binary", mb, 15.0)));
        lines
    }

    /// Whatever else a machine does only adds to processor time.
    fn least(&self, value: impl Fn(&Round) -> f64) -> f64 {
        self.rounds.iter().map(value).fold(f64::INFINITY, f64::min)
    }

    fn median(&self, value: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(value))
    }
}

type Of = fn(&Round) -> &Cost;

const SIDES: [(&str, Of); 6] = [
    ("baseline, new servers", |r| &r.baseline.fresh),
    ("drs-fleet, new servers", |r| &r.worker.fresh),
    ("baseline, known servers", |r| &r.baseline.spread),
    ("drs-fleet, known servers", |r| &r.worker.spread),
    ("baseline, storm", |r| &r.baseline.storm),
    ("drs-fleet, storm", |r| &r.worker.storm),
];

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
