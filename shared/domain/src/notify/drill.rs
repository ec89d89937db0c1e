//! How a drill goes: its jobs are told as a start, a line for each, and a summary at the end, instead of pages.
//!
//! A drill is opened by its first job, and is over when no job of it has run for a while; or a window that a person or a
//! tag opened says when it begins and ends. Jobs belong to the window that covers them, else to the drill of their plan
//! (`drs-fleet:plan`), else to the one drill of all jobs without a plan. A job stays with the drill that it began in, which it
//! may outlast.

mod row;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use self::row::{DrillRow, LONGEST, Wave, WaveEnd};
use super::ChannelName;
use super::bulletin::{HeldBack, NAMED, Site};
use super::delivery::Place as DeliveredAt;
use crate::incident::{IncidentKind, Severity};
use crate::keys::Place;
use crate::own_event::{Happened, IncidentEvent, JobEvent, JobHappened};
use crate::row::Change;

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
            None => {
                Self { id: "jobs".to_owned(), name: "jobs without a plan".to_owned(), window: None, routes }
            }
        }
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
        drill_tag: None,
    }
}

/// A window begins: where its drill is not under way, it begins.
pub fn begun(which: &Which, stored: Option<&DrillRow>, now: Timestamp) -> Option<Change<DrillRow>> {
    begun_at(which, stored, None, now)
}

fn begun_at(
    which: &Which,
    stored: Option<&DrillRow>,
    site: Option<Site>,
    now: Timestamp,
) -> Option<Change<DrillRow>> {
    let is_under_way = stored.is_some_and(|row| row.ended_at.is_none());
    let is_past = which.window.is_some() && stored.is_some();
    if is_under_way || is_past {
        return None;
    }
    Change::between(stored, DrillRow::new(which, stored, site, now), Vec::new())
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
    // A job that outlasts its drill is a wave of it all the same.
    let begun = if known.is_none() { begun_at(which, stored, Some(site(event)), now) } else { None };
    let mut row = begun.map(|change| change.row).or_else(|| stored.cloned())?;
    if row.ended_at.is_some() && known.is_none() {
        return None;
    }
    // Those whose routes its first jobs did not take hear of the rest.
    let late: Vec<_> = which.routes.iter().filter(|route| !row.is_told_over(route)).cloned().collect();
    if row.ended_at.is_none() {
        row.also.extend(late);
    }
    row.runs_at(site(event));
    let wave = row.waves.entry(event.job_id.clone()).or_insert(Wave { began_at: event.at, end: None });
    if event.happened == JobHappened::Completed {
        let end = WaveEnd::of(event);
        wave.end = Some(WaveEnd { failed_servers: Vec::new(), ..end.clone() });
        row.names(&end.failed_servers);
        let number = row.waves.values().filter(|wave| wave.end.is_some()).count();
        row.says(end.wave(event, u32::try_from(number).unwrap_or(u32::MAX)), now);
    }
    row.moved_at = now;
    Change::between(stored, row, Vec::new())
}

fn site(event: &JobEvent) -> Site {
    let (account_id, account_name) = (event.account_id.clone(), event.account_name.clone());
    Site { account_id, account_name, region: event.region.clone() }
}

/// What the window of a drill comes to, where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// When it is closed: a person may close it early.
    pub at: Timestamp,
    /// What it held back.
    pub held: Held,
    /// The routes that this takes.
    pub routes: BTreeSet<String>,
}

/// The incidents that a window held back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// How many.
    pub count: u32,
    /// The first of them.
    pub first: Vec<HeldBack>,
}

impl Held {
    /// Of these incidents: what is open first, and the worst of that.
    pub fn of(mut incidents: Vec<HeldBack>) -> Self {
        let count = u32::try_from(incidents.len()).unwrap_or(u32::MAX);
        incidents.sort_by(|a, b| (b.open, b.severity, &a.incident).cmp(&(a.open, a.severity, &b.incident)));
        incidents.truncate(NAMED);
        Self { count, first: incidents }
    }
}

/// Serves the drill's timer: it may be over, or somebody died with bulletins in hand.
pub fn looked(row: &DrillRow, window: Option<&Closing>, now: Timestamp) -> Option<Change<DrillRow>> {
    let mut next = row.clone();
    next.until = window.map_or(row.until, |window| row.until.min(window.at));
    if next.end_at().is_some_and(|at| at <= now) {
        let routes = window.iter().flat_map(|window| &window.routes);
        let others: Vec<_> = routes.filter(|route| !next.is_told_over(route)).cloned().collect();
        next.also.extend(others);
        next.ends(window.map(|window| window.held.clone()), now);
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
