//! Incidents: an open condition on one subject, which opens, may escalate, and resolves.
//!
//! Open incidents are fields of their subject's row. The notifier tells them; see `notification.rs`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::Place;
use crate::own_event::{Happened, OwnEvent};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IncidentKind {
    /// A source server's replication has stalled: its recovery point ages.
    ReplicationStalled,
    /// The spoke's role refuses us: nothing of this account is seen.
    AccountDenied,
}

impl fmt::Display for IncidentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReplicationStalled => "REPLICATION_STALLED",
            Self::AccountDenied => "ACCOUNT_DENIED",
        })
    }
}

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

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        })
    }
}

/// A condition that holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Since when, as far as AWS dated it.
    pub opened_at: Timestamp,
    /// How bad it is.
    pub severity: Severity,
    /// Rises with each event told of it.
    pub sequence: u32,
    /// What a person is told of the cause, in plain words.
    pub reason: String,
}

/// The open incidents of one subject.
pub type Incidents = BTreeMap<IncidentKind, Incident>;

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
}

/// Brings the open incidents in line with the conditions that hold at `at`, and says what to tell.
///
/// Opens what is new, escalates what became worse, resolves what is over. A condition that stays as it was,
/// or became less bad, is not told again.
pub fn reconcile(
    open: &mut Incidents,
    holding: &[Condition],
    subject: &Subject<'_>,
    at: Timestamp,
) -> Vec<OwnEvent> {
    let mut tell = Vec::new();
    open.retain(|kind, incident| {
        let holds = holding.iter().any(|c| c.kind == *kind);
        if !holds {
            let over = Incident { sequence: incident.sequence + 1, ..incident.clone() };
            tell.push(OwnEvent::of_incident(Happened::Resolved, *kind, &over, subject, at));
        }
        holds
    });
    for condition in holding {
        match open.get_mut(&condition.kind) {
            None => {
                let incident = Incident {
                    opened_at: condition.since,
                    severity: condition.severity,
                    sequence: 1,
                    reason: condition.reason.clone(),
                };
                tell.push(OwnEvent::of_incident(Happened::Opened, condition.kind, &incident, subject, at));
                open.insert(condition.kind, incident);
            }
            Some(incident) if condition.severity > incident.severity => {
                incident.severity = condition.severity;
                incident.sequence += 1;
                incident.reason.clone_from(&condition.reason);
                tell.push(OwnEvent::of_incident(Happened::Escalated, condition.kind, incident, subject, at));
            }
            Some(_) => {}
        }
    }
    tell
}
