//! Incidents: an open condition on one subject, which opens, may escalate, and resolves.
//!
//! Open incidents are fields of their subject's row. The notifier tells them; see `notification.rs`.

mod kind;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::kind::IncidentKind;
use crate::ids::JobId;
use crate::keys::Place;
use crate::own_event::{Happened, IncidentEvent};
use crate::planted::{Bug, is_planted};

/// How bad it is; greater is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// To be looked at in working hours.
    Medium,
    /// To be looked at now.
    High,
    /// Recovery is at stake.
    Critical,
}

impl Severity {
    /// All of them, from the least on.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// As stored and published.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A condition that holds, or the last one of its kind that held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Since when, as far as AWS dated it; later than the end of the incident before it.
    pub opened_at: Timestamp,
    /// How bad it is.
    pub severity: Severity,
    /// Rises with each event told of it.
    pub sequence: u32,
    /// The newest that is known of the cause, in plain words. It may have changed since people were told, and is not
    /// kept of what is over and told to be.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it ended. What comes back within [`REOPENS`] is the same incident; what comes later takes its place, and
    /// is told apart from it by `opened_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// How often it came back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flaps: u32,
    /// Whether the last that was told of it is that it is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told_over: bool,
}

/// What ends and comes back within this time is the same incident.
pub const REOPENS: Duration = Duration::from_mins(10);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The incidents of one subject: of each kind the one that is open, or the last one. Boxed, for a map of one has room for
/// eleven, and workers remember thousands of rows.
pub type Incidents = BTreeMap<IncidentKind, Box<Incident>>;

/// The open ones.
pub fn open(incidents: &Incidents) -> impl Iterator<Item = (IncidentKind, &Incident)> {
    incidents.iter().filter(|(_, i)| i.closed_at.is_none()).map(|(kind, incident)| (*kind, &**incident))
}

/// When [`reconcile`] must be called again so that the end of a flapping incident is told.
pub fn wake_at(incidents: &Incidents) -> Option<Timestamp> {
    if is_planted(Bug::FlappingNeverOver) {
        return None;
    }
    incidents.values().filter(|i| !i.told_over).filter_map(|i| i.closed_at.map(quiet_from)).min()
}

/// What is open is looked at so often, should nothing else do it: the account may not be watched any more.
const LOOKED_AT: Duration = Duration::from_mins(5);

/// When the worker looks again at a subject on which something is open; a time that was set and is to come stays.
pub fn look_again(incidents: &Incidents, set: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    open(incidents).next()?;
    set.filter(|at| *at > now).or_else(|| now.checked_add(LOOKED_AT).ok())
}

/// From when on an incident that ended then does not come back.
fn quiet_from(closed_at: Timestamp) -> Timestamp {
    closed_at.checked_add(REOPENS).unwrap_or(Timestamp::MAX)
}

/// A condition as a decision finds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is wrong.
    pub kind: IncidentKind,
    /// Since when.
    pub since: Timestamp,
    /// How bad it is.
    pub severity: Severity,
    /// Why, in plain words.
    pub reason: String,
}

/// Whose incidents are reconciled.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Where.
    pub place: &'a Place,
    /// Name of the account in the registry.
    pub account_name: &'a str,
    /// Id of the subject: a server's, a job's, or the account's.
    pub id: &'a str,
    /// Name of the subject for people.
    pub name: &'a str,
    /// The job that it is, or that it comes from.
    pub job: Option<JobLabel<'a>>,
    /// The application of a source server, where that is known.
    pub application: Option<&'a str>,
    /// The tag `drs-fleet:drill` of a source server, or of all servers of a job.
    pub drill_tag: Option<&'a str>,
}

/// What incidents of a job can be grouped by.
#[derive(Clone, Copy, Debug)]
pub struct JobLabel<'a> {
    /// Its id.
    pub id: &'a JobId,
    /// Its tag `drs-fleet:plan`.
    pub plan: Option<&'a str>,
    /// Drill or real recovery, where known.
    pub drill: Option<bool>,
}

