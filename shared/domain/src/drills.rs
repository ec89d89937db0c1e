//! Which servers were drilled in time, and which are due: by their history, and by what DRS itself says of their last
//! launch, which reaches back to drills before drs-fleet was there.
//!
//! Only a drill that launched the server counts: a real recovery is shown beside it. A server that is extended into
//! another account is drilled there, as the extended one.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

pub use self::report::{Count, OfAccount, OfApplication, Report};
use crate::ids::{JobId, SourceServerId};
use crate::keys::Place;
use crate::launches::{Launch, LaunchesRow};
use crate::policy::Policy;
use crate::seen::LastLaunch;
use crate::server::{ServerDetailsRow, ServerRow};
use crate::span::Length;
use crate::sweep::after;

/// Times of one launch that DRS and its job tell may differ by this much.
const SAME: u64 = 60;

/// What the table holds of a server.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Name of its account.
    pub account_name: &'a str,
    /// The server.
    pub server: &'a ServerRow,
    /// What it is made of; none before a sweep saw it.
    pub details: Option<&'a ServerDetailsRow>,
    /// Its history; none where no job that ended launched it, or failed to.
    pub launches: Option<&'a LaunchesRow>,
}

/// Whether a server was drilled in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// No drill of it is known that succeeded.
    Never,
    /// The last one is too long ago.
    Overdue,
    /// The last one is recent enough.
    InTime,
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Never => "NEVER",
            Self::Overdue => "OVERDUE",
            Self::InTime => "IN_TIME",
        })
    }
}

/// A server and its drills.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drilled {
    /// Where it is.
    pub place: Place,
    /// Name of its account.
    pub account_name: String,
    /// Its application, by the tag that the policy names.
    pub application: Option<String>,
    /// Its id.
    pub id: SourceServerId,
    /// What people call it.
    pub name: String,
    /// Whether it was drilled in time.
    pub standing: Standing,
    /// How often it should be.
    pub every: Length,
    /// When the next drill was or is due; none where none is known.
    pub due: Option<Timestamp>,
    /// The last drill that launched it.
    pub drill: Option<Last>,
    /// The last real recovery that launched it.
    pub recovery: Option<Last>,
    /// The last drill or recovery that failed to.
    pub failed: Option<Last>,
}

/// The last launch of its sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Last {
    /// When it was asked for.
    pub at: Timestamp,
    /// Its job.
    pub job: Option<JobId>,
    /// Who started it, where that is known.
    pub by: Option<String>,
    /// How long it took until the server was launched, where that is known.
    pub took: Option<Length>,
    /// Its recovery time objective then; where it had none then, the one that it has now.
    pub objective: Option<Length>,
    /// Whether only DRS's own record of the server tells of it.
    pub told_by_drs: bool,
}

impl Known<'_> {
    /// Whether it is still there, and drilled under its own id; `extended` are the ARNs by [`extended`].
    pub fn is_drilled_here(&self, extended: &BTreeSet<&str>) -> bool {
        self.server.gone_since.is_none() && !self.details.is_some_and(|d| extended.contains(d.arn.as_str()))
    }

    /// Its application, by the tag that the policy names.
    pub fn application(&self, policy: &Policy) -> Option<&str> {
        self.tags()?.get(policy.application_tag()).map(String::as_str)
    }

    /// All tags that are known; those that decisions look at, where no more is.
    fn tags(&self) -> Option<&BTreeMap<String, String>> {
        let marks = self.server.inventory.as_ref().map(|inventory| &inventory.marks);
        self.details.map(|details| &details.tags).or(marks)
    }
}

/// The ARNs of the servers that others extend into their own account.
pub fn extended<'a>(servers: impl IntoIterator<Item = &'a ServerRow>) -> BTreeSet<&'a str> {
    let extending = servers.into_iter().filter(|server| server.gone_since.is_none());
    let extending = extending.filter(|server| server.replicates_elsewhere().is_some());
    extending.filter_map(|server| server.inventory.as_ref()?.staging.server_arn.as_deref()).collect()
}

