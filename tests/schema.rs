//! What is published keeps to the schemas that subscribers read.

use std::collections::BTreeSet;
use std::fs;

use drs_fleet_domain::capacity::Level;
use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::own_event::{CapacityEvent, Happened, OwnEvent};
use drs_fleet_domain::words::{self, SubjectKind};
use jiff::Timestamp;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::samples;

const INCIDENT: &str = "incident.schema.json";
const CAPACITY: &str = "capacity.schema.json";

fn schema(name: &str) -> Value {
    let text = fs::read_to_string(samples::root().join("drs-fleet").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn validator(name: &str) -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema(name)).unwrap()
}

/// The schema of an event's subject.
fn schema_of(event: &Value) -> &'static str {
    if event["detail-type"].as_str().unwrap().starts_with("Incident ") { INCIDENT } else { CAPACITY }
}

fn problems(validator: &Validator, event: &Value) -> Vec<String> {
    validator.iter_errors(event).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn the_schemas_are_such() {
    for name in [INCIDENT, CAPACITY] {
        jsonschema::meta::validate(&schema(name)).unwrap();
    }
}

#[test]
fn every_sample_of_a_published_event_keeps_to_the_schema_of_its_subject_and_to_no_other() {
    let (incident, capacity) = (validator(INCIDENT), validator(CAPACITY));
    for sample in samples::all().into_iter().filter(|s| s.path.starts_with("drs-fleet/")) {
        let event = sample.json();
        let (own, other) =
            if schema_of(&event) == INCIDENT { (&incident, &capacity) } else { (&capacity, &incident) };
        assert_eq!(problems(own, &event), [""; 0], "{}", sample.path);
        assert!(!other.is_valid(&event), "{}", sample.path);
    }
}

#[test]
fn every_member_is_described_and_demanded() {
    for (path, event) in samples::published() {
        let name = schema_of(&event);
        let described = schema(name)["$defs"][if name == INCIDENT { "incident" } else { "change" }].clone();
        let validator = validator(name);
        for name in event["detail"].as_object().unwrap().keys() {
            let says = &described["properties"][name]["description"];
            assert!(says.is_string(), "{path}: detail.{name} is not described");
            let mut without = event.clone();
            without["detail"].as_object_mut().unwrap().remove(name);
            assert!(!validator.is_valid(&without), "{path}: valid without detail.{name}");
        }
    }
}

/// The values that a schema lists one by one.
fn listed(schema: &Value, name: &str) -> BTreeSet<String> {
    let each = schema["$defs"][name]["oneOf"].as_array().unwrap().iter();
    each.map(|value| value["const"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_kind_of_incident_and_every_status_is_listed_and_nothing_else() {
    let incident = schema(INCIDENT);
    for (name, subject) in [("kindOfServer", SubjectKind::Server), ("kindOfAccount", SubjectKind::Account)] {
        let kinds = IncidentKind::ALL.into_iter().filter(|kind| words::subject(*kind) == subject);
        assert_eq!(listed(&incident, name), kinds.map(|kind| kind.to_string()).collect());
    }
    let levels = [Level::Unknown, Level::Ok, Level::Info, Level::Warning, Level::Critical];
    assert_eq!(listed(&schema(CAPACITY), "status"), levels.map(|level| level.to_string()).into());
    let kinds = samples::published().into_iter().filter(|(_, event)| event["detail"]["happened"] == "OPENED");
    assert_eq!(kinds.count(), IncidentKind::ALL.len(), "a sample of each kind");
}

#[test]
fn members_of_a_later_version_are_no_error_and_contradictions_are() {
    let of_both = [("/detail/accountId", json!("1111")), ("/detail-type", json!("Incident Closed"))];
    let of_incidents = [
        ("/detail/openedAt", json!("yesterday")),
        ("/detail/sequence", json!(0)),
        ("/detail/flaps", json!(-1)),
        ("/detail/happened", json!("CLOSED")),
        ("/detail/kind", json!("REPLICATION_STOPPED")),
    ];
    let of_capacity = [
        ("/detail/at", json!("yesterday")),
        ("/detail/status", json!("FULL")),
        ("/detail/before", json!("FULL")),
        ("/detail/replicating", json!(-1)),
        ("/detail/limit", json!("300")),
    ];
    for (path, event) in samples::published() {
        let name = schema_of(&event);
        let validator = validator(name);
        let mut later = event.clone();
        later["detail"]["ticket"] = json!("INC-1");
        later["replay-name"] = json!("r");
        assert!(validator.is_valid(&later), "{path}");
        for (pointer, wrong) in
            of_both.iter().chain(if name == INCIDENT { &of_incidents } else { &of_capacity })
        {
            let mut event = event.clone();
            *event.pointer_mut(pointer).unwrap() = wrong.clone();
            assert!(!validator.is_valid(&event), "{path}: {pointer}");
        }
    }
}

#[test]
fn a_return_without_a_flap_contradicts_itself() {
    let validator = validator(INCIDENT);
    let reopened = |(_, event): &(String, Value)| event["detail-type"] == "Incident Reopened";
    let (_, mut event) = samples::published().into_iter().find(reopened).unwrap();
    assert!(validator.is_valid(&event));
    event["detail"]["flaps"] = json!(0);
    assert!(!validator.is_valid(&event));
}

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(vec![Severity::Low, Severity::Medium, Severity::High, Severity::Critical])
}

/// How many seconds before it is found it began.
fn condition() -> impl Strategy<Value = (IncidentKind, i64, Severity, String)> {
    (prop::sample::select(&IncidentKind::ALL[..3]), 0_i64..30, severity(), any::<String>())
}

fn level() -> impl Strategy<Value = Level> {
    prop::sample::select(vec![Level::Unknown, Level::Ok, Level::Info, Level::Warning, Level::Critical])
}

fn place() -> Place {
    Place { account: "111122223333".parse().unwrap(), region: "us-gov-west-1".parse().unwrap() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_reconciled_is_told_in_events_that_keep_to_it(
        rounds in prop::collection::vec((30_i64..900, prop::option::of(condition())), 1..12),
        names in (any::<String>(), any::<String>()),
    ) {
        let validator = validator(INCIDENT);
        let place = place();
        let subject =
            Subject { place: &place, account_name: &names.0, id: "s-12345678901234567", name: &names.1, job: None };
        let (mut open, mut now) = (Incidents::new(), 1_800_000_000);
        for (n, (wait, found)) in rounds.into_iter().enumerate() {
            now += wait;
            let at = |second| Timestamp::from_second(second).unwrap();
            let holding: Vec<_> = found
                .into_iter()
                .map(|(kind, ago, severity, reason)| Condition { kind, since: at(now - ago), severity, reason })
                .collect();
            for event in reconcile(&mut open, &holding, &subject, at(now)) {
                let (back, flaps) = (event.happened == Happened::Reopened, event.flaps);
                prop_assert!(!back || flaps > 0);
                prop_assert_eq!(problems(&validator, &samples::on_the_bus(n, &event.into())), [""; 0]);
            }
        }
    }

    #[test]
    fn whatever_status_changes_is_told_in_an_event_that_keeps_to_it(
        (before, status) in (level(), level()),
        (replicating, limit) in any::<(u32, u32)>(),
        (account_name, event_id) in (any::<String>(), ".+"),
        second in 0_i64..4_000_000_000,
    ) {
        let Place { account, region } = place();
        let at = Timestamp::from_second(second).unwrap();
        let event =
            CapacityEvent { event_id, account_id: account, account_name, region, before, status, replicating, limit, at };
        let event = samples::on_the_bus(0, &OwnEvent::from(event));
        prop_assert_eq!(problems(&validator(CAPACITY), &event), [""; 0]);
    }
}
