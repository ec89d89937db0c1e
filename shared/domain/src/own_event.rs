//! The events that drs-fleet itself publishes; their JSON Schemas lie in `events/drs-fleet/`.

mod job;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::job::{FailbackEvent, FailedServer, JobEvent, JobHappened};
use crate::capacity::Level;
use crate::ids::{AccountId, JobId, Region};
use crate::incident::{Incident, IncidentKind, Severity, Subject};
use crate::keys::Place;
use crate::notify::sample::{SAMPLE_REQUESTED, SampleEvent};

/// The `source` of own events.
pub const SOURCE: &str = "drs-fleet";

/// How the `detail-type` of every event of an incident begins; the notifier's rule looks at it.
pub const INCIDENT_TYPES: &str = "Incident ";

/// What happened to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Happened {
    /// A condition began to hold.
    Opened,
    /// It became worse.
    Escalated,
    /// It holds again, soon after it was over: the same incident.
    Reopened,
    /// It holds no more.
    Resolved,
}

impl Happened {
    /// The `detail-type` of the event.
    pub fn detail_type(self) -> &'static str {
        match self {
            Self::Opened => "Incident Opened",
            Self::Escalated => "Incident Escalated",
            Self::Reopened => "Incident Reopened",
            Self::Resolved => "Incident Resolved",
        }
    }
}

/// An own event, as an outbox keeps it. What is published is its `detail` alone, see [`OwnEvent::detail`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", content = "detail", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OwnEvent {
    /// Something happened to an incident.
    Incident(Box<IncidentEvent>),
    /// `Capacity Status Changed`.
    Capacity(Box<CapacityEvent>),
    /// A job began, ended, or is stuck.
    Job(Box<JobEvent>),
    /// `Failback State Changed`.
    Failback(Box<FailbackEvent>),
    /// `Sample Requested`, by a person.
    Sample(Box<SampleEvent>),
}

/// `detail-type` of [`OwnEvent::Capacity`].
pub const CAPACITY_STATUS_CHANGED: &str = "Capacity Status Changed";

/// `detail-type` of [`OwnEvent::Failback`].
pub const FAILBACK_STATE_CHANGED: &str = "Failback State Changed";

impl From<IncidentEvent> for OwnEvent {
    fn from(event: IncidentEvent) -> Self {
        Self::Incident(Box::new(event))
    }
}

impl From<CapacityEvent> for OwnEvent {
    fn from(event: CapacityEvent) -> Self {
        Self::Capacity(Box::new(event))
    }
}

impl OwnEvent {
    /// The same for every delivery and every repetition of one event.
    pub fn event_id(&self) -> &str {
        match self {
            Self::Incident(event) => &event.event_id,
            Self::Capacity(event) => &event.event_id,
            Self::Job(event) => &event.event_id,
            Self::Failback(event) => &event.event_id,
            Self::Sample(event) => &event.event_id,
        }
    }

    /// What it is about: of several events about the same, an outbox keeps the newest.
    pub fn about(&self) -> String {
        match self {
            Self::Incident(event) => event.incident.clone(),
            Self::Capacity(event) => format!("CAPACITY/{}", event.place()),
            Self::Job(event) => format!("{}/{}/{}", event.happened, event.place(), event.job_id),
            Self::Failback(event) => format!("FAILBACK/{}/{}", event.place(), event.recovery_instance_id),
            Self::Sample(event) => format!("SAMPLE/{}", event.event_id),
        }
    }

    /// The event's `detail-type`.
    pub fn detail_type(&self) -> &'static str {
        match self {
            Self::Incident(event) => event.happened.detail_type(),
            Self::Capacity(_) => CAPACITY_STATUS_CHANGED,
            Self::Job(event) => event.happened.detail_type(),
            Self::Failback(_) => FAILBACK_STATE_CHANGED,
            Self::Sample(_) => SAMPLE_REQUESTED,
        }
    }

    /// When its cause happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Incident(event) => event.at,
            Self::Capacity(event) => event.at,
            Self::Job(event) => event.at,
            Self::Failback(event) => event.at,
            Self::Sample(event) => event.at,
        }
    }

    /// Where its subject is.
    pub fn place(&self) -> Place {
        match self {
            Self::Incident(event) => event.place(),
            Self::Capacity(event) => event.place(),
            Self::Job(event) => event.place(),
            Self::Failback(event) => event.place(),
            Self::Sample(event) => event.place(),
        }
    }

    /// What is published.
    ///
    /// # Errors
    /// None that can happen: all members are JSON.
    pub fn detail(&self) -> serde_json::Result<Value> {
        match self {
            Self::Incident(event) => serde_json::to_value(event),
            Self::Capacity(event) => serde_json::to_value(event),
            Self::Job(event) => serde_json::to_value(event),
            Self::Failback(event) => serde_json::to_value(event),
            Self::Sample(event) => serde_json::to_value(event),
        }
    }

    /// The event, if it is one of an incident.
    pub fn incident(&self) -> Option<&IncidentEvent> {
        match self {
            Self::Incident(event) => Some(event),
            Self::Capacity(_) | Self::Job(_) | Self::Failback(_) | Self::Sample(_) => None,
        }
    }
}

/// The `detail` of `Capacity Status Changed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapacityEvent {
    /// Account, Region and time: the same for every delivery and every repetition.
    pub event_id: String,
    /// Whose.
    pub account_id: AccountId,
    /// Its name in the registry.
    pub account_name: String,
    /// Where.
    pub region: Region,
    /// What the status was.
    pub before: Level,
    /// What it is now.
    pub status: Level,
    /// Servers that take one of the slots.
    pub replicating: u32,
    /// The applied quota L-C1D14A2B.
    pub limit: u32,
    /// When it was counted, or found unreadable.
    pub at: Timestamp,
}

impl CapacityEvent {
    /// Account and Region.
    pub fn place(&self) -> Place {
        Place { account: self.account_id.clone(), region: self.region.clone() }
    }
}

/// The `detail` of what happened to an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentEvent {
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
    /// How often it came back within ten minutes of its end, so far. Events of earlier versions do not say.
    #[serde(default)]
    pub flaps: u32,
    /// The job that the subject is, or that it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The job's tag `drs-fleet:plan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_name: Option<String>,
    /// Whether the job is a drill, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<bool>,
    /// The application of the source server, by the tag that the policy names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The tag `drs-fleet:drill` of the source server, or of all servers of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill_tag: Option<String>,
}

impl IncidentEvent {
    /// Greater is newer, of events of incidents of one key.
    pub fn age(&self) -> (Timestamp, u32) {
        (self.opened_at, self.sequence)
    }

    pub(crate) fn of(
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
            flaps: incident.flaps,
            job_id: subject.job.map(|job| job.id.clone()),
            plan_name: subject.job.and_then(|job| job.plan).map(str::to_owned),
            drill: subject.job.and_then(|job| job.drill),
            application: subject.application.map(str::to_owned),
            drill_tag: subject.drill_tag.map(str::to_owned),
        }
    }

    /// Where the subject is.
    pub fn place(&self) -> Place {
        Place { account: self.account_id.clone(), region: self.region.clone() }
    }
}
