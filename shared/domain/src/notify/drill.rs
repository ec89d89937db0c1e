//! How a drill goes: its jobs are told as a start, a line for each, and a summary at the end, instead of pages.
//!
//! A drill is opened by its first job, and is over when no job of it has run for a while; or a window that a person opened
//! says when it begins and ends. Jobs belong to the window that covers them, else to the drill of their plan
//! (`drs-fleet:plan`), else to the one drill of all jobs without a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bulletin::{Drill, DrillHappened, NAMED};
use super::delivery::Place as DeliveredAt;
use super::routes::DEFAULT;
use super::{Bulletin, ChannelName};
use crate::ids::JobId;
use crate::incident::{IncidentKind, Severity};
use crate::keys::{self, Key, Place};
use crate::own_event::{FailedServer, Happened, IncidentEvent, JobEvent, JobHappened};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::sweep::after;

/// A drill whose last job ended so long ago is over.
const QUIET: Duration = Duration::from_mins(10);

/// A drill that no person ends is over after this long, whatever its jobs say.
const LONGEST: Duration = Duration::from_hours(24);

/// Bulletins whose writer died before they were stored as deliveries are stored by another after this long.
const CLAIM: Duration = Duration::from_mins(1);

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
    /// When anything of it last moved.
    pub moved_at: Timestamp,
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
    /// The first of the servers that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_servers: Vec<FailedServer>,
}

/// Which drill something belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Which {
    /// The window, or the plan.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Who opened its window, and until when it is open; `None` for a drill that its jobs open.
    pub window: Option<(String, Timestamp)>,
    /// The routes whose channels it is told over; there is always one.
    pub routes: BTreeSet<String>,
}

impl Which {
    /// The drill of a job that no window covers.
    pub fn of_plan(plan: Option<&str>, routes: BTreeSet<String>) -> Self {
        match plan {
            Some(plan) => Self { id: format!("plan/{plan}"), name: plan.to_owned(), window: None, routes },
            None => Self { id: "jobs".to_owned(), name: "Drill".to_owned(), window: None, routes },
        }
    }
}

impl Row for DrillRow {
    const KIND: &'static str = "drill";
    const WORKER: &'static str = WorkerName::Notifications.as_str();

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
    fn new(which: &Which, past: Option<&Self>, now: Timestamp) -> Self {
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
            moved_at: now,
            number: past.map_or(0, |past| past.number),
            outgoing: past.map(|past| past.outgoing.clone()).unwrap_or_default(),
            last: BTreeMap::new(),
        };
        row.says(DrillHappened::Started { by: row.by.clone(), until: row.until }, now);
        row
    }

    /// When it is over if nothing moves.
    fn end_at(&self) -> Option<Timestamp> {
        let runs = self.waves.values().any(|wave| wave.end.is_none());
        let quiet = (self.by.is_none() && !runs).then(|| after(self.moved_at, QUIET));
        if self.ended_at.is_some() {
            None
        } else {
            Some(quiet.map_or(self.until, |quiet| quiet.min(self.until)))
        }
    }

    fn says(&mut self, happened: DrillHappened, at: Timestamp) {
        self.number += 1;
        let (name, since) = (self.name.clone(), self.began_at);
        let drill = Drill { key: format!("drill/{}#{}", self.id, self.number), name, happened, at, since };
        self.outgoing.insert(self.number, drill);
    }

    fn ends(&mut self, now: Timestamp) {
        let ends: Vec<&WaveEnd> = self.waves.values().filter_map(|wave| wave.end.as_ref()).collect();
        let sum = |of: fn(&WaveEnd) -> u32| ends.iter().map(|end| of(end)).sum();
        let summary = DrillHappened::Ended {
            waves: u32::try_from(self.waves.len()).unwrap_or(u32::MAX),
            servers: sum(|end| end.servers),
            succeeded: sum(|end| end.succeeded),
            failed: sum(|end| end.failed),
            longest_seconds: ends.iter().filter_map(|end| end.recovery_seconds).max(),
            held: u32::try_from(ends.iter().filter(|end| end.failed > 0).count()).unwrap_or(u32::MAX),
            failed_servers: ends.iter().flat_map(|end| end.failed_servers.clone()).take(NAMED).collect(),
        };
        self.ended_at = Some(now);
        self.says(summary, now);
    }

    /// The routes whose channels it is told over.
    pub fn routes(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.route).chain(&self.also)
    }

    /// What is to be stored as deliveries, with its numbers.
    pub fn bulletins(&self) -> impl Iterator<Item = (u32, Bulletin)> {
        self.outgoing.iter().map(|(number, drill)| (*number, Bulletin::Drill(Box::new(drill.clone()))))
    }

    /// What its deliveries are stored under.
    pub fn group(&self) -> String {
        format!("drill/{}", self.id)
    }
}

