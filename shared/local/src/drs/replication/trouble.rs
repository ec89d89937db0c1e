//! What goes wrong with replication, and how that ends. Each says whether it changed anything.

use jiff::Timestamp;

use super::{Phase, Replication};
use crate::drs::stamp::{after, seconds};

impl Replication {
    /// Stalls with an error; nothing changes when it was stalled already or does not replicate.
    pub(in crate::drs) fn stall(&mut self, error: &str, now: Timestamp) -> bool {
        let stalls = self.counts() && self.phase != Phase::Stalled;
        if stalls {
            self.enter(Phase::Stalled, now);
            self.error = Some(error.to_owned());
        }
        stalls
    }

    /// Ends all trouble but a disconnection: initiation goes on where it was, replication catches up, a silent
    /// agent is heard again. Says whether the phase changed.
    pub(in crate::drs) fn recover(&mut self, now: Timestamp) -> bool {
        (self.silent, self.gives_up) = (None, None);
        let stuck = matches!(self.phase, Phase::Stalled | Phase::Paused) || self.is_held();
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

    /// From now on lag is what is given, until recovery; of a stalled or paused server it grows from there.
    pub(in crate::drs) fn set_lag(&mut self, lag: i64, now: Timestamp) -> bool {
        let lags = self.launchable && self.counts();
        if lags && matches!(self.phase, Phase::Stalled | Phase::Paused) {
            self.behind = lag - seconds(self.since, now);
        } else if lags {
            self.hold(now);
            self.behind = lag;
        }
        lags
    }

    /// From now on so many bytes wait to be sent, until recovery; lag stays what it is.
    pub(in crate::drs) fn set_backlog(&mut self, bytes: u64, now: Timestamp) -> bool {
        if self.phase == Phase::Continuous {
            self.hold(now);
        }
        if self.counts() {
            self.backlog = Some(bytes);
        }
        self.counts()
    }

    /// The agent is not heard any more. Replication goes on, or stalls after some seconds.
    pub(in crate::drs) fn silence(&mut self, stalls_after: Option<i64>, now: Timestamp) -> bool {
        if self.counts() {
            self.silent = self.silent.or(Some(now));
            self.gives_up = stalls_after.map(|wait| after(now, wait));
        }
        self.counts()
    }

    /// The initial sync goes no further, until recovery; that of a server that was past it begins anew.
    pub(in crate::drs) fn hold_initial_sync(&mut self, now: Timestamp) -> bool {
        if self.counts() {
            self.launchable = false;
            self.first_byte = self.first_byte.or(Some(now));
            self.enter(Phase::InitialSync, now);
            self.until = None;
        }
        self.counts()
    }

    /// All disks are read and compared again.
    pub(in crate::drs) fn rescan(&mut self, now: Timestamp) -> bool {
        let rescans = self.launchable && self.counts();
        if rescans {
            self.enter(Phase::Rescan, now);
        }
        rescans
    }

    /// A disconnected machine is back: its disks are compared with what was replicated, if anything was.
    pub(in crate::drs) fn reconnect(&mut self, now: Timestamp) -> bool {
        let back = self.phase == Phase::Disconnected;
        if back && self.launchable {
            let behind = seconds(self.since, now);
            (self.silent, self.gives_up) = (None, None);
            self.enter(Phase::Rescan, now);
            self.behind = behind;
        } else if back {
            self.restart(now);
        }
        back
    }

    /// Goes into a backlog that nothing but recovery ends, with the lag and the backlog of this moment.
    fn hold(&mut self, now: Timestamp) {
        let (lag, backlog) = (self.lag(now).unwrap_or_default(), self.backlog);
        self.enter(Phase::Backlog, now);
        (self.until, self.behind, self.backlog) = (None, lag, backlog);
    }

    fn is_held(&self) -> bool {
        matches!(self.phase, Phase::Backlog | Phase::InitialSync) && self.until.is_none()
    }
}
