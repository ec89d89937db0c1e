//! The bars of speed and memory: what is measured, and what it may come to. `cargo bench -p drs-fleet-tests --bench
//! bars` measures all of them and writes the table between the two marks in README.

use serde::Serialize;

/// Where the table begins in README …
pub const BEGIN: &str = "<!-- bars: begin -->";
/// … and where it ends.
pub const END: &str = "<!-- bars: end -->";

/// Events per server among the 256 that a worker may have in hand, in a storm of four events a server.
pub const TOGETHER: f64 = 2.078;

/// One number that is measured, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "`Bar::spec` says what each is")]
pub enum Bar {
    CpuSpread,
    CpuStorm,
    Sqs,
    WritesSpread,
    WritesStorm,
    Reads,
    OneCore,
    Connections,
    Throttled5,
    Throttled20,
    MemoryAfter,
    MemoryStalled,
    MemoryIdle,
    Start,
    Trickle,
    Alert,
    FirstSweep,
    Sweep,
    Others,
    DollarsSpread,
    DollarsStorm,
    Binary,
}

/// What a number is, and what it may come to.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spec {
    /// Of the bar, such as `P1`; several numbers may belong to one.
    pub name: &'static str,
    /// For people.
    pub what: &'static str,
    /// Whether more is better.
    pub at_least: bool,
    /// What is asked for.
    pub bar: f64,
    /// What is wished for.
    pub stretch: Option<f64>,
    /// Digits after the point that mean something.
    pub digits: usize,
}

/// How a number stands to its bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// What was asked for is not there.
    Missed,
    /// What was asked for.
    Reached,
    /// What was wished for.
    Stretch,
}

impl Verdict {
    /// As the table says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missed => "**missed**",
            Self::Reached => "reached",
            Self::Stretch => "stretch",
        }
    }
}

impl Bar {
    /// All of them, in their order.
    pub const ALL: [Self; 22] = [
        Self::CpuSpread,
        Self::CpuStorm,
        Self::Sqs,
        Self::WritesSpread,
        Self::WritesStorm,
        Self::Reads,
        Self::OneCore,
        Self::Connections,
        Self::Throttled5,
        Self::Throttled20,
        Self::MemoryAfter,
        Self::MemoryStalled,
        Self::MemoryIdle,
        Self::Start,
        Self::Trickle,
        Self::Alert,
        Self::FirstSweep,
        Self::Sweep,
        Self::Others,
        Self::DollarsSpread,
        Self::DollarsStorm,
        Self::Binary,
    ];

    /// What it is.
    pub fn spec(self) -> Spec {
        let at_most = |name, what, digits, bar, stretch| {
            let at_least = false;
            Spec { name, what, at_least, bar, stretch, digits }
        };
        let at_least =
            |name, what, bar, stretch| Spec { at_least: true, ..at_most(name, what, 0, bar, stretch) };
        match self {
            Self::CpuSpread => at_most(
                "P1",
                "processor time per event, one write each, × the plain consumer's",
                2,
                1.15,
                Some(0.8),
            ),
            Self::CpuStorm => at_most("P2", "the same in a storm, four events a server", 2, 0.6, Some(0.3)),
            Self::Sqs => at_most("P3", "SQS calls per event", 3, 0.21, None),
            Self::WritesSpread => {
                at_most("P3", "table writes per event, one event a server", 3, 1.01, Some(1.0))
            }
            Self::WritesStorm => at_most(
                "P3",
                "table writes per event, four events a server",
                3,
                1.01 / TOGETHER,
                Some(1.0 / TOGETHER),
            ),
            Self::Reads => at_most("P3", "table reads per event, warm", 3, 0.05, None),
            Self::OneCore => {
                at_most("P4", "s for 30,000 events on one core, 10 ms a call", 1, 8.0, Some(5.0))
            }
            Self::Connections => at_most("P4", "connections at most meanwhile", 0, 128.0, None),
            Self::Throttled5 => {
                at_least("P5", "% of throughput kept, 5 % of writes throttled", 80.0, Some(95.0))
            }
            Self::Throttled20 => {
                at_least("P5", "% of throughput kept, 20 % of writes throttled", 50.0, Some(75.0))
            }
            Self::MemoryAfter => at_most("P6", "MiB resident after the storm", 1, 32.0, Some(20.0)),
            Self::MemoryStalled => {
                at_most("P6", "MiB resident when 30,000 servers have stalled as well", 1, 32.0, Some(20.0))
            }
            Self::MemoryIdle => at_most("P6", "MiB resident, idle", 1, 15.0, Some(10.0)),
            Self::Start => at_most("P7", "ms from process start to first receive", 1, 100.0, Some(40.0)),
            Self::Trickle => at_most(
                "P8",
                "ms from event in the queue to row written, beyond the two calls of 10 ms, p99",
                1,
                50.0,
                Some(20.0),
            ),
            Self::Alert => at_most(
                "P9",
                "ms from critical alert in the queue to its channels, 10 ms a call, p99",
                0,
                1000.0,
                Some(300.0),
            ),
            Self::FirstSweep => at_most(
                "P10",
                "s for the first sweep of 100 accounts × 300 servers, which writes each, 50 ms a call, 10 DRS calls/s",
                1,
                20.0,
                Some(8.0),
            ),
            Self::Sweep => at_most("P10", "s for a sweep of them when they are known", 1, 20.0, Some(8.0)),
            Self::Others => at_most(
                "P10",
                "s for 97 of them, while of the others one's role is gone, one has a call in five seconds, one never answers (R17)",
                1,
                20.0,
                Some(8.0),
            ),
            // The stretch is the floor (one send, a fifth of a request, one write unit or a quarter) and 3 %.
            Self::DollarsSpread => {
                at_most("P11", "US$ per million events, one write each", 3, 1.15, Some(1.138))
            }
            Self::DollarsStorm => {
                at_most("P11", "US$ per million events, four events a server", 3, 0.7, Some(0.655))
            }
            Self::Binary => at_most("P12", "MB of the largest stripped worker", 1, 15.0, Some(8.0)),
        }
    }
}

impl Spec {
    /// How what was measured stands to it.
    pub fn judge(&self, measured: f64) -> Verdict {
        let reaches = |limit: f64| if self.at_least { measured >= limit } else { measured <= limit };
        match (reaches(self.bar), self.stretch) {
            (false, _) => Verdict::Missed,
            (true, Some(stretch)) if reaches(stretch) => Verdict::Stretch,
            (true, _) => Verdict::Reached,
        }
    }

    /// What is asked for and what is wished for, as the table says it.
    pub fn limits(&self) -> [String; 2] {
        let limit = |value: f64| format!("{} {}", if self.at_least { "≥" } else { "≤" }, shortest(value));
        [limit(self.bar), self.stretch.map(limit).unwrap_or_default()]
    }
}

/// A limit with no more digits than it has, three at most.
fn shortest(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What lies between the marks of a text, if both are there, once and in this order.
pub fn between(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (inside, after) = rest.split_once(END)?;
    let again = [before, inside, after].iter().any(|part| part.contains(BEGIN) || part.contains(END));
    (!again).then_some((before, inside, after))
}
