//! The files in `events/`, and those of them that our own code publishes.

use std::fs;
use std::path::{Path, PathBuf};

use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::own_event::{self, IncidentEvent, OwnEvent};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The hub's account in all samples.
pub const HUB: &str = "999900001111";
/// The hub's Region in all samples.
pub const HUB_REGION: &str = "eu-central-1";

/// A file in `events/`.
#[derive(Debug)]
pub struct Sample {
    /// `SOURCE/DETAIL-TYPE/CASE.json`.
    pub path: String,
    /// As it is.
    pub text: String,
}

impl Sample {
    /// The event.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{}: {e}", self.path))
    }
}

/// `events/` of this repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// Every event in `events/`, by path; schemas are none.
pub fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    collect(&root(), &mut samples);
    samples.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(samples.len() >= 20, "events/ was not found whole: {}", samples.len());
    samples
}

fn collect(folder: &Path, samples: &mut Vec<Sample>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, samples);
        } else if path.extension().is_some_and(|e| e == "json") && name != "schema.json" {
            let relative = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            samples.push(Sample { path: relative, text: fs::read_to_string(&path).unwrap() });
        }
    }
}

/// The own events in `events/drs-fleet/`, as the code makes them: path and whole event.
pub fn published() -> Vec<(&'static str, Value)> {
    let server = server_incident();
    let account = account_incident();
    [
        ("incident-opened/server.json", &server[0]),
        ("incident-escalated/server.json", &server[1]),
        ("incident-resolved/server.json", &server[2]),
        ("incident-opened/account.json", &account[0]),
        ("incident-resolved/account.json", &account[1]),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (path, event))| (path, on_the_bus(n, &event.clone().into())))
    .collect()
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

fn server_incident() -> Vec<IncidentEvent> {
    let place = place();
    let subject =
        Subject { place: &place, account_name: "erp-prod", id: "s-12345678901234567", name: "erp-db-03" };
    let condition = |severity, reason: &str| Condition {
        kind: IncidentKind::ReplicationStalled,
        since: time("2026-09-14T08:41:07Z"),
        severity,
        reason: reason.to_owned(),
    };
    let mut open = Incidents::new();
    let opened = condition(Severity::High, "DRS reports AGENT_NOT_SEEN");
    let worse = condition(Severity::Critical, "DRS reports SNAPSHOTS_FAILURE");
    let mut events = reconcile(&mut open, &[opened], &subject, time("2026-09-14T08:41:07Z"));
    events.extend(reconcile(&mut open, &[worse], &subject, time("2026-09-14T09:11:30Z")));
    events.extend(reconcile(&mut open, &[], &subject, time("2026-09-14T10:58:45Z")));
    events
}

fn account_incident() -> Vec<IncidentEvent> {
    let place = place();
    let subject = Subject { place: &place, account_name: "erp-prod", id: "111122223333", name: "erp-prod" };
    let denied = Condition {
        kind: IncidentKind::AccountDenied,
        since: time("2026-09-14T08:45:02.417Z"),
        severity: Severity::High,
        reason: "AccessDenied: not authorized to perform sts:AssumeRole".to_owned(),
    };
    let mut open = Incidents::new();
    let mut events = reconcile(&mut open, &[denied], &subject, time("2026-09-14T08:45:02.417Z"));
    events.extend(reconcile(&mut open, &[], &subject, time("2026-09-14T09:00:03Z")));
    events
}

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}
