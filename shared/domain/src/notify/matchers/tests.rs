use serde_json::{Value, json};

use super::*;
use crate::notify::testing::{account, event};

fn fit(matchers: &Value, odd: Value) -> bool {
    let matchers: Matchers = serde_json::from_value(matchers.clone()).unwrap();
    assert_eq!(matchers.problems(), [""; 0], "{matchers}");
    matchers.fit(&Labels::of(&event(odd), Some(&account())))
}

#[test]
fn every_label_must_match_with_any_of_its_values() {
    for (matchers, expected) in [
        (json!({}), true),
        (json!({ "kind": "REPLICATION_*", "region": ["us-east-1", "eu-*"] }), true),
        (json!({ "kind": "REPLICATION_*", "region": "us-*" }), false),
        (json!({ "account": "111122223333" }), true),
        (json!({ "account": 111_122_223_333_u64 }), true),
        (json!({ "account": "Pay*" }), true),
        (json!({ "account-tag:team": "blue", "ou": "Fin?nce" }), true),
        (json!({ "account-tag:team": "red" }), false),
        (json!({ "application": "ERP", "subject": "erp-db-0?" }), true),
        (json!({ "subject": "s-12345678901234567" }), true),
    ] {
        assert_eq!(fit(&matchers, json!({})), expected, "{matchers}");
    }
}

#[test]
fn severities_are_meant_by_name_or_from_one_on() {
    for (wanted, expected) in [
        (json!(">=HIGH"), [false, false, true, true]),
        (json!("MEDIUM"), [false, true, false, false]),
        (json!(["LOW", ">=CRITICAL"]), [true, false, false, true]),
    ] {
        let matchers = json!({ "severity": wanted });
        let fits = Severity::ALL.map(|severity| fit(&matchers, json!({ "severity": severity })));
        assert_eq!(fits, expected, "{matchers}");
    }
}

#[test]
fn what_an_incident_does_not_have_is_never_meant() {
    let any_plan = json!({ "plan": "*" });
    assert!(!fit(&any_plan, json!({})));
    assert!(fit(&any_plan, json!({ "planName": "wave-2" })));
    let [drill, real] = ["drill", "real"].map(|value| json!({ "drill": value }));
    assert!(
        !fit(&drill, json!({})) && fit(&real, json!({})),
        "what is of no drill, as far as is known, is real"
    );
    assert!(fit(&drill, json!({ "drill": true })) && fit(&real, json!({ "drill": false })));
    let unregistered = event(json!({}));
    let of_team = Matchers::of([("account-tag:team".parse().unwrap(), "*".to_owned())]);
    assert!(!of_team.fit(&Labels::of(&unregistered, None)));
}

#[test]
fn a_label_that_there_is_not_is_refused_with_those_that_there_are() {
    let error = serde_json::from_value::<Matchers>(json!({ "team": "blue" })).unwrap_err().to_string();
    assert!(error.contains("\"team\" is no label") && error.contains("account-tag:KEY"), "{error}");
    let error = serde_json::from_str::<Matchers>(r#"{ "ou": "a", "ou": "b" }"#).unwrap_err().to_string();
    assert!(error.contains("ou is given twice"), "{error}");
}

#[test]
fn values_that_nothing_can_have_are_told() {
    let problems = |matchers: Value| serde_json::from_value::<Matchers>(matchers).unwrap().problems();
    assert!(
        problems(json!({ "kind": "STALLED" }))[0].starts_with("kind: there is no \"STALLED\", only REPL")
    );
    assert!(problems(json!({ "severity": ">=BAD" }))[0].contains("only LOW, MEDIUM, HIGH, CRITICAL"));
    assert_eq!(problems(json!({ "drill": "yes" })), ["drill: there is no \"yes\", only drill, real"]);
    assert_eq!(problems(json!({ "region": [] })), ["region: no value is given"]);
    assert_eq!(problems(json!({ "ou": "" })).len(), 1);
}

#[test]
fn what_is_written_is_read_again() {
    let written = json!({ "account-tag:team": ["blue", "red"], "severity": ">=HIGH" });
    let matchers: Matchers = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&matchers).unwrap(), written);
    assert_eq!(matchers.to_string(), "severity>=HIGH account-tag:team=blue|red");
}

#[test]
fn who_wonders_is_told_label_by_label() {
    let matchers: Matchers = serde_json::from_value(json!({ "account": "Pay*", "plan": "wave-2" })).unwrap();
    let compared = matchers.compared(&Labels::of(&event(json!({})), None));
    let told: Vec<_> = compared.iter().map(|c| (c.label.to_string(), c.has.join("/"), c.fits)).collect();
    assert_eq!(
        told,
        [
            ("account".to_owned(), "111122223333/Payments".to_owned(), true),
            ("plan".to_owned(), String::new(), false)
        ]
    );
}
