use serde_json::json;

use super::*;
use crate::notify::testing::event;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn mute(matchers: serde_json::Value) -> MuteRow {
    MuteRow {
        id: "m1".into(),
        matchers: serde_json::from_value(matchers).unwrap(),
        from: time("2026-08-22T20:00:00Z"),
        until: time("2026-08-23T00:00:00Z"),
        reason: "maintenance".into(),
        author: "ops".into(),
        ended_at: None,
        ended_by: None,
    }
}

#[test]
fn a_mute_matches_from_its_beginning_until_before_its_end() {
    let (row, event) = (mute(json!({ "account": "Pay*" })), event(json!({})));
    let at = |when: &str| row.matches(&Labels::of(&event, None), time(when));
    let times =
        ["2026-08-22T19:59:59Z", "2026-08-22T20:00:00Z", "2026-08-22T23:59:59Z", "2026-08-23T00:00:00Z"];
    assert_eq!(times.map(at), [false, true, true, false]);
    assert!(!mute(json!({ "account": "ERP" })).matches(&Labels::of(&event, None), row.from));
}

#[test]
fn a_mute_that_was_ended_mutes_no_more_and_is_forgotten_earlier() {
    let (row, noon) = (mute(json!({ "account": "*" })), time("2026-08-22T22:00:00Z"));
    let ended = row.ended("anna", noon).unwrap();
    assert!(!ended.is_on(noon) && row.is_on(noon));
    assert_eq!(ended.ended("bob", noon), None, "it is over");
    assert_eq!(row.expires_at(), Some(time("2026-11-21T00:00:00Z")));
    assert_eq!(ended.expires_at(), Some(time("2026-11-20T22:00:00Z")));
}

#[test]
fn a_mute_ends_within_90_days_and_says_what_it_mutes() {
    let row = mute(json!({ "account": "*" }));
    let until = |end: &str| MuteRow { until: time(end), ..row.clone() }.problems();
    assert_eq!(until("2026-11-20T20:00:00Z"), [""; 0]);
    assert_eq!(until("2026-11-20T20:00:01Z"), ["it lasts longer than 90 days"]);
    assert_eq!(until("2026-08-22T20:00:00Z"), ["it ends when it begins"]);
    assert_eq!(until("2026-08-22T19:00:00Z"), ["it ends before it begins"]);
    assert_eq!(mute(json!({})).problems(), ["it would mute everything: say what with a matcher"]);
}