/// Brings the incidents in line with the conditions that hold at `at`, and says what to tell.
///
/// Opens what is new, escalates what became worse, resolves what is over. A condition that stays as it was, or
/// became less bad, is not told again, whatever is learnt of its cause: that is kept, and comes with what is told
/// next. One that flaps is told when it opens, when it is over, when it comes back for the first time, and then no
/// more until it has been quiet for [`REOPENS`].
pub fn reconcile(
    incidents: &mut Incidents,
    holding: &[Condition],
    subject: &Subject<'_>,
    at: Timestamp,
) -> Vec<IncidentEvent> {
    let mut tell = Vec::new();
    for (kind, incident) in incidents.iter_mut() {
        let condition = holding.iter().find(|c| c.kind == *kind);
        let quiet_until = condition.map_or(at, |c| at.max(c.since));
        let told = match incident.closed_at {
            None if condition.is_none() => incident.close(at),
            Some(_) if incident.is_past(quiet_until) => incident.end(),
            _ => None,
        };
        let ended = incident.closed_at.unwrap_or(at);
        tell.extend(told.map(|happened| IncidentEvent::of(happened, *kind, incident, subject, ended)));
    }
    for condition in holding {
        let (kind, at) = (condition.kind, at.max(condition.since));
        let told = match incidents.get_mut(&kind) {
            Some(incident) if !incident.is_past(at) => incident.goes_on(condition),
            past => {
                let opened = Box::new(Incident::opened(condition, past.as_deref().map(|past| &**past)));
                incidents.insert(kind, opened);
                Some(Happened::Opened)
            }
        };
        if let (Some(happened), Some(incident)) = (told, incidents.get(&kind)) {
            tell.push(IncidentEvent::of(happened, kind, incident, subject, at));
        }
    }
    incidents
        .values_mut()
        .filter(|i| i.closed_at.is_some() && i.told_over)
        .for_each(|i| i.reason = String::new());
    tell
}

/// As [`reconcile`] at `at`, when what decides was observed, but what flapped is over once it has been quiet by the
/// clock, `now`: what is observed again later says nothing of that.
pub fn reconcile_late(
    incidents: &mut Incidents,
    holding: &[Condition],
    subject: &Subject<'_>,
    (at, now): (Timestamp, Timestamp),
) -> Vec<IncidentEvent> {
    let mut tell = reconcile(incidents, holding, subject, at);
    if wake_at(incidents).is_some_and(|due| due <= now) {
        tell.extend(reconcile(incidents, holding, subject, at.max(now)));
    }
    tell
}

impl Incident {
    /// The notifier tells incidents of a kind apart by their beginning, so none begins before the last one ended.
    fn opened(condition: &Condition, past: Option<&Self>) -> Self {
        let earliest = past.and_then(|past| past.closed_at?.checked_add(Duration::from_nanos(1)).ok());
        Self {
            opened_at: earliest.map_or(condition.since, |earliest| earliest.max(condition.since)),
            severity: condition.severity,
            sequence: 1,
            reason: condition.reason.clone(),
            closed_at: None,
            flaps: 0,
            told_over: false,
        }
    }

    /// It does not hold any more. The end of one that flaps is told later.
    fn close(&mut self, at: Timestamp) -> Option<Happened> {
        self.closed_at = Some(at.max(self.opened_at));
        if self.flaps == 0 { self.end() } else { None }
    }

    fn end(&mut self) -> Option<Happened> {
        if std::mem::replace(&mut self.told_over, true) {
            return None;
        }
        self.sequence += u32::from(!is_planted(Bug::EndWithoutSequence));
        Some(Happened::Resolved)
    }

    /// Whether it ended so long before that what holds then is another one.
    fn is_past(&self, at: Timestamp) -> bool {
        self.closed_at.is_some_and(|closed| at >= quiet_from(closed))
    }

    /// Its condition holds: it came back, became worse, or is as it was.
    fn goes_on(&mut self, condition: &Condition) -> Option<Happened> {
        let worse = condition.severity > self.severity;
        if self.closed_at.take().is_some() {
            self.flaps += 1;
        }
        self.reason.clone_from(&condition.reason);
        let told = match (std::mem::take(&mut self.told_over), worse) {
            (true, _) => Happened::Reopened,
            (false, true) => Happened::Escalated,
            (false, false) => return None,
        };
        self.severity = condition.severity;
        self.sequence += 1;
        Some(told)
    }
}

#[cfg(test)]
mod tests;
