//! What our own code publishes, as it would in a company with one account: `events/drs-fleet/` is written from this.

mod failbacks;
mod findings;
mod jobs;
mod notifications;

use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, JobLabel, Subject, reconcile};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::message::NOTIFICATION_SENT;
use drs_fleet_domain::own_event::{CapacityEvent, IncidentEvent, OwnEvent};
use drs_fleet_domain::words::{self, SubjectKind};
use drs_fleet_testkit::wire::{delivered, on_the_bus};
use jiff::Timestamp;
use serde_json::Value;

use self::findings::{Found, findings};
use super::{HUB, HUB_REGION};

/// The own events in `events/drs-fleet/`, as the code makes them: path and whole event.
pub fn published() -> Vec<(String, Value)> {
    let incidents = IncidentKind::ALL.into_iter().flat_map(|kind| {
        // Of several events of one sort, the last is the sample.
        let mut files: Vec<(String, OwnEvent)> = Vec::new();
        for event in story(kind) {
            let event = OwnEvent::from(event);
            let path = path(&event, &kind.to_string().to_lowercase().replace('_', "-"));
            files.retain(|(known, _)| *known != path);
            files.push((path, event));
        }
        files
    });
    let statuses = capacity().into_iter().map(|event| {
        let case = event.status.to_string().to_lowercase();
        let event = OwnEvent::from(event);
        (path(&event, &case), event)
    });
    let cases = jobs::jobs().into_iter().chain(failbacks::failbacks());
    let cases = cases.chain([("one", notifications::sample())]);
    let others = cases.map(|(case, event)| (path(&event, case), event));
    let events = incidents.chain(statuses).chain(others).enumerate();
    let events: Vec<_> = events.map(|(n, (path, event))| (path, on_the_bus(n, &event))).collect();
    let told = (events.len()..).zip(notifications::notifications()).map(|(n, (case, detail))| {
        let at = detail["at"].as_str().unwrap().parse().unwrap();
        (path_of(NOTIFICATION_SENT, case), delivered(n, NOTIFICATION_SENT, at, &detail))
    });
    let told: Vec<_> = told.collect();
    events.into_iter().chain(told).collect()
}

fn path(event: &OwnEvent, case: &str) -> String {
    path_of(event.detail_type(), case)
}

fn path_of(detail_type: &str, case: &str) -> String {
    format!("{}/{case}.json", detail_type.to_lowercase().replace(' ', "-"))
}

const JOB: &str = "drsjob-04ca7d0d3fb6afa3e";
const DRILL_TAG: &str = "autumn drill 2026-09-14T08:00Z/6h";
const INSTANCE: &str = "i-0a1b2c3d4e5f60718";

/// What is told of one kind of incident on one morning.
fn story(kind: IncidentKind) -> Vec<IncidentEvent> {
    let is_of_hub = words::subject(kind) == SubjectKind::Channel;
    let place = if is_of_hub { hub() } else { place() };
    let (id, name) = match (words::subject(kind), kind) {
        (SubjectKind::Server, _) => ("s-12345678901234567", "erp-db-03"),
        (SubjectKind::Account, IncidentKind::UnregisteredAccount) => (place.account.as_str(), "111122223333"),
        (SubjectKind::Account, _) => (place.account.as_str(), "erp-prod"),
        (SubjectKind::Job, _) => (JOB, "erp-wave-2, drill of 40 servers"),
        (SubjectKind::RecoveryInstance, _) => (INSTANCE, "erp-db-03"),
        (SubjectKind::Channel, _) => ("pager", "pager"),
    };
    let job_id: JobId = JOB.parse().unwrap();
    let of_job = matches!(words::subject(kind), SubjectKind::Job | SubjectKind::RecoveryInstance)
        && kind != IncidentKind::InstanceTagTampered;
    let job = of_job.then_some(JobLabel { id: &job_id, plan: Some("erp-wave-2"), drill: Some(true) });
    let of_replication = words::subject(kind) == SubjectKind::Server
        && !matches!(kind, IncidentKind::TagsUnfit | IncidentKind::TagsRefused);
    let application = of_replication.then_some("ERP");
    let drill_tag = (kind == IncidentKind::ReplicationStalled).then_some(DRILL_TAG);
    let account_name = match kind {
        IncidentKind::UnregisteredAccount => name,
        IncidentKind::ChannelFailing => HUB,
        _ => "erp-prod",
    };
    let subject = Subject { place: &place, account_name, id, name, job, application, drill_tag };
    let (mut open, mut since, mut events) = (Incidents::new(), None, Vec::new());
    for found in findings(kind) {
        let (at, holding) = match found {
            Found::Over(at) => {
                since = None;
                (time(at), vec![])
            }
            Found::Holds(at, severity, reason) => {
                let since = *since.get_or_insert(time(at));
                (time(at), vec![Condition { kind, since, severity, reason: reason.to_owned() }])
            }
        };
        events.extend(reconcile(&mut open, &holding, &subject, at));
    }
    events
}

fn capacity() -> [CapacityEvent; 3] {
    let event = |at: &str, before, status, replicating| {
        let (at, place) = (time(at), place());
        CapacityEvent {
            event_id: format!("CAPACITY/{place}@{at}#{status}"),
            account_id: place.account,
            account_name: "erp-prod".to_owned(),
            region: place.region,
            before,
            status,
            replicating,
            limit: 300,
            at,
        }
    };
    [
        event("08:40:12", Level::Info, Level::Warning, 281),
        event("08:45:02.417", Level::Warning, Level::Unknown, 281),
        event("10:05:13", Level::Critical, Level::Ok, 244),
    ]
}

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

/// Where the channels are.
fn hub() -> Place {
    Place { account: HUB.parse().unwrap(), region: HUB_REGION.parse().unwrap() }
}

/// A time of the day of the story.
fn time(of_day: &str) -> Timestamp {
    format!("2026-09-14T{of_day}Z").parse().unwrap()
}
