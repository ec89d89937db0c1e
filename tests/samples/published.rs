//! What our own code publishes, as it would in a company with one account: `events/drs-fleet/` is written from this.

use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::incident::{
    Condition, IncidentKind, Incidents, JobLabel, Severity, Subject, reconcile,
};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::own_event::{self, CapacityEvent, IncidentEvent, OwnEvent};
use drs_fleet_domain::words::{self, SubjectKind};
use jiff::Timestamp;
use serde_json::{Value, json};

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
    incidents.chain(statuses).enumerate().map(|(n, (path, event))| (path, on_the_bus(n, &event))).collect()
}

fn path(event: &OwnEvent, case: &str) -> String {
    format!("{}/{case}.json", event.detail_type().to_lowercase().replace(' ', "-"))
}

/// The event as the hub's bus hands it on: `id` and `time` are the bus's.
pub fn on_the_bus(n: usize, event: &OwnEvent) -> Value {
    json!({
        "version": "0",
        "id": format!("e3b0c442-98fc-4c14-9afb-{n:012}"),
        "detail-type": event.detail_type(),
        "source": own_event::SOURCE,
        "account": HUB,
        "time": format!("{:.0}", event.at()),
        "region": HUB_REGION,
        "resources": [],
        "detail": event.detail().unwrap(),
    })
}

const JOB: &str = "drsjob-04ca7d0d3fb6afa3e";

