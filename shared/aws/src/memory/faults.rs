//! What goes wrong, and at which I/O point.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::verdict::{IoError, Neighbour, Verdict};

/// What happens to a call at an I/O point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It fails without having had an effect.
    Before,
    /// It takes effect, and its answer is lost.
    After,
    /// It takes effect twice, as when a client repeats a call whose answer was lost; the second answer counts.
    Twice,
    /// Of a batch, each other entry takes effect, and the rest fail; a call of one thing fails.
    Part,
    /// It takes effect, and the process hears of that so much later.
    Late(Duration),
    /// The same, and meanwhile the process makes no other call, as when it is stopped and goes on later.
    Frozen(Duration),
}

impl Fault {
    /// Those after which a process goes on at once.
    pub const ALL: [Self; 4] = [Self::Before, Self::After, Self::Twice, Self::Part];

    /// How much later the answer comes.
    pub(super) fn pause(self) -> Option<Duration> {
        match self {
            Self::Late(pause) | Self::Frozen(pause) => Some(pause),
            Self::Before | Self::After | Self::Twice | Self::Part => None,
        }
    }
}

/// An answer that is late by chance comes so much later at most.
const LATE: Duration = Duration::from_millis(300);

/// Chances of faults at each point, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chances {
    /// Of [`Fault::Before`].
    pub before: f64,
    /// Of [`Fault::After`].
    pub after: f64,
    /// Of [`Fault::Twice`].
    pub twice: f64,
    /// Of [`Fault::Part`].
    pub part: f64,
    /// Of [`Fault::Late`], by 300 ms at most.
    pub late: f64,
    /// Only this neighbour's calls meet faults, and fail so; otherwise all.
    pub only: Option<(Neighbour, Verdict)>,
    /// Where all meet them, so many fail as [`Verdict::Throttled`], and those that are left as [`Verdict::Transient`].
    pub throttled: f64,
    /// So many of the bus, as [`Verdict::Denied`]. Of the hub's own table and queue the SDK never says so, and a spoke's
    /// refusal is the end of what was asked of it, and no fault that passes.
    pub denied: f64,
}

/// What one call meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meets {
    pub(super) fault: Option<Fault>,
    /// The process dies with it.
    pub(super) dies: bool,
    verdict: Verdict,
    point: usize,
    name: &'static str,
    neighbour: Neighbour,
}

impl Meets {
    /// What a batch meets as a whole, and whether a part of it fails.
    pub(super) fn taken_apart(self) -> (Self, bool) {
        let in_part = self.fault == Some(Fault::Part);
        (Self { fault: self.fault.filter(|_| !in_part), ..self }, in_part)
    }

    /// What a fault before or after answers.
    pub(super) fn error(self) -> IoError {
        IoError::new(self.neighbour, self.name, self.verdict, format!("planned at point {}", self.point))
    }
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    passed: Vec<&'static str>,
    pauses: Vec<(usize, Duration)>,
    planned: BTreeMap<usize, (Fault, bool)>,
    chance: Option<(Seeded, Chances)>,
    broken: Vec<(Neighbour, Verdict)>,
    thaws_at: Option<Instant>,
    dead: bool,
}

impl Faults {
    pub(super) fn fail_at(&mut self, point: usize, fault: Fault) {
        self.planned.insert(point, (fault, false));
    }

    pub(super) fn crash_at(&mut self, point: usize, fault: Fault) {
        self.planned.insert(point, (fault, true));
    }

    pub(super) fn by_chance(&mut self, seed: u64, chances: Chances) {
        self.chance = Some((Seeded(seed), chances));
    }

    pub(super) fn break_down(&mut self, neighbour: Neighbour, verdict: Verdict) {
        self.mend(neighbour);
        self.broken.push((neighbour, verdict));
    }

    pub(super) fn mend(&mut self, neighbour: Neighbour) {
        self.broken.retain(|(broken, _)| *broken != neighbour);
    }

    /// Until when the process makes no call.
    pub(super) fn thaws_at(&self) -> Option<Instant> {
        self.thaws_at.filter(|at| Instant::now() < *at)
    }

    pub(super) fn pauses(&self) -> &[(usize, Duration)] {
        &self.pauses
    }

    pub(super) fn passed(&self) -> &[&'static str] {
        &self.passed
    }

    /// A call passes its point; `None` when the process is dead already.
    pub(super) fn pass(&mut self, name: &'static str, neighbour: Neighbour) -> Option<Meets> {
        if self.dead {
            return None;
        }
        let point = self.passed.len();
        self.passed.push(name);
        let meets = |fault, dies, verdict| Some(Meets { fault, dies, verdict, point, name, neighbour });
        let planned = self.planned.get(&point).copied();
        if let Some((_, verdict)) = self.broken.iter().find(|(broken, _)| *broken == neighbour) {
            self.dead = planned.is_some_and(|(_, dies)| dies);
            return meets(Some(Fault::Before), self.dead, *verdict);
        }
        if let Some((fault, dies)) = planned {
            if let Some(pause) = fault.pause() {
                self.pauses.push((point, pause));
            }
            if let Fault::Frozen(pause) = fault {
                self.thaws_at = Some(Instant::now() + pause);
            }
            self.dead = dies;
            return meets(Some(fault), dies, Verdict::Transient);
        }
        let (fault, verdict) = self.draw(neighbour).unzip();
        meets(fault, false, verdict.unwrap_or(Verdict::Transient))
    }

    fn draw(&mut self, neighbour: Neighbour) -> Option<(Fault, Verdict)> {
        let (seeded, chances) = self.chance.as_mut()?;
        if chances.only.is_some_and(|(only, _)| only != neighbour) {
            return None;
        }
        let drawn = seeded.fraction();
        let faults = [
            (chances.before, Fault::Before),
            (chances.after, Fault::After),
            (chances.twice, Fault::Twice),
            (chances.part, Fault::Part),
            (chances.late, Fault::Late(LATE)),
        ];
        let mut sum = 0.0;
        let fault = faults.into_iter().find_map(|(chance, fault)| {
            sum += chance;
            (drawn < sum).then_some(fault)
        })?;
        let fault = match fault {
            Fault::Late(longest) => Fault::Late(longest.mul_f64(seeded.fraction())),
            other => other,
        };
        let verdict = match chances.only {
            Some((_, verdict)) => verdict,
            // What is refused has no effect.
            None if fault == Fault::Before => chances.verdict(neighbour, seeded.fraction()),
            None => Verdict::Transient,
        };
        Some((fault, verdict))
    }
}

impl Chances {
    /// As what a call fails for which this was drawn.
    fn verdict(&self, neighbour: Neighbour, drawn: f64) -> Verdict {
        let denied = if neighbour == Neighbour::Bus { self.denied } else { 0.0 };
        match drawn {
            drawn if drawn < denied => Verdict::Denied,
            drawn if drawn < denied + self.throttled => Verdict::Throttled,
            _ => Verdict::Transient,
        }
    }
}

/// `SplitMix64`: small, and the same everywhere.
#[derive(Debug)]
pub(super) struct Seeded(pub(super) u64);

impl Seeded {
    pub(super) fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
