//! How the replication of one source server goes, as a function of time.

mod phase;
mod trouble;

pub(super) use phase::{Phase, STEPS};

use jiff::Timestamp;

use super::dice::Dice;
use super::spec::Start;
use super::stamp::{after, seconds};

/// Seconds that each of the initiation steps takes.
const STEP: i64 = 30;

/// Replication of one server.
#[derive(Clone, Debug)]
pub(super) struct Replication {
    pub(super) phase: Phase,
    /// When the phase began.
    pub(super) since: Timestamp,
    /// When the phase ends by itself.
    until: Option<Timestamp>,
    /// Seconds of lag when the phase began.
    behind: i64,
    /// When initiation began; moved on by the time that a stall took.
    pub(super) initiated: Timestamp,
    /// When data first arrived.
    pub(super) first_byte: Option<Timestamp>,
    /// Whether there is a consistent snapshot to launch from.
    pub(super) launchable: bool,
    /// `DataReplicationErrorString` of a stall.
    pub(super) error: Option<String>,
    /// Per mille of the initial sync that were done when the phase began.
    done: u64,
    /// Bytes of backlog, where not those that the lag means.
    pub(super) backlog: Option<u64>,
    /// When the agent was last heard, if it is silent now.
    silent: Option<Timestamp>,
    /// When replication will stall because the agent is silent.
    gives_up: Option<Timestamp>,
    dice: Dice,
    bytes: u64,
    restless: i64,
}

impl Replication {
    /// The replication of a server with `bytes` of disks, added at `now`. In mean it leaves `CONTINUOUS` for
    /// a while every `restless` seconds; 0 means never.
    pub(super) fn new(start: Start, (now, dice): (Timestamp, Dice), bytes: u64, restless: i64) -> Self {
        let mut it = Self {
            phase: Phase::Initiating,
            since: now,
            until: None,
            behind: 0,
            initiated: now,
            first_byte: None,
            launchable: false,
            error: None,
            done: 0,
            backlog: None,
            silent: None,
            gives_up: None,
            dice,
            bytes,
            restless,
        };
        let (phase, began) = match start {
            Start::Fresh => (Phase::Initiating, now),
            Start::Syncing => (Phase::InitialSync, now),
            Start::Continuous(since) => (Phase::Continuous, since),
            Start::Stopped(since) => (Phase::Stopped, since),
            Start::Disconnected(since) => (Phase::Disconnected, since),
        };
        if phase != Phase::Initiating {
            it.initiated = after(began, -STEP * 11);
            it.first_byte = Some(began);
        }
        it.enter(phase, now);
        it
    }

    /// Whether it takes one of the 300 places: AWS does not publish the list, this is the careful reading.
    pub(super) fn counts(&self) -> bool {
        !matches!(self.phase, Phase::Stopped | Phase::Disconnected)
    }

    /// Passes through all phases that have ended by `now`. Says when it stalled, if it did.
    pub(super) fn advance(&mut self, now: Timestamp) -> Option<Timestamp> {
        let gives_up = self.gives_up.filter(|at| *at <= now);
        self.pass(gives_up.unwrap_or(now));
        self.gives_up = self.gives_up.filter(|_| gives_up.is_none());
        gives_up.filter(|at| self.stall("AGENT_NOT_SEEN", *at))
    }

    fn pass(&mut self, now: Timestamp) {
        while let Some(at) = self.until.filter(|at| *at <= now) {
            let next = self.following();
            self.enter(next, at);
        }
    }

    /// Goes into a phase and draws how long it lasts. Lag is what it was at that moment.
    pub(super) fn enter(&mut self, phase: Phase, at: Timestamp) {
        let behind = self.lag(at).unwrap_or_default();
        self.done = match phase {
            Phase::InitialSync | Phase::Stalled | Phase::Paused if !self.launchable => self.synced(at),
            _ => 0,
        };
        self.backlog = None;
        match phase {
            Phase::InitialSync => self.first_byte = self.first_byte.or(Some(at)),
            Phase::Continuous => self.launchable = true,
            Phase::Stopped => self.launchable = false,
            Phase::Initiating if !matches!(self.phase, Phase::Stalled | Phase::Paused) => self.initiated = at,
            Phase::Initiating => self.initiated = after(self.initiated, seconds(self.since, at)),
            _ => {}
        }
        if phase != Phase::Stalled {
            self.error = None;
        }
        let lasts = self.draw(phase, behind);
        self.behind = match (phase, behind) {
            // A backlog out of the blue: data arrived faster than it could be sent.
            (Phase::Backlog, 0) => self.dice.between(60, 900),
            (Phase::Continuous, _) => 0,
            _ => behind,
        };
        (self.phase, self.since) = (phase, at);
        self.until = match phase {
            Phase::Initiating => Some(after(self.initiated, STEP * 11)),
            _ => lasts.map(|lasts| after(at, lasts)),
        };
    }