/// How a condition is found at a time of the day: that it holds, or that it does not.
enum Found {
    Holds(&'static str, Severity, &'static str),
    Over(&'static str),
}

/// What is told of one kind of incident on one morning.
fn story(kind: IncidentKind) -> Vec<IncidentEvent> {
    let place = place();
    let (id, name) = match (words::subject(kind), kind) {
        (SubjectKind::Server, _) => ("s-12345678901234567", "erp-db-03"),
        (SubjectKind::Account, IncidentKind::UnregisteredAccount) => (place.account.as_str(), "111122223333"),
        (SubjectKind::Account, _) => (place.account.as_str(), "erp-prod"),
        (SubjectKind::Job, _) => (JOB, "erp-wave-2: drill of 40 servers"),
        (SubjectKind::RecoveryInstance, _) => ("i-0a1b2c3d4e5f60718", "erp-db-03"),
    };
    let job_id: JobId = JOB.parse().unwrap();
    let of_job = matches!(words::subject(kind), SubjectKind::Job | SubjectKind::RecoveryInstance);
    let job = of_job.then_some(JobLabel { id: &job_id, plan: Some("erp-wave-2"), drill: Some(true) });
    let account_name = if kind == IncidentKind::UnregisteredAccount { name } else { "erp-prod" };
    let subject = Subject { place: &place, account_name, id, name, job };
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

fn findings(kind: IncidentKind) -> Vec<Found> {
    use Found::{Holds, Over};
    use Severity::{Critical, High, Medium};
    match kind {
        IncidentKind::ReplicationStalled => vec![
            Holds("08:41:07", High, "DRS does not hear the agent (AGENT_NOT_SEEN)"),
            Holds("09:11:30", Critical, "no consistent snapshot can be taken (SNAPSHOTS_FAILURE)"),
            Over("10:58:45"),
        ],
        // It comes back twice; of the second time nobody is told, and of the end only when it has been quiet.
        IncidentKind::ServerDisconnected => vec![
            Holds("08:40:12", High, "DRS reports DISCONNECTED, and nobody disconnected it"),
            Over("08:45:10"),
            Holds("08:50:11", High, "DRS reports DISCONNECTED, and nobody disconnected it"),
            Over("08:55:12"),
            Holds("09:00:14", High, "DRS reports DISCONNECTED, and nobody disconnected it"),
            Over("09:05:11"),
            Over("09:15:12"),
        ],
        IncidentKind::ReplicationLag => {
            vec![Holds("08:40:12", High, "the newest consistent point is 1 h 7 min old")]
        }
        IncidentKind::ReplicationBacklog => {
            vec![Holds("08:40:12", Medium, "12.4 GiB are not replicated yet")]
        }
        IncidentKind::ServerNotSeen => {
            vec![Holds("08:40:12", High, "DRS last saw its agent at 2026-09-14 08:22 UTC")]
        }
        IncidentKind::InitialSyncStuck => {
            vec![Holds("08:40:12", High, "no progress for 6 h at CONNECT_AGENT_TO_REPLICATION_SERVER")]
        }
        IncidentKind::RpoGap => {
            vec![Holds(
                "08:40:12",
                High,
                "the newest consistent point is 22 min old; the tag asks for 15 min",
            )]
        }
        IncidentKind::ExtensionError => {
            vec![Holds("08:40:12", High, "DRS reports EXTENSION_ERROR; it is staged in 444455556666")]
        }
        IncidentKind::FullResync => vec![Holds("08:40:12", Medium, "it was CONTINUOUS and is RESCAN")],
        IncidentKind::CapacityReplicating => vec![
            Holds("08:40:12", High, "281 of 300 servers replicate (93 %)"),
            Holds("09:20:14", Critical, "300 of 300 servers replicate (100 %)"),
            Over("10:05:13"),
        ],
        IncidentKind::CapacityTotal => vec![Holds("08:40:12", High, "3,742 of 4,000 source servers (93 %)")],
        IncidentKind::SpokeSilent => {
            vec![
                Holds("08:40:12", High, "neither heartbeat nor event for more than 15 min"),
                Over("08:52:30"),
            ]
        }
        IncidentKind::SweepOverdue => vec![Holds(
            "08:40:12",
            High,
            "sweeps have been begun for more than 15m and none has ended: its calls to DRS are throttled, fail, or are not answered; \
             what is shown of its servers is old",
        )],
        IncidentKind::UnregisteredAccount => {
            vec![Holds(
                "08:40:12",
                Medium,
                "account 111122223333 sends from Regions that are not registered for it; 3 events were counted and not \
                 acted on (2 from eu-west-1, 1 from us-west-2), last 9da9af57-9253-4406-87cb-7cc400e43465",
            )]
        }
        IncidentKind::AccountDenied => vec![
            Holds("08:45:02.417", High, "AccessDenied: not authorized to perform sts:AssumeRole"),
            Over("09:00:03"),
        ],
        IncidentKind::JobStuck => vec![
            Holds(
                "08:40:12",
                High,
                "nothing of it moved for 30m, the last step in its log is CONVERSION_START; 12 of 40 servers are done",
            ),
            Over("08:52:30"),
        ],
        IncidentKind::JobFailed => vec![
            Holds(
                "08:40:12",
                High,
                "2 of 40 servers failed: erp-db-03 (its disks could not be converted for EC2 (CONVERSION_FAIL)), \
                 erp-db-04 (the instance could not be launched (LAUNCH_FAILED): InsufficientInstanceCapacity)",
            ),
            Over("10:05:13"),
        ],
        IncidentKind::JobsNearQuota => vec![
            Holds("08:40:12", Medium, "17 of 20 jobs at a time (L-D88FAC3A)"),
            Holds("08:45:12", High, "20 of 20 jobs at a time (L-D88FAC3A)"),
            Over("08:55:12"),
        ],
        IncidentKind::DrillLeftRunning => {
            vec![
                Holds("08:40:12", Medium, "38 instances of it still run, 24h after its end"),
                Over("10:05:13"),
            ]
        }
        IncidentKind::FailbackFailed => vec![
            Holds("08:40:12", Critical, "DRS does not hear the failback client (FAILBACK_CLIENT_NOT_SEEN)"),
            Over("08:52:30"),
        ],
        IncidentKind::ReplicationNotResumed => vec![Holds(
            "08:40:12",
            High,
            "the failback is complete for 30m, and its extended source server is STALLED",
        )],
    }
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

/// A time of the day of the story.
fn time(of_day: &str) -> Timestamp {
    format!("2026-09-14T{of_day}Z").parse().unwrap()
}
