//! The command line.

use clap::{Parser, ValueEnum};

/// Kills, starves and poisons workers on the local cloud, and checks what is left against a model of the input.
#[derive(Clone, Debug, Parser)]
#[command(
    bin_name = "cargo bench -p drs-fleet-tests --bench chaos --",
    after_help = "Examples:\n  \
    cargo bench -p drs-fleet-tests --bench chaos -- kill-storm\n  \
    cargo bench -p drs-fleet-tests --bench chaos -- kill-storm --seed 7 --events 10000 --kills 20\n  \
    cargo bench -p drs-fleet-tests --bench chaos -- soak --events 200000\n  \
    cargo bench -p drs-fleet-tests --bench chaos -- all --json\n\n\
    Ends with 1 when a bar is missed. The seed fixes the input, the times of the kills and the dice of the faults; \
    the operating system decides the rest, so a failure may need several runs to come back."
)]
pub struct Arguments {
    /// What to do to the workers.
    #[arg(value_enum, default_value = "all")]
    pub what: What,
    /// Events to put on the queue [kill-storm: 100000, poison: 20000, stop: 20000, soak: 2000000].
    #[arg(long)]
    pub events: Option<usize>,
    /// How often a tracker gets SIGKILL in the kill storm; the notifier does a third as often.
    #[arg(long, default_value_t = 200)]
    pub kills: usize,
    /// Makes the same input, kills and faults again.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seconds of throttling.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// Visibility timeout of the worker's queue in the kill storm, in seconds: what a dead worker held comes back then.
    /// The hub's template has 120.
    #[arg(long, default_value_t = 15)]
    pub visibility: u64,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Cargo adds this.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is done to the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// R1: SIGKILL again and again, while calls fail and messages come twice and out of order.
    KillStorm,
    /// R6: messages that nobody can read.
    Poison,
    /// R7: a table that throttles, and then does not.
    Throttle,
    /// R9: SIGTERM under load.
    Stop,
    /// R17: accounts that refuse, throttle and hang.
    Spokes,
    /// R16: a long run.
    Soak,
    /// All of these.
    All,
}

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The worker that the events are for.
    CapacityTracker,
    /// The worker that tells people.
    Notifier,
}

impl What {
    /// As it is typed.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Role {
    /// The worker's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CapacityTracker => "capacity-tracker",
            Self::Notifier => "notifier",
        }
    }
}
