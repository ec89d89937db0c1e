//! How the replication of one source server goes, as a function of time.

use jiff::Timestamp;

use super::dice::Dice;
use super::spec::Start;
use super::stamp::{after, seconds};

/// Seconds that each of the initiation steps takes.
const STEP: i64 = 30;

/// The steps of initiation, in AWS's order.
pub(super) const STEPS: [&str; 11] = [
    "WAIT",
    "CREATE_SECURITY_GROUP",
    "LAUNCH_REPLICATION_SERVER",
    "BOOT_REPLICATION_SERVER",
    "AUTHENTICATE_WITH_SERVICE",
    "DOWNLOAD_REPLICATION_SOFTWARE",
    "CREATE_STAGING_DISKS",
    "ATTACH_STAGING_DISKS",
    "PAIR_REPLICATION_SERVER_WITH_AGENT",
    "CONNECT_AGENT_TO_REPLICATION_SERVER",
    "START_DATA_TRANSFER",
];

/// `DataReplicationState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Initiating,
    InitialSync,
    CreatingSnapshot,
    Continuous,
    Backlog,
    Rescan,
    Stalled,
    Paused,
    Stopped,
    Disconnected,
}

impl Phase {
    /// As the API writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Initiating => "INITIATING",
            Self::InitialSync => "INITIAL_SYNC",
            Self::CreatingSnapshot => "CREATING_SNAPSHOT",
            Self::Continuous => "CONTINUOUS",
            Self::Backlog => "BACKLOG",
            Self::Rescan => "RESCAN",
            Self::Stalled => "STALLED",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
            Self::Disconnected => "DISCONNECTED",
        }
    }
}

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

    /// Passes through all phases that have ended by `now`.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(at) = self.until.filter(|at| *at <= now) {
            let next = self.following();
            self.enter(next, at);
        }
    }

    /// Goes into a phase and draws how long it lasts. Lag is what it was at that moment.
    pub(super) fn enter(&mut self, phase: Phase, at: Timestamp) {
        let behind = self.lag(at).unwrap_or_default();
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
                Some((plain * self.dice.between(70, 130) / 100).max(300))
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
        self.first_byte = None;
        self.enter(Phase::Initiating, now);
    }

    /// Stalls with an error; nothing changes when it was stalled already or does not replicate.
    pub(super) fn stall(&mut self, error: &str, now: Timestamp) -> bool {
        let stalls = self.counts() && self.phase != Phase::Stalled;
        if stalls {
            self.enter(Phase::Stalled, now);
            self.error = Some(error.to_owned());
        }
        stalls
    }

    /// Ends a stall or a pause: initiation goes on where it was, replication catches up.
    pub(super) fn recover(&mut self, now: Timestamp) -> bool {
        let stuck = matches!(self.phase, Phase::Stalled | Phase::Paused);
        if stuck {
            let next = match (self.first_byte, self.launchable) {
                (None, _) => Phase::Initiating,
                (Some(_), false) => Phase::InitialSync,
                _ => Phase::Backlog,
            };
            self.enter(next, now);
        }
        stuck
    }

    /// Age of the latest consistent snapshot in seconds; none before the first one and without replication.
    pub(super) fn lag(&self, now: Timestamp) -> Option<i64> {
        if !self.launchable || !self.counts() {
            return None;
        }
        let passed = seconds(self.since, now);
        Some(match (self.phase, self.until) {
            (Phase::Stalled | Phase::Paused, _) => self.behind + passed,
            (Phase::Backlog | Phase::Rescan, Some(until)) => {
                let whole = seconds(self.since, until).max(1);
                self.behind * (whole - passed).max(0) / whole
            }
            _ => 0,
        })
    }

    /// How much of the initial sync is done, in per mille; 1000 afterwards.
    pub(super) fn synced(&self, now: Timestamp) -> u64 {
        let done = match (self.phase, self.until) {
            (Phase::InitialSync, Some(until)) => {
                seconds(self.since, now) * 1000 / seconds(self.since, until).max(1)
            }
            _ if self.launchable || self.phase == Phase::CreatingSnapshot => 1000,
            _ => 0,
        };
        u64::try_from(done.clamp(0, 1000)).unwrap_or_default()
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
