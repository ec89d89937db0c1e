//! What must be so in the end, from the history alone. It knows the rules as `ARCHITECTURE.md` states them, and none of
//! the workers' code.

use std::collections::{BTreeMap, BTreeSet};

use super::draw::{PLACES, SERVERS};
use super::history::{ASKED_AFTER, Event, History, Job, Tells, Trouble, What};
use super::shown::{Ail, Shown};

/// So far ahead lies what is set aside as from the future, in seconds.
pub const AHEAD: i64 = 3600;

fn seconds(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// A place or server, as the model counts them.
pub type Server = (u8, u8);

/// What a history comes to.
#[derive(Debug, Default)]
pub struct Model {
    /// Newest stall event of each server: second by its own clock, and whether it stalled. Of one second the worse counts.
    pub stalls: BTreeMap<Server, (i64, bool)>,
    /// When somebody last asked for a sweep of each place, and what DRS shows.
    pub shown: BTreeMap<u8, (i64, BTreeMap<u8, Shown>)>,
    /// Servers that DRS showed all the time, and that were never disconnected.
    pub always_connected: BTreeSet<Server>,
    /// Servers that anybody ever spoke of.
    pub spoken_of: BTreeSet<Server>,
    /// Servers that were ever said to be stalled.
    pub ever_stalled: BTreeSet<Server>,
    /// Newest recovery point, to ten minutes.
    pub snapshots: BTreeMap<Server, i64>,
    /// What DRS showed last of each job.
    pub jobs: BTreeMap<(u8, u8), Job>,
    /// The newest version of each machine's tags.
    pub tags: BTreeMap<Server, u64>,
    /// Newest call.
    pub disconnects: BTreeMap<Server, i64>,
    /// When a place was heard, at the earliest and at the latest: by its heartbeat, or to the minute. An event dated ahead
    /// is heard when it is handled.
    pub heard: BTreeMap<u8, (i64, i64)>,
    /// Places that sent what nobody knows, and what lies in the future.
    pub set_aside: BTreeSet<(u8, &'static str)>,
    /// Somebody who is not registered sent something.
    pub stranger: bool,
}

impl Model {
    /// Of a whole history.
    pub fn of(history: &History) -> Self {
        let mut model = Self::default();
        for place in 0..PLACES {
            model
                .shown
                .insert(place, (0, (0..SERVERS).map(|server| (server, Shown::well(server))).collect()));
            model.always_connected.extend((0..SERVERS).map(|server| (place, server)));
        }
        let mut clock = std::time::Duration::ZERO;
        for step in &history.steps {
            clock += step.pause;
            match &step.what {
                What::Comes(event) => model.comes(event, seconds(clock)),
                What::Runs(job) => {
                    model.jobs.insert((job.place, job.number), job.clone());
                }
                What::Shows { place, servers } => {
                    clock += ASKED_AFTER;
                    model.shows(*place, servers, seconds(clock));
                    if !history.weather.has(Trouble::RoleRefused) {
                        let stalled = servers.iter().filter(|shown| shown.state() == "STALLED");
                        model.ever_stalled.extend(stalled.map(|shown| (*place, shown.server)));
                    }
                }
            }
        }
        model
    }

    fn shows(&mut self, place: u8, servers: &[Shown], wished: i64) {
        let shown: BTreeMap<u8, Shown> = servers.iter().map(|shown| (shown.server, *shown)).collect();
        self.always_connected.retain(|(of, server)| *of != place || is_connected(shown.get(server)));
        self.shown.insert(place, (wished, shown));
    }

    fn comes(&mut self, event: &Event, now: i64) {
        let Event { place, at, .. } = *event;
        let mut hears = |earliest: i64, latest: i64| {
            let heard = self.heard.entry(place).or_insert((earliest, latest));
            *heard = (earliest.max(heard.0), latest.max(heard.1));
        };
        let minute = |at: i64| at - at.rem_euclid(60);
        match event.tells {
            Tells::Heartbeat => return hears(at, at),
            // Other workers hear these.
            Tells::Launched(..) | Tells::Poison(_) => return,
            Tells::Tagged(server, version) => {
                let newest = self.tags.entry((place, server)).or_insert(version);
                *newest = version.max(*newest);
                return;
            }
            Tells::Stranger => return self.stranger = true,
            _ => {}
        }
        if let Tells::Ahead(_) = event.tells {
            self.set_aside.insert((place, "FROM_THE_FUTURE"));
            return hears(minute(now), minute(at + AHEAD));
        }
        hears(minute(at.min(now)), minute(at));
        match event.tells {
            Tells::Stalled(server, stalled) => {
                let newest = self.stalls.entry((place, server)).or_insert((at, stalled));
                *newest = (*newest).max((at, stalled));
                self.spoken_of.insert((place, server));
                if stalled {
                    self.ever_stalled.insert((place, server));
                }
            }
            Tells::Snapshot(server) => {
                let newest = self.snapshots.entry((place, server)).or_insert(at - at.rem_euclid(600));
                *newest = (*newest).max(at - at.rem_euclid(600));
                self.spoken_of.insert((place, server));
            }
            Tells::Disconnect(server) => {
                let newest = self.disconnects.entry((place, server)).or_insert(at);
                *newest = (*newest).max(at);
                self.spoken_of.insert((place, server));
            }
            Tells::Novelty => {
                self.set_aside.insert((place, "UNKNOWN_TYPE"));
            }
            _ => {}
        }
    }

    /// The replication state of a server, if its place was last swept at `swept`; `None`: it is gone, or was never
    /// heard of. An event beats a sweep of the same second.
    pub fn state(&self, server: Server, swept: Option<i64>) -> Option<&'static str> {
        let newest = self.stalls.get(&server).filter(|(at, _)| swept.is_none_or(|swept| *at >= swept));
        if let Some((_, stalled)) = newest {
            return Some(if *stalled { "STALLED" } else { "NOT_STALLED" });
        }
        if swept.is_none() {
            return self.spoken_of.contains(&server).then_some("UNKNOWN");
        }
        Some(self.shown.get(&server.0)?.1.get(&server.1)?.state())
    }

    /// Servers that DRS shows in the end, and that are connected: those that are tagged.
    pub fn is_connected(&self, (place, server): Server) -> bool {
        self.shown.get(&place).is_some_and(|(_, shown)| is_connected(shown.get(&server)))
    }
}

fn is_connected(shown: Option<&Shown>) -> bool {
    shown.is_some_and(|shown| shown.ail != Some(Ail::Disconnected))
}
