//! What happens, and what goes wrong.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use drs_fleet_aws::verdict::Verdict;

use super::shown::Shown;

/// When the simulated worlds begin, in seconds since 1970.
pub const BORN: i64 = 1_767_225_600;

/// So long after DRS shows something new somebody asks for a sweep. Sweeps are dated to the second: one of the same second
/// may have seen what was before.
pub const ASKED_AFTER: Duration = Duration::from_millis(1_001);

/// What a seed draws.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The seed; it also decides which calls meet a fault.
    pub seed: u64,
    /// What goes wrong.
    pub weather: Weather,
    /// When the weather takes something away; what it does not take away is not looked at.
    pub outages: Vec<Outage>,
    /// All workers work, and not the capacity-trackers alone.
    pub whole: bool,
    /// What happens, in that order.
    pub steps: Vec<Step>,
}

/// What goes wrong; nothing, in calm weather.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weather(BTreeSet<Trouble>);

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// One call in twenty fails, loses its answer, or takes effect twice.
    Faults,
    /// Processes die at some of their I/O points.
    Kills,
    /// The table is away for up to ten minutes.
    TableAway,
    /// The bus takes nothing for up to three minutes.
    BusAway,
    /// DRS refuses the role: there are no sweeps.
    RoleRefused,
    /// Clocks are up to ten minutes apart.
    ClocksApart,
    /// One event in a hundred is lost at its source.
    EventsLost,
    /// Reads that are eventually consistent show for a while what was before.
    ReadsLag,
    /// Nobody takes e-mails as long as messages arrive.
    MailDeaf,
    /// In the end no spoke is heard any more.
    Silence,
    /// DRS lets nobody set the tags of one account's servers.
    TagsRefused,
}

/// A neighbour is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Which.
    pub of: Trouble,
    /// So long after the world began.
    pub begins: Duration,
    /// For so long.
    pub lasts: Duration,
    /// What its calls fail as.
    pub verdict: Verdict,
}

impl History {
    /// What the weather takes away, and when.
    pub fn outages(&self) -> impl Iterator<Item = &Outage> {
        self.outages.iter().filter(|outage| self.weather.has(outage.of))
    }
}

impl Weather {
    /// With these troubles.
    pub fn of(troubles: impl IntoIterator<Item = Trouble>) -> Self {
        Self(troubles.into_iter().collect())
    }

    /// Whether this goes wrong.
    pub fn has(&self, trouble: Trouble) -> bool {
        self.0.contains(&trouble)
    }

    /// Each weather that has one trouble less.
    pub fn calmer(&self) -> impl Iterator<Item = Self> {
        self.0.iter().map(|trouble| {
            let mut rest = self.0.clone();
            rest.remove(trouble);
            Self(rest)
        })
    }
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// So long after the one before.
    pub pause: Duration,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A message comes, perhaps once more.
    Comes(Event),
    /// DRS shows a job from now on, or that it is over.
    Runs(Job),
    /// DRS shows these servers from now on, and somebody asks for sweeps.
    Shows {
        /// Where.
        place: u8,
        /// All that it lists.
        servers: Vec<Shown>,
    },
}

/// A job: the first of an account is a drill, the others are recoveries.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Which account's.
    pub place: u8,
    /// Tells jobs of an account apart.
    pub number: u8,
    /// Its servers, and whether their launches succeed.
    pub servers: Vec<(u8, bool)>,
    /// Whether it is over.
    pub over: bool,
    /// Whether what it launched cannot be replicated back.
    pub fails_back: bool,
}

impl Job {
    /// Whether a job of this number is a drill.
    pub fn is_drill(number: u8) -> bool {
        number == 0
    }
}

/// Something that a spoke, or a stranger, tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Tells events apart; what is delivered again has the same.
    pub number: u32,
    /// Which account.
    pub place: u8,
    /// By the account's clock, in seconds after the world began.
    pub at: i64,
    /// What it tells.
    pub tells: Tells,
}

/// What an event tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Tells {
    /// A stall began or ended.
    Stalled(u8, bool),
    /// A recovery point was made.
    Snapshot(u8),
    /// Somebody called `DisconnectSourceServer`.
    Disconnect(u8),
    /// The spoke lives.
    Heartbeat,
    /// The machine of a server has this tag from now on; a greater version is newer.
    Tagged(u8, u64),
    /// `StartRecovery` was called: this job began.
    Started(u8),
    /// This job launched a server, or failed to.
    Launched(u8, u8, bool),
    /// A type that nobody knows.
    Novelty,
    /// A stall that lies an hour ahead.
    Ahead(u8),
    /// From an account that is not registered.
    Stranger,
    /// It cannot be read, in one of several ways.
    Poison(u8),
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.whole { "all workers" } else { "capacity-trackers" };
        writeln!(f, "seed {}, {who}, {}, {} steps", self.seed, self.weather, self.steps.len())?;
        for Outage { of, begins, lasts, verdict } in self.outages() {
            writeln!(f, "  {:>8.3} s  {of:?} for {} s, {verdict:?}", begins.as_secs_f64(), lasts.as_secs())?;
        }
        let mut at = Duration::ZERO;
        for Step { pause, what } in &self.steps {
            at += *pause;
            writeln!(f, "  {:>8.3} s  {what}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("calm");
        }
        let names: Vec<_> = self.0.iter().map(|trouble| format!("{trouble:?}")).collect();
        f.write_str(&names.join(" + "))
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Comes(Event { number, place, at, tells }) => {
                write!(f, "event {number} of account {place}, dated {at} s: {tells:?}")
            }
            Self::Runs(Job { place, number, servers, over, fails_back }) => {
                let state = if *over { "over" } else { "running" };
                let state =
                    if *fails_back { format!("{state} and not to fail back") } else { state.to_owned() };
                write!(f, "DRS shows job {number} of account {place}, {state}: {servers:?}")
            }
            Self::Shows { place, servers } => write!(f, "DRS shows in account {place}: {servers:?}"),
        }
    }
}
