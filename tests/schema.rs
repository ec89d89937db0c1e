//! What is published keeps to the schemas that subscribers read.

mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::job::{Outcome, Purpose};
use drs_fleet_domain::words::{self, SubjectKind};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::samples;

const INCIDENT: &str = "incident.schema.json";
const CAPACITY: &str = "capacity.schema.json";
const JOB: &str = "job.schema.json";
const FAILBACK: &str = "failback.schema.json";
const NOTIFICATION: &str = "notification.schema.json";
const SAMPLE: &str = "sample.schema.json";

/// Each with the name of its definition of `detail`.
const SCHEMAS: [(&str, &str); 6] = [
    (INCIDENT, "incident"),
    (CAPACITY, "change"),
    (JOB, "job"),
    (FAILBACK, "change"),
    (NOTIFICATION, "notification"),
    (SAMPLE, "request"),
];

fn schema(name: &str) -> Value {
    let text = fs::read_to_string(samples::root().join("drs-fleet").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn validator(name: &str) -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema(name)).unwrap()
}

/// The schema of an event's subject.
fn schema_of(event: &Value) -> &'static str {
    match event["detail-type"].as_str().unwrap().split(' ').next().unwrap() {
        "Incident" => INCIDENT,
        "Capacity" => CAPACITY,
        "Job" => JOB,
        "Failback" => FAILBACK,
        "Notification" => NOTIFICATION,
        "Sample" => SAMPLE,
        other => panic!("events of type {other} … have no schema"),
    }
}

