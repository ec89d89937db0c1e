//! The row of a drill: its jobs, and what is still to be told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Held, Which};
use crate::ids::JobId;
use crate::keys::{self, Key};
use crate::notify::bulletin::{Drill, DrillHappened, NAMED, Site};
use crate::notify::delivery::Place as DeliveredAt;
use crate::notify::routes::DEFAULT;
use crate::notify::{Bulletin, ChannelName};
use crate::own_event::{FailedServer, JobEvent};
use crate::routing::WorkerName;
use crate::row::Row;
use crate::sweep::after;

/// A drill whose last job ended so long ago is over.
const QUIET: Duration = Duration::from_mins(10);

/// A drill that no person ends is over after this long, whatever its jobs say.
pub const LONGEST: Duration = Duration::from_hours(24);

/// Bulletins whose writer died before they were stored as deliveries are stored by another after this long.
const CLAIM: Duration = Duration::from_mins(1);

/// So many places of its jobs are named at most.
const SITES: usize = 100;

/// The record of a drill is kept for 90 days.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// A drill, as people are told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillRow {
    /// The window, or the plan.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Who opened its window; `None` where its first job did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The route whose channels it is told over.
    pub route: String,
    /// Other routes that its events take.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub also: BTreeSet<String>,
    /// When it began.
    pub began_at: Timestamp,
    /// Until when at most it lasts.
    pub until: Timestamp,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its jobs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waves: BTreeMap<JobId, Wave>,
    /// The first of the servers that failed, of all its jobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_servers: Vec<FailedServer>,
    /// Where its jobs have run so far.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sites: BTreeSet<Site>,
    /// When anything of it last moved.
    pub moved_at: Timestamp,
    /// The number of the bulletin that tells its start; 0 in what an older release stored.
    #[serde(default)]
    pub first: u32,
    /// The number of the last bulletin, over all drills of this id.
    #[serde(default)]
    pub number: u32,
    /// What is still to be stored as deliveries, by number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outgoing: BTreeMap<u32, Drill>,
    /// By channel, the last bulletin that went there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last: BTreeMap<ChannelName, DeliveredAt>,
}

/// A job of a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// When it was heard of.
    pub began_at: Timestamp,
    /// What came of it; `None` while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<WaveEnd>,
}

/// What came of a job of a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaveEnd {
    /// How many servers took part.
    pub servers: u32,
    /// How many were launched.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
    /// From its start to the last server, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_seconds: Option<u64>,
    /// The first of the servers that failed; kept here by an older release, now in [`DrillRow::failed_servers`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_servers: Vec<FailedServer>,
}

impl Row for DrillRow {
    const KIND: &'static str = "drill";
    const WORKER: &'static str = WorkerName::Notifications.as_str();
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        keys::drill(&self.id)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        if self.outgoing.is_empty() { self.end_at() } else { Some(after(self.moved_at, CLAIM)) }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.ended_at?.checked_add(KEPT).ok()
    }
}

impl DrillRow {
    pub(super) fn new(which: &Which, past: Option<&Self>, site: Option<Site>, now: Timestamp) -> Self {
        let (by, until) = which.window.clone().unzip();
        let route = which.routes.first().cloned().unwrap_or_else(|| DEFAULT.to_owned());
        let mut row = Self {
            id: which.id.clone(),
            name: which.name.clone(),
            by,
            also: which.routes.iter().filter(|other| **other != route).cloned().collect(),
            route,
            began_at: now,
            until: until.unwrap_or_else(|| after(now, LONGEST)),
            ended_at: None,
            waves: BTreeMap::new(),
            failed_servers: Vec::new(),
            sites: site.into_iter().collect(),
            moved_at: now,
            first: past.map_or(0, |past| past.number) + 1,
            number: past.map_or(0, |past| past.number),
            outgoing: past.map(|past| past.outgoing.clone()).unwrap_or_default(),
            last: BTreeMap::new(),
        };
        row.says(row.start(), now);
        row
    }

    fn start(&self) -> DrillHappened {
        DrillHappened::Started { by: self.by.clone(), until: self.until }
    }

    /// These failed. Only the first are kept, however many jobs fail: an item has 400 KB.
    pub(super) fn names(&mut self, failed: &[FailedServer]) {
        let room = NAMED.saturating_sub(self.failed_servers.len());
        self.failed_servers.extend(failed.iter().take(room).cloned());
    }

