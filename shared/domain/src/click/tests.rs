use proptest::prelude::*;
use serde_json::json;

use super::*;

const SECOND: i64 = 1_767_225_600;

/// As the endpoint's template writes it.
fn message(timestamp: &str, signature: &str, body: &str) -> String {
    let [timestamp, signature, body] = [timestamp, signature, body].map(|text| STANDARD.encode(text));
    format!(r#"{BEGINNING}"timestamp":"{timestamp}","signature":"{signature}","body":"{body}"}}"#)
}

fn form(payload: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("payload", payload).finish()
}

fn signature() -> String {
    format!("v0={}", "0f".repeat(32))
}

fn posted(body: &str) -> Posted {
    Posted::read(&message(&SECOND.to_string(), &signature(), body)).unwrap().unwrap()
}

fn payload() -> Value {
    json!({
        "type": "block_actions",
        "user": {"id": "U0123456789", "username": "ada", "name": "ada", "team_id": "T1"},
        "actions": [{"action_id": ACKNOWLEDGE, "type": "button", "value": "default|region=us-west-2#a#12"}],
    })
}

fn clicked(payload: &Value) -> Result<Click, Refused> {
    posted(&form(&payload.to_string())).click()
}

#[test]
fn a_click_says_who_acknowledges_which_bulletin_of_which_group() {
    let click = clicked(&payload()).unwrap();
    assert_eq!(click.by, "slack:ada (U0123456789)");
    assert_eq!((click.group.as_str(), click.number), ("default|region=us-west-2#a", 12));
}

#[test]
fn what_slack_signed_is_version_time_and_the_body_as_it_came() {
    let posted = posted("payload=%7B%7d+x");
    assert_eq!(posted.signed_text(), format!("v0:{SECOND}:payload=%7B%7d+x").into_bytes());
    assert_eq!(posted.signature(), [0x0f; 32]);
}

#[test]
fn it_is_fresh_within_five_minutes_of_its_arrival_whatever_the_time_is_now() {
    let posted = posted("");
    let fresh = |second| posted.is_fresh(Timestamp::from_second(second).unwrap());
    assert_eq!(
        [SECOND - 301, SECOND - 300, SECOND, SECOND + 300, SECOND + 301].map(fresh),
        [false, true, true, true, false]
    );
}

#[test]
fn other_messages_are_not_of_the_endpoint() {
    assert_eq!(Posted::read(r#"{"source":"drs-fleet","id":"1"}"#), None);
    assert_eq!(Posted::read(&format!(" {}", message("1", &signature(), ""))), None);
}

#[test]
fn what_cannot_be_signed_is_refused_before_anybody_asks_for_a_secret() {
    let read = |timestamp: &str, signature: &str| Posted::read(&message(timestamp, signature, "")).unwrap();
    for signature in [
        "",
        "v0=",
        "v1=0f",
        &signature()[..66],
        &format!("{}0", signature()),
        &format!("v0={}", "+f".repeat(32)),
    ] {
        assert_eq!(read("1", signature).unwrap_err(), Refused::Unsigned, "{signature}");
    }
    for timestamp in ["", "-1", "1.5", "99999999999999", "now"] {
        assert_eq!(read(timestamp, &signature()).unwrap_err(), Refused::Unsigned, "{timestamp}");
    }
    for rest in ["}", r#""body":7}"#, r#""timestamp":"!","signature":"","body":""}"#] {
        let read = Posted::read(&format!("{BEGINNING}{rest}")).unwrap();
        assert_eq!(read.unwrap_err(), Refused::Unreadable, "{rest}");
    }
}

#[test]
fn other_buttons_and_other_interactions_are_not_ours() {
    let with = |pointer: &str, value: Value| {
        let mut payload = payload();
        *payload.pointer_mut(pointer).unwrap() = value;
        clicked(&payload).unwrap_err()
    };
    assert_eq!(with("/type", json!("view_submission")), Refused::NotOurs);
    assert_eq!(with("/actions", json!([])), Refused::NotOurs);
    assert_eq!(with("/actions/0/action_id", json!("approve")), Refused::NotOurs);
    for value in [
        json!("group"),
        json!("group#"),
        json!("group#-1"),
        json!("group#99999999999"),
        json!(7),
        json!(null),
    ] {
        assert_eq!(with("/actions/0/value", value), Refused::NotOurs);
    }
    for id in [json!(""), json!("U1 "), json!("U".repeat(33)), json!({"x": 1})] {
        assert_eq!(with("/user/id", id), Refused::Unreadable);
    }
    assert_eq!(posted("x=1").click().unwrap_err(), Refused::Unreadable);
    assert_eq!(posted("payload=%7B").click().unwrap_err(), Refused::Unreadable);
}

#[test]
fn a_name_is_one_line_and_short_and_where_there_is_none_the_id_is_enough() {
    let by = |user: Value| {
        let mut payload = payload();
        payload["user"] = user;
        clicked(&payload).unwrap().by
    };
    assert_eq!(by(json!({"id": "U1", "name": "a\nb\u{7}c"})), "slack:abc (U1)");
    assert_eq!(by(json!({"id": "U1", "username": "x".repeat(500)})).chars().count(), 91);
    assert_eq!([by(json!({"id": "U1"})), by(json!({"id": "U1", "name": 7}))], ["slack:U1", "slack:U1"]);
}

#[test]
fn what_was_posted_is_not_shown() {
    assert!(!format!("{:?}", posted("payload=hunter2")).contains("hunter2"));
}

proptest! {
    /// Whatever anybody posts, it is refused or read, and never more than that.
    #[test]
    fn nothing_that_is_posted_panics(body in ".*", timestamp in ".{0,14}", digits in "[0-9a-f+]{60,66}") {
        let whole = [message(&timestamp, &format!("v0={digits}"), &body), format!("{BEGINNING}{body}")];
        for message in whole {
            if let Some(Ok(posted)) = Posted::read(&message) {
                let _ = (posted.click(), posted.is_fresh(Timestamp::UNIX_EPOCH), posted.signed_text());
            }
        }
    }

    #[test]
    fn no_payload_panics(payload in r#"[\[\]{}",:a-z0-9#\\]{0,200}"#, id in ".{0,40}", value in ".{0,40}") {
        let _ = posted(&form(&payload)).click();
        let shaped = json!({"type": "block_actions", "user": {"id": id, "name": value},
            "actions": [{"action_id": ACKNOWLEDGE, "value": value}]});
        if let Ok(click) = clicked(&shaped) {
            prop_assert!(click.by.starts_with("slack:") && !click.by.contains(char::is_control));
        }
    }
}