impl Drilled {
    /// A server, with the time within which it should be drilled: `every`, else that of the policy.
    pub fn of(known: &Known<'_>, policy: &Policy, every: Option<Duration>, now: Timestamp) -> Self {
        let Known { account_name, server, launches, .. } = *known;
        let none = BTreeMap::new();
        let by_policy = || policy.of_server(&server.place.account, known.tags().unwrap_or(&none)).drill_every;
        let every = every.unwrap_or_else(by_policy);
        let objective = server.recovery_time_objective().map(Length);
        let ours = |launch: &Option<Launch>| launch.as_ref().map(|launch| Last::ours(launch, objective));
        let drs = known.details.and_then(|details| details.facts.last_launch.as_ref());
        let last = |sort, launch: fn(&LaunchesRow) -> &Option<Launch>| {
            let told = drs.filter(|told| Sort::of(told) == Some(sort));
            newer(launches.map(launch).and_then(ours), told.map(|told| Last::of_drs(told, objective)))
        };
        let drill = last(Sort::Drill, |row| &row.drill);
        let due = drill.as_ref().map(|drill| after(drill.at, every));
        Self {
            place: server.place.clone(),
            account_name: account_name.to_owned(),
            application: known.application(policy).map(str::to_owned),
            id: server.id.clone(),
            name: server.name().to_owned(),
            standing: match due {
                None => Standing::Never,
                Some(due) if due <= now => Standing::Overdue,
                Some(_) => Standing::InTime,
            },
            every: Length(every),
            due,
            drill,
            recovery: last(Sort::Recovery, |row| &row.recovery),
            failed: last(Sort::Failed, |row| &row.failed),
        }
    }

    /// Whether it must be drilled now.
    pub fn is_due(&self) -> bool {
        self.standing != Standing::InTime
    }
}

impl Last {
    /// Whether it took longer than its objective; `None` where either is not known.
    pub fn is_late(&self) -> Option<bool> {
        Some(self.took? > self.objective?)
    }

    fn ours(launch: &Launch, objective: Option<Length>) -> Self {
        Self {
            at: launch.at,
            job: Some(launch.job.clone()),
            by: launch.by.clone(),
            took: launch.took,
            objective: launch.objective.or(objective),
            told_by_drs: false,
        }
    }

    fn of_drs(told: &LastLaunch, objective: Option<Length>) -> Self {
        let LastLaunch { at, job, .. } = told;
        Self { at: *at, job: job.clone(), by: None, took: None, objective, told_by_drs: true }
    }

    /// Whether `told` is this launch: by its job, or where DRS does not name it, by the time.
    fn is_the_same(&self, told: &Self) -> bool {
        let is_near = || self.at.duration_since(told.at).unsigned_abs().as_secs() < SAME;
        told.job.as_ref().map_or_else(is_near, |job| self.job.as_ref() == Some(job))
    }
}

/// What sort of launch DRS tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Drill,
    Recovery,
    Failed,
}

impl Sort {
    /// `None` while it is under way. What was terminated had been launched.
    fn of(told: &LastLaunch) -> Option<Self> {
        match (told.status.as_str(), told.drill) {
            ("LAUNCHED" | "TERMINATED", true) => Some(Self::Drill),
            ("LAUNCHED" | "TERMINATED", false) => Some(Self::Recovery),
            ("FAILED", _) => Some(Self::Failed),
            _ => None,
        }
    }
}

/// The newer one; of the same launch, our own record tells more.
fn newer(ours: Option<Last>, told: Option<Last>) -> Option<Last> {
    match (ours, told) {
        (Some(ours), Some(told)) if told.at > ours.at && !ours.is_the_same(&told) => Some(told),
        (ours, told) => ours.or(told),
    }
}

#[cfg(test)]
mod tests;
