//! Bodies that no worker can ever handle: each is refused with the right code and a short reason.

use std::fmt::Write as _;

use drs_fleet_domain::explain::explain;
use serde_json::{Value, json};

/// A mark that is put where a body has room for it, and that no message may repeat.
const MARK: &str = "hunter2-hunter2";

fn stalled() -> Value {
    json!({
        "version": "0", "id": "9da9af57", "source": "aws.drs", "account": "111122223333",
        "detail-type": "DRS Source Server Data Replication Stalled Change",
        "time": "2016-08-22T20:12:19Z", "region": "us-west-2",
        "resources": ["arn:aws:drs:us-west-2:111122223333:source-server/s-12345678901234567"],
        "detail": { "state": "STALLED" },
    })
}

fn with(pointer: &str, value: Value) -> String {
    let mut event = stalled();
    *event.pointer_mut(pointer).unwrap() = value;
    event.to_string()
}

fn assert_refused(code: &str, body: &str, says: &str) {
    let shown: String = body.chars().take(120).collect();
    let refused = explain(body).expect_err(&shown);
    let message = refused.to_string();
    assert_eq!(refused.code(), code, "{message}: {shown}");
    assert!(message.contains(says), "{message:?} does not say {says:?}");
    assert!(message.chars().count() <= 300, "{} characters: {message}", message.chars().count());
    assert!(!message.contains(MARK), "the body is repeated: {message}");
}

#[test]
fn the_event_that_the_others_are_made_of_is_fine() {
    assert!(explain(&stalled().to_string()).is_ok());
}

#[test]
fn what_is_not_json_is_refused_without_repeating_it() {
    let cut = stalled().to_string();
    let mark = format!("{MARK} {MARK}");
    for body in [
        "",
        " ",
        "\u{feff}{}",
        &mark,
        "{'id': 1}",
        "{\"id\": NaN}",
        &cut[..cut.len() - 1],
        &format!("{cut}{MARK}"),
    ] {
        assert_refused("NOT_JSON", body, "not JSON");
    }
}

#[test]
fn json_that_is_no_event_is_refused() {
    let text = format!("\"{MARK}\"");
    for body in ["null", "7", "[]", "[1]", "{}", &text, r#"{"Type":"Notification","Message":"{}"}"#] {
        assert_refused("NOT_AN_EVENT", body, "not an EventBridge event");
    }
    let listed = json!(["1", "aws.drs", "X", "111122223333", "us-west-2", "2016-08-22T20:12:19Z", [], {}]);
    assert_refused("NOT_AN_EVENT", &listed.to_string(), "array");
}

#[test]
fn members_of_a_wrong_type_are_refused() {
    for (pointer, wrong) in [
        ("/id", json!(7)),
        ("/id", Value::Null),
        ("/source", json!({ "a": MARK })),
        ("/account", json!(111_122_223_333_u64)),
        ("/account", json!(MARK)),
        ("/account", json!("11112222333")),
        ("/region", json!(MARK)),
        ("/time", json!(MARK)),
        ("/time", json!(1_471_896_739)),
        ("/resources", json!(MARK)),
        ("/resources", json!([1])),
        ("/detail", json!([MARK])),
        ("/detail", json!(MARK)),
    ] {
        assert_refused("NOT_AN_EVENT", &with(pointer, wrong), "not an EventBridge event");
    }
}