fn problems(validator: &Validator, event: &Value) -> Vec<String> {
    validator.iter_errors(event).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn the_schemas_are_such_and_there_are_no_others() {
    for (name, _) in SCHEMAS {
        jsonschema::meta::validate(&schema(name)).unwrap();
    }
    let files = fs::read_dir(samples::root().join("drs-fleet")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<_> = names.filter(|name| name.ends_with(".schema.json")).collect();
    assert_eq!(found, SCHEMAS.map(|(name, _)| name.to_owned()).into());
}

#[test]
fn every_sample_of_a_published_event_keeps_to_the_schema_of_its_subject_and_to_no_other() {
    let validators = SCHEMAS.map(|(name, _)| (name, validator(name)));
    for sample in samples::all().into_iter().filter(|s| s.path.starts_with("drs-fleet/")) {
        let event = sample.json();
        for (name, validator) in &validators {
            if *name == schema_of(&event) {
                assert_eq!(problems(validator, &event), [""; 0], "{}", sample.path);
            } else {
                assert!(!validator.is_valid(&event), "{} keeps to {name}", sample.path);
            }
        }
    }
}

/// The samples show each member, and leave out each that may be left out.
#[test]
fn every_member_is_described_and_those_that_are_always_there_are_demanded() {
    for (name, definition) in SCHEMAS {
        let described = schema(name)["$defs"][definition].clone();
        let events = samples::published().into_iter().map(|(_, event)| event);
        let events: Vec<_> = events.filter(|event| schema_of(event) == name).collect();
        let members = |event: &Value| event["detail"].as_object().unwrap().keys().cloned().collect();
        let each: Vec<BTreeSet<String>> = events.iter().map(members).collect();
        let ever: BTreeSet<String> = each.iter().flatten().cloned().collect();
        let always = ever.iter().filter(|member| each.iter().all(|all| all.contains(*member)));
        let demanded = described["required"].as_array().unwrap().iter();
        let demanded: BTreeSet<_> = demanded.map(|member| member.as_str().unwrap().to_owned()).collect();
        assert_eq!(demanded, always.cloned().collect(), "{name}");
        let properties = described["properties"].as_object().unwrap();
        assert_eq!(properties.keys().cloned().collect::<BTreeSet<_>>(), ever, "{name}");
        assert!(properties.values().all(|property| property["description"].is_string()), "{name}");
        let validator = validator(name);
        for (member, event) in demanded.iter().flat_map(|m| events.iter().map(move |event| (m, event))) {
            let mut without = event.clone();
            without["detail"].as_object_mut().unwrap().remove(member);
            assert!(!validator.is_valid(&without), "{name}: valid without detail.{member}");
        }
    }
}

/// The values that a schema lists one by one.
fn listed(schema: &Value, name: &str) -> BTreeSet<String> {
    let each = schema["$defs"][name]["oneOf"].as_array().unwrap().iter();
    each.map(|value| value["const"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_value_of_a_closed_set_is_listed_and_nothing_else() {
    let incident = schema(INCIDENT);
    for (name, subject) in [
        ("kindOfServer", SubjectKind::Server),
        ("kindOfAccount", SubjectKind::Account),
        ("kindOfJob", SubjectKind::Job),
        ("kindOfRecoveryInstance", SubjectKind::RecoveryInstance),
        ("kindOfChannel", SubjectKind::Channel),
    ] {
        let kinds = IncidentKind::ALL.into_iter().filter(|kind| words::subject(*kind) == subject);
        assert_eq!(listed(&incident, name), kinds.map(|kind| kind.to_string()).collect());
    }
    let kinds = samples::published().into_iter().filter(|(_, event)| event["detail"]["happened"] == "OPENED");
    assert_eq!(kinds.count(), IncidentKind::ALL.len(), "a sample of each kind");
    let levels = [Level::Unknown, Level::Ok, Level::Info, Level::Warning, Level::Critical];
    assert_eq!(listed(&schema(CAPACITY), "status"), levels.map(|level| level.to_string()).into());
    let job = schema(JOB);
    assert_eq!(listed(&job, "purpose"), PURPOSES.map(|purpose| purpose.to_string()).into());
    assert_eq!(listed(&job, "outcome"), OUTCOMES.map(|outcome| outcome.to_string()).into());
}

const PURPOSES: [Purpose; 8] = [
    Purpose::Drill,
    Purpose::Recovery,
    Purpose::Failback,
    Purpose::Terminate,
    Purpose::ConvertedSnapshot,
    Purpose::Network,
    Purpose::Diagnostic,
    Purpose::Other,
];
const OUTCOMES: [Outcome; 4] = [Outcome::Succeeded, Outcome::Partial, Outcome::Failed, Outcome::Unknown];

/// What each schema refuses in each of its members that is always there.
fn wrong() -> BTreeMap<&'static str, Vec<(&'static str, Value)>> {
    let of_incidents = vec![
        ("/detail/openedAt", json!("yesterday")),
        ("/detail/sequence", json!(0)),
        ("/detail/flaps", json!(-1)),
        ("/detail/happened", json!("CLOSED")),
        ("/detail/kind", json!("REPLICATION_STOPPED")),
    ];
    let of_capacity = vec![
        ("/detail/at", json!("yesterday")),
        ("/detail/status", json!("FULL")),
        ("/detail/before", json!("FULL")),
        ("/detail/replicating", json!(-1)),
        ("/detail/limit", json!("300")),
    ];
    let of_jobs = vec![
        ("/detail/at", json!("yesterday")),
        ("/detail/happened", json!("ENDED")),
        ("/detail/jobId", json!("drsjob-1")),
        ("/detail/purpose", json!("FAILOVER")),
        ("/detail/status", json!(2)),
        ("/detail/servers", json!(-1)),
        ("/detail/lateServers", json!("2")),
    ];
    let of_failbacks = vec![
        ("/detail/at", json!("yesterday")),
        ("/detail/recoveryInstanceId", json!("s-12345678901234567")),
        ("/detail/state", json!(null)),
    ];
    let of_notifications = vec![
        ("/detail/at", json!("yesterday")),
        ("/detail/type", json!("JOBS")),
        ("/detail/severity", json!(null)),
        ("/detail/what", json!("")),
    ];
    let of_samples = vec![
        ("/detail/at", json!("yesterday")),
        ("/detail/channel", json!("")),
        ("/detail/kind", json!("stalled")),
        ("/detail/severity", json!("WORSE")),
        ("/detail/incidents", json!(0)),
    ];
    let of_subjects = [("/detail/accountId", json!("1111"))];
    let of_all = ("/detail-type", json!("Incident Closed"));
    [
        (INCIDENT, of_incidents, of_subjects.as_slice()),
        (CAPACITY, of_capacity, &of_subjects),
        (JOB, of_jobs, &of_subjects),
        (FAILBACK, of_failbacks, &of_subjects),
        (NOTIFICATION, of_notifications, &[]),
        (SAMPLE, of_samples, &of_subjects),
    ]
    .map(|(name, own, more)| (name, [own.as_slice(), more, std::slice::from_ref(&of_all)].concat()))
    .into()
}

#[test]
fn members_of_a_later_version_are_no_error_and_contradictions_are() {
    let wrong = wrong();
    for (path, event) in samples::published() {
        let name = schema_of(&event);
        let validator = validator(name);
        let mut later = event.clone();
        later["detail"]["ticket"] = json!("INC-1");
        later["replay-name"] = json!("r");
        assert!(validator.is_valid(&later), "{path}");
        for (pointer, wrong) in &wrong[name] {
            let mut event = event.clone();
            *event.pointer_mut(pointer).unwrap() = wrong.clone();
            assert!(!validator.is_valid(&event), "{path}: {pointer}");
        }
    }
}

#[test]
fn members_that_contradict_each_other_are_refused() {
    for (path, pointer, value) in [
        ("incident-reopened/server-disconnected.json", "flaps", json!(0)),
        ("incident-opened/job-failed.json", "jobId", json!(null)),
        ("incident-opened/failback-failed.json", "jobId", json!(null)),
        ("job-started/drill.json", "outcome", json!("SUCCEEDED")),
        ("job-started/drill.json", "endedAt", json!("2026-09-14T08:41:02Z")),
        ("job-started/drill.json", "startedAt", json!(null)),
        ("job-started/drill.json", "drill", json!(false)),
        ("job-stuck/drill.json", "outcome", json!("UNKNOWN")),
        ("job-stuck/drill.json", "happened", json!("STARTED")),
        ("job-completed/succeeded.json", "outcome", json!(null)),
        ("job-completed/succeeded.json", "endedAt", json!(null)),
        ("job-completed/succeeded.json", "expectedEnd", json!("2026-09-14T08:41:02Z")),
        ("job-completed/succeeded.json", "failed", json!(1)),
        ("job-completed/partial.json", "succeeded", json!(0)),
        ("job-completed/partial.json", "failedServers", json!([])),
        ("job-completed/failed.json", "succeeded", json!(1)),
        ("job-completed/recovery-late.json", "drill", json!(true)),
        ("notification-sent/opened.json", "counts", json!({"open": 1})),
        ("notification-sent/grouped.json", "incidents", json!([{"kind": "RPO_GAP"}])),
        ("notification-sent/grouped.json", "status", json!(null)),
        ("notification-sent/opened.json", "why", json!("ESCALATED")),
        ("notification-sent/escalated.json", "why", json!("CHANGED")),
        ("notification-sent/drill-wave.json", "drill", json!({"type": "PAUSED"})),
        ("notification-sent/drill-wave.json", "planName", json!(null)),
    ] {
        let (_, mut event) = samples::published().into_iter().find(|(known, _)| known == path).unwrap();
        let validator = validator(schema_of(&event));
        assert!(validator.is_valid(&event), "{path}");
        let detail = event["detail"].as_object_mut().unwrap();
        if value.is_null() {
            detail.remove(pointer).unwrap();
        } else {
            detail.insert(pointer.to_owned(), value);
        }
        assert!(!validator.is_valid(&event), "{path}: {pointer}");
    }
}