    /// A job of it runs there.
    pub(super) fn runs_at(&mut self, site: Site) {
        if self.sites.len() < SITES {
            self.sites.insert(site);
        }
    }

    /// When it is over if nothing moves.
    pub fn end_at(&self) -> Option<Timestamp> {
        let runs = self.waves.values().any(|wave| wave.end.is_none());
        let quiet = (self.by.is_none() && !runs).then(|| after(self.moved_at, QUIET));
        if self.ended_at.is_some() {
            None
        } else {
            Some(quiet.map_or(self.until, |quiet| quiet.min(self.until)))
        }
    }

    pub(super) fn says(&mut self, happened: DrillHappened, at: Timestamp) {
        self.number += 1;
        self.outgoing.insert(self.number, self.bulletin(self.number, happened, at));
    }

    fn bulletin(&self, number: u32, happened: DrillHappened, at: Timestamp) -> Drill {
        let (name, since) = (self.name.clone(), self.began_at);
        let (key, sites) = (format!("drill/{}#{number}", self.id), self.sites.clone());
        Drill { key, name, happened, at, since, sites }
    }

    /// It is over; `held` is what its window held back. Where it has none, only its own failed jobs paged nobody.
    pub(super) fn ends(&mut self, held: Option<Held>, now: Timestamp) {
        let ends: Vec<&WaveEnd> = self.waves.values().filter_map(|wave| wave.end.as_ref()).collect();
        let sum = |of: fn(&WaveEnd) -> u32| ends.iter().map(|end| of(end)).sum();
        let held = held.unwrap_or_else(|| Held {
            count: number_of(ends.iter().filter(|end| end.failed > 0).count()),
            first: Vec::new(),
        });
        let of_waves = ends.iter().flat_map(|end| &end.failed_servers);
        let named = of_waves.chain(&self.failed_servers);
        let summary = DrillHappened::Ended {
            waves: number_of(self.waves.len()),
            servers: sum(|end| end.servers),
            succeeded: sum(|end| end.succeeded),
            failed: sum(|end| end.failed),
            longest_seconds: ends.iter().filter_map(|end| end.recovery_seconds).max(),
            running: number_of(self.waves.len() - ends.len()),
            held: held.count,
            held_incidents: held.first,
            failed_servers: named.take(NAMED).cloned().collect(),
        };
        self.ended_at = Some(now);
        self.says(summary, now);
    }

    /// The routes whose channels it is told over.
    pub fn routes(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.route).chain(&self.also)
    }

    pub(super) fn is_told_over(&self, route: &String) -> bool {
        self.route == *route || self.also.contains(route)
    }

    /// What is to be stored as deliveries, with its numbers: first of all that it is under way, for those who slept when it
    /// began, or whose routes its first jobs did not take. Who hears of its end alone needs no start.
    pub fn bulletins(&self) -> impl Iterator<Item = (u32, Bulletin)> {
        let goes_on = self.ended_at.is_none() || self.outgoing.len() > 1;
        let is_to_come = self.outgoing.contains_key(&self.first);
        // Not our time: whoever makes it once more makes the same.
        let start = || self.bulletin(self.first, self.start(), self.began_at);
        let late = (goes_on && !is_to_come).then(|| (self.first, start()));
        let outgoing = self.outgoing.iter().map(|(number, drill)| (*number, drill.clone()));
        late.into_iter().chain(outgoing).map(|(number, drill)| (number, Bulletin::Drill(Box::new(drill))))
    }

    /// What its deliveries are stored under.
    pub fn group(&self) -> String {
        format!("drill/{}", self.id)
    }
}

fn number_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl WaveEnd {
    pub(super) fn of(event: &JobEvent) -> Self {
        Self {
            servers: event.servers,
            succeeded: event.succeeded,
            failed: event.failed,
            recovery_seconds: event.recovery_seconds,
            failed_servers: event.failed_servers.clone(),
        }
    }

    pub(super) fn wave(self, event: &JobEvent, number: u32) -> DrillHappened {
        DrillHappened::Wave {
            number,
            job_id: event.job_id.to_string(),
            account_id: Some(event.account_id.clone()),
            account_name: event.account_name.clone(),
            region: event.region.to_string(),
            servers: self.servers,
            succeeded: self.succeeded,
            failed: self.failed,
            recovery_seconds: self.recovery_seconds,
            failed_servers: self.failed_servers,
        }
    }
}