#[test]
fn names_that_come_twice_are_refused_at_any_depth() {
    let twice = stalled().to_string().replacen(r#""id":"#, r#""id":"other","id":"#, 1);
    assert_refused("NOT_AN_EVENT", &twice, "duplicate field `id`");
    for detail in
        [r#"{"state":"NOT_STALLED","state":"STALLED"}"#, r#"{"state":"STALLED","a":[{"b":{"c":1,"c":2}}]}"#]
    {
        let body = stalled().to_string().replace(r#"{"state":"STALLED"}"#, detail);
        assert_refused("NOT_AN_EVENT", &body, "two members of one name");
    }
}

#[test]
fn deep_nesting_and_bodies_of_a_megabyte_are_refused_or_read_and_never_crash() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let body = stalled().to_string().replace(r#""STALLED""#, &deep);
        assert_refused("NOT_JSON", &body, "recursion limit");
    }
    let large = MARK.repeat(1_048_576 / MARK.len());
    assert_refused("NOT_JSON", &large, "not JSON");
    assert_refused("NOT_AN_EVENT", &format!("\"{large}\""), "not an EventBridge event");
    assert_refused("NOT_AN_EVENT", &with("/account", json!(large)), "12 digits");
    assert!(explain(&with("/detail", json!({ "state": "STALLED", "more": large }))).is_ok());
}

#[test]
fn known_types_whose_payload_cannot_be_read_are_refused_by_event_id() {
    for (pointer, wrong, says) in [
        ("/resources", json!([]), "resources is empty"),
        ("/resources/0", json!(format!("{} {MARK}", "no arn".repeat(20))), "is not an ARN"),
        ("/resources/0", json!("arn:aws:drs:us-west-2:111122223333:source-server/s-1"), "source server id"),
        (
            "/resources/0",
            json!("arn:aws:ec2:us-west-2:111122223333:instance/i-0a1b2c3d4e5f60718"),
            "not a DRS source",
        ),
        (
            "/resources/0",
            json!("arn:aws:drs:us-west-2:999999999999:source-server/s-12345678901234567"),
            "another account",
        ),
        (
            "/resources/0",
            json!("arn:aws:drs:eu-west-1:111122223333:source-server/s-12345678901234567"),
            "or Region",
        ),
        ("/detail/state", json!(7), "detail.state is not a text"),
        ("/detail", json!({}), "detail.state is missing"),
    ] {
        let body = with(pointer, wrong);
        assert_refused("BAD_DETAIL", &body, says);
        assert_refused("BAD_DETAIL", &body, "9da9af57");
    }
    let mut long = stalled();
    long["id"] = json!(format!("{}{MARK}", "x".repeat(1_000_000)));
    long["resources"] = json!([]);
    assert_refused("BAD_DETAIL", &long.to_string(), "resources is empty");
}

#[test]
fn launches_tags_and_own_events_are_read_as_strictly() {
    let event = |source: &str, kind: &str, detail: Value| {
        let mut event = stalled();
        event["source"] = json!(source);
        event["detail-type"] = json!(kind);
        event["detail"] = detail;
        event
    };
    let launch = |job: &str, drill: Value| {
        let detail = json!({ "state": "RECOVERY_LAUNCH_FAILED", "job-id": job, "is-drill": drill });
        event("aws.drs", "DRS Source Server Launch Result", detail).to_string()
    };
    assert_refused("BAD_DETAIL", &launch("job-1", json!("TRUE")), "is not a DRS job id");
    assert_refused("BAD_DETAIL", &launch("drsjob-04ca7d0d3fb6afa3e", json!([MARK])), "detail.is-drill");
    let tags = |tags: Value, version: Value| {
        let detail =
            json!({ "service": "ec2", "resource-type": "instance", "tags": tags, "version": version });
        let mut event = event("aws.tag", "Tag Change on Resource", detail);
        event["resources"] = json!(["arn:aws:ec2:us-west-2:111122223333:instance/i-0a1b2c3d4e5f60718"]);
        event.to_string()
    };
    assert_refused("BAD_DETAIL", &tags(json!({ "Name": [MARK] }), json!(1)), "detail.tags");
    assert_refused("BAD_DETAIL", &tags(json!({ "Name": "x" }), json!("1")), "detail.version");
    assert_refused("BAD_DETAIL", &tags(json!({ "Name": "x" }), json!(-1)), "detail.version");
    for wrong in [json!({}), json!({ "eventId": "x", "incident": "y", "happened": MARK })] {
        let own = event("drs-fleet", "Incident Opened", wrong).to_string();
        assert_refused("BAD_DETAIL", &own, "cannot be read");
    }
}

#[test]
fn an_instance_of_ten_thousand_tags_is_read() {
    let mut tags = String::new();
    for n in 0..10_000 {
        write!(tags, r#""k{n}":"v","#).unwrap();
    }
    let body = stalled().to_string().replace(r#""state":"STALLED""#, &format!(r#"{tags}"state":"STALLED""#));
    assert!(explain(&body).is_ok());
}