    /// Seconds that a phase will last; none when only somebody can end it.
    fn draw(&mut self, phase: Phase, behind: i64) -> Option<i64> {
        match phase {
            // 200 MiB/s, give or take a third, at least five minutes.
            Phase::InitialSync => {
                let plain = i64::try_from(self.bytes / (200 << 20)).unwrap_or(i64::MAX / 8);
                let whole = plain * self.dice.between(70, 130) / 100;
                Some((whole * (1000 - i64::try_from(self.done).unwrap_or(1000)) / 1000).max(300))
            }
            Phase::CreatingSnapshot => Some(self.dice.between(60, 240)),
            Phase::Backlog => Some(self.dice.between(120, 900).max(behind / 4)),
            Phase::Rescan => Some(self.dice.between(600, 2_400)),
            Phase::Continuous if self.restless > 0 => {
                Some(self.dice.between(self.restless / 4, self.restless * 7 / 4).max(60))
            }
            _ => None,
        }
    }

    fn following(&mut self) -> Phase {
        match self.phase {
            Phase::Initiating => Phase::InitialSync,
            Phase::InitialSync => Phase::CreatingSnapshot,
            Phase::Continuous if self.dice.chance(0.2) => Phase::Rescan,
            Phase::Continuous => Phase::Backlog,
            _ => Phase::Continuous,
        }
    }

    /// Begins again from nothing, as after `StartReplication`.
    pub(super) fn restart(&mut self, now: Timestamp) {
        (self.first_byte, self.silent, self.gives_up) = (None, None, None);
        self.enter(Phase::Initiating, now);
    }

    /// Age of the latest consistent snapshot in seconds; none before the first one and without replication.
    pub(super) fn lag(&self, now: Timestamp) -> Option<i64> {
        if !self.launchable || !self.counts() {
            return None;
        }
        let passed = seconds(self.since, now);
        Some(match (self.phase, self.until) {
            (Phase::Stalled | Phase::Paused, _) => (self.behind + passed).max(0),
            (Phase::Backlog, None) => self.behind,
            (Phase::Backlog | Phase::Rescan, Some(until)) => {
                let whole = seconds(self.since, until).max(1);
                self.behind * (whole - passed).max(0) / whole
            }
            _ => 0,
        })
    }

    /// How much of the initial sync is done, in per mille; 1000 afterwards.
    pub(super) fn synced(&self, now: Timestamp) -> u64 {
        match self.phase {
            Phase::InitialSync => self.done + (1000 - self.done.min(1000)) * self.share(now) / 1000,
            Phase::CreatingSnapshot => 1000,
            _ if self.launchable => 1000,
            _ => self.done,
        }
    }

    /// How much of the disks has been read again, in per mille: a rescan begins with nothing.
    pub(super) fn rescanned(&self, now: Timestamp) -> u64 {
        if self.phase == Phase::Rescan { self.share(now) } else { self.synced(now) }
    }

    /// How much of the phase's time is over, in per mille; 0 for a phase without end.
    fn share(&self, now: Timestamp) -> u64 {
        let Some(until) = self.until else { return 0 };
        let share = seconds(self.since, now) * 1000 / seconds(self.since, until).max(1);
        u64::try_from(share.clamp(0, 1000)).unwrap_or_default()
    }

    /// When the service last heard the agent.
    pub(super) fn seen(&self, now: Timestamp) -> Timestamp {
        let unseen = self.phase == Phase::Disconnected
            || self.error.as_deref().is_some_and(|error| error == "AGENT_NOT_SEEN");
        self.silent.unwrap_or(if unseen { self.since } else { now })
    }

    /// How many initiation steps are done at `now`.
    pub(super) fn steps_done(&self, now: Timestamp) -> usize {
        let looked = if self.phase == Phase::Stalled { self.since } else { now };
        match self.first_byte {
            Some(_) => STEPS.len(),
            None => usize::try_from(seconds(self.initiated, looked) / STEP).unwrap_or(0).min(STEPS.len() - 1),
        }
    }

    /// When the current catching up or syncing will be over.
    pub(super) fn eta(&self) -> Option<Timestamp> {
        self.until.filter(|_| matches!(self.phase, Phase::InitialSync | Phase::Backlog | Phase::Rescan))
    }
}