/// What a job of a drill would be there if it failed: windows and routes look at it before any job is known.
pub fn failure(place: &Place, account_name: &str, now: Timestamp) -> IncidentEvent {
    IncidentEvent {
        event_id: String::new(),
        incident: String::new(),
        happened: Happened::Opened,
        kind: IncidentKind::JobFailed,
        severity: Severity::Low,
        account_id: place.account.clone(),
        account_name: account_name.to_owned(),
        region: place.region.clone(),
        subject: String::new(),
        subject_name: String::new(),
        opened_at: now,
        at: now,
        sequence: 1,
        reason: String::new(),
        flaps: 0,
        job_id: None,
        plan_name: None,
        drill: Some(true),
        application: None,
    }
}

/// A person's window begins, or a job of a drill is heard of: where no drill is under way, one begins.
pub fn begun(which: &Which, stored: Option<&DrillRow>, now: Timestamp) -> Option<Change<DrillRow>> {
    let is_under_way = stored.is_some_and(|row| row.ended_at.is_none());
    let is_past = which.window.is_some() && stored.is_some();
    if is_under_way || is_past {
        return None;
    }
    Change::between(stored, DrillRow::new(which, stored, now), Vec::new())
}

/// A job of a drill began or ended.
pub fn moved(
    which: &Which,
    event: &JobEvent,
    stored: Option<&DrillRow>,
    now: Timestamp,
) -> Option<Change<DrillRow>> {
    // What is told again of a drill that is over begins no other.
    let known = stored.and_then(|row| row.waves.get(&event.job_id));
    let is_over = known.is_some_and(|wave| wave.end.is_some());
    if is_over || (known.is_some() && event.happened != JobHappened::Completed) {
        return None;
    }
    let begun = begun(which, stored, now).map(|change| change.row);
    let mut row = begun.or_else(|| stored.cloned())?;
    if row.ended_at.is_some() {
        return None;
    }
    // Those whose routes its first jobs did not take hear of the rest.
    row.also.extend(which.routes.iter().filter(|other| **other != row.route).cloned());
    let wave = row.waves.entry(event.job_id.clone()).or_insert(Wave { began_at: event.at, end: None });
    if event.happened == JobHappened::Completed {
        let end = WaveEnd::of(event);
        wave.end = Some(end.clone());
        let number = row.waves.values().filter(|wave| wave.end.is_some()).count();
        row.says(end.wave(event, u32::try_from(number).unwrap_or(u32::MAX)), now);
    }
    row.moved_at = now;
    Change::between(stored, row, Vec::new())
}

impl WaveEnd {
    fn of(event: &JobEvent) -> Self {
        Self {
            servers: event.servers,
            succeeded: event.succeeded,
            failed: event.failed,
            recovery_seconds: event.recovery_seconds,
            failed_servers: event.failed_servers.clone(),
        }
    }

    fn wave(self, event: &JobEvent, number: u32) -> DrillHappened {
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

/// Serves the drill's timer: it may be over, or somebody died with bulletins in hand. `closes_at` is when the window that
/// it has is closed, where a person closed it early.
pub fn looked(row: &DrillRow, closes_at: Option<Timestamp>, now: Timestamp) -> Option<Change<DrillRow>> {
    let mut next = row.clone();
    next.until = closes_at.map_or(row.until, |at| row.until.min(at));
    if next.end_at().is_some_and(|at| at <= now) {
        next.ends(now);
    }
    if !next.outgoing.is_empty() {
        next.moved_at = now;
    }
    Change::between(Some(row), next, Vec::new())
}

/// The deliveries up to `number` are stored; `last` says which was the last for each channel.
pub fn stored(
    row: &DrillRow,
    number: u32,
    last: &BTreeMap<ChannelName, DeliveredAt>,
) -> Option<Change<DrillRow>> {
    let mut next = row.clone();
    next.outgoing.retain(|of, _| *of > number);
    let newer = |channel: &ChannelName, place: &DeliveredAt| {
        next.last.get(channel).is_none_or(|known| known.number < place.number)
    };
    let new: Vec<_> = last.iter().filter(|(channel, place)| newer(channel, place)).collect();
    let new: Vec<_> = new.into_iter().map(|(channel, place)| (channel.clone(), place.clone())).collect();
    next.last.extend(new);
    Change::between(Some(row), next, Vec::new())
}
