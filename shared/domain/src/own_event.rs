//! The events that drs-fleet itself publishes; their JSON Schemas lie in `events/drs-fleet/`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Region};
use crate::incident::{Incident, IncidentKind, Severity, Subject};
use crate::keys::Place;

/// The `source` of own events.
pub const SOURCE: &str = "drs-fleet";

/// What happened to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Happened {
    /// A condition began to hold.
    Opened,
    /// It became worse.
    Escalated,
    /// It holds no more.
    Resolved,
}

impl Happened {
    /// The `detail-type` of the event.
    pub fn detail_type(self) -> &'static str {
        match self {
            Self::Opened => "Incident Opened",
            Self::Escalated => "Incident Escalated",
            Self::Resolved => "Incident Resolved",
        }
    }
}

/// The `detail` of an own event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnEvent {
    /// Incident key, opened-at and sequence: the same for every delivery and every repetition.
    pub event_id: String,
    /// Incident key: kind, account, Region and subject.
    pub incident: String,
    /// What happened.
    pub happened: Happened,
    /// What is or was wrong.
    pub kind: IncidentKind,
    /// How bad.
    pub severity: Severity,
    /// Account of the subject.
    pub account_id: AccountId,
    /// Its name in the registry.
    pub account_name: String,
    /// Region of the subject.
    pub region: Region,
    /// Id of the subject.
    pub subject: String,
    /// Name of the subject for people.
    pub subject_name: String,
    /// Since when.
    pub opened_at: Timestamp,
    /// When this event's cause happened.
    pub at: Timestamp,
    /// Rises with each event of one incident.
    pub sequence: u32,
    /// Why, in plain words.
    pub reason: String,
}

impl OwnEvent {
    pub(crate) fn of_incident(
        happened: Happened,
        kind: IncidentKind,
        incident: &Incident,
        subject: &Subject<'_>,
        at: Timestamp,
    ) -> Self {
        let place = subject.place;
        let key = format!("{kind}/{}/{}/{}", place.account, place.region, subject.id);
        Self {
            event_id: format!("{key}@{}#{}", incident.opened_at, incident.sequence),
            incident: key,
            happened,
            kind,
            severity: incident.severity,
            account_id: place.account.clone(),
            account_name: subject.account_name.to_owned(),
            region: place.region.clone(),
            subject: subject.id.to_owned(),
            subject_name: subject.name.to_owned(),
            opened_at: incident.opened_at,
            // AWS may date the end before the beginning where clocks differ; nobody is told a negative duration.
            at: at.max(incident.opened_at),
            sequence: incident.sequence,
            reason: incident.reason.clone(),
        }
    }

    /// Where the subject is.
    pub fn place(&self) -> Place {
        Place { account: self.account_id.clone(), region: self.region.clone() }
    }
}
