//! What is published keeps to the schema that subscribers read.

use std::fs;

use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use drs_fleet_domain::keys::Place;
use jiff::Timestamp;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::samples;

fn schema() -> Value {
    let text = fs::read_to_string(samples::root().join("drs-fleet/schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn validator() -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema()).unwrap()
}

fn problems(validator: &Validator, event: &Value) -> Vec<String> {
    validator.iter_errors(event).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn the_schema_is_one() {
    jsonschema::meta::validate(&schema()).unwrap();
}

#[test]
fn every_sample_of_a_published_event_keeps_to_it() {
    let validator = validator();
    for sample in samples::all().into_iter().filter(|s| s.path.starts_with("drs-fleet/")) {
        assert_eq!(problems(&validator, &sample.json()), [""; 0], "{}", sample.path);
    }
}

#[test]
fn every_member_is_described_and_demanded() {
    let described = &schema()["$defs"]["incident"]["properties"];
    let validator = validator();
    for (path, event) in samples::published() {
        for name in event["detail"].as_object().unwrap().keys() {
            assert!(described.get(name).is_some(), "{path}: detail.{name} is not in the schema");
            let mut without = event.clone();
            without["detail"].as_object_mut().unwrap().remove(name);
            assert!(!validator.is_valid(&without), "{path}: valid without detail.{name}");
        }
    }
}

#[test]
fn members_of_a_later_version_are_no_error_and_contradictions_are() {
    let validator = validator();
    for (path, event) in samples::published() {
        let mut later = event.clone();
        later["detail"]["ticket"] = json!("INC-1");
        later["replay-name"] = json!("r");
        assert!(validator.is_valid(&later), "{path}");
        for (pointer, wrong) in [
            ("/detail/accountId", json!("1111")),
            ("/detail/openedAt", json!("yesterday")),
            ("/detail/sequence", json!(0)),
            ("/detail-type", json!("Incident Closed")),
            ("/detail/happened", json!("CLOSED")),
        ] {
            let mut event = event.clone();
            *event.pointer_mut(pointer).unwrap() = wrong;
            assert!(!validator.is_valid(&event), "{path}: {pointer}");
        }
    }
}

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(vec![Severity::Low, Severity::Medium, Severity::High, Severity::Critical])
}

fn condition() -> impl Strategy<Value = Condition> {
    let kind = prop::sample::select(vec![IncidentKind::ReplicationStalled, IncidentKind::AccountDenied]);
    (kind, 0_i64..4_000_000_000, severity(), any::<String>()).prop_map(|(kind, since, severity, reason)| {
        Condition { kind, since: Timestamp::from_second(since).unwrap(), severity, reason }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_reconciled_is_told_in_events_that_keep_to_it(
        rounds in prop::collection::vec(prop::option::of(condition()), 1..8),
        names in (any::<String>(), any::<String>()),
    ) {
        let validator = validator();
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-gov-west-1".parse().unwrap() };
        let subject =
            Subject { place: &place, account_name: &names.0, id: "s-12345678901234567", name: &names.1 };
        let mut open = Incidents::new();
        for (n, holding) in rounds.into_iter().enumerate() {
            let at = Timestamp::from_second(i64::try_from(n).unwrap() * 1_000_000).unwrap();
            let holding: Vec<_> = holding.into_iter().collect();
            for event in reconcile(&mut open, &holding, &subject, at) {
                prop_assert_eq!(problems(&validator, &samples::on_the_bus(n, &event.into())), [""; 0]);
            }
        }
    }
}
