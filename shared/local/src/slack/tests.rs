use serde_json::json;

use super::*;

fn text(text: &str) -> Value {
    json!({"text": text})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

fn workspace() -> (Slack, String) {
    let slack = Slack::default();
    slack.set_channel("C1", Channel::Open);
    let ts = slack.workspace().post("C1", text("root")).unwrap();
    slack.workspace().posted.clear();
    (slack, ts)
}

#[test]
fn a_message_is_taken_within_slacks_limits_only() {
    let header = |n| json!({"type": "header", "text": {"type": "plain_text", "text": "x".repeat(n)}});
    let fields = |n| json!({"type": "section", "fields": vec![json!({"type": "mrkdwn", "text": "x"}); n]});
    for (blocks, answer) in [
        (vec![section("x"); 50], Ok(())),
        (vec![section("x"); 51], Err("invalid_blocks")),
        (vec![section(&"x".repeat(3_000))], Ok(())),
        (vec![section(&"x".repeat(3_001))], Err("invalid_blocks")),
        (vec![section("")], Err("invalid_blocks")),
        (vec![section(&"x".repeat(2_800)); 5], Err("msg_blocks_too_long")),
        (vec![header(150)], Ok(())),
        (vec![header(151)], Err("invalid_blocks")),
        (vec![fields(10)], Ok(())),
        (vec![fields(11)], Err("invalid_blocks")),
        (vec![json!({"type": "video"})], Err("invalid_blocks")),
        (vec![], Err("no_text")),
    ] {
        for message in [json!({"blocks": blocks}), json!({"attachments": [{"blocks": blocks}]})] {
            assert_eq!(limits::check(&message), answer, "{message}");
        }
    }
    assert_eq!(limits::check(&text(&"x".repeat(40_001))), Err("msg_too_long"));
}

#[test]
fn a_reply_needs_its_thread_and_an_update_its_message() {
    let (slack, ts) = workspace();
    let mut there = slack.workspace();
    let unknown = json!({"text": "x", "ts": "1.1", "thread_ts": "1.1"});
    assert_eq!(there.post("C1", unknown.clone()).unwrap_err(), "thread_not_found");
    assert_eq!(there.update("C1", unknown).unwrap_err(), "message_not_found");
    there.post("C1", json!({"text": "reply", "thread_ts": ts})).unwrap();
    there.update("C1", json!({"text": "root, changed", "ts": ts})).unwrap();
    drop(there);
    let texts: Vec<_> = slack.messages().iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, ["root, changed", "reply"]);
}

#[test]
fn a_second_message_within_a_second_is_refused_in_its_channel_alone() {
    let (slack, _) = workspace();
    slack.set_channel("C2", Channel::Open);
    let mut there = slack.workspace();
    there.post("C1", text("one")).unwrap();
    assert_eq!(there.post("C1", text("two")).unwrap_err(), "ratelimited");
    there.post("C2", text("two")).unwrap();
}

#[test]
fn a_workspace_takes_fifty_changes_a_minute() {
    let (slack, _) = workspace();
    let mut there = slack.workspace();
    let ts = there.post("C1", text("one")).unwrap();
    let mut change = || {
        let mut message = text("two");
        message["ts"] = ts.as_str().into();
        message["channel"] = "C1".into();
        there.update("C1", message)
    };
    (0..50).for_each(|_| drop(change().unwrap()));
    assert_eq!(change().unwrap_err(), "ratelimited");
}

#[test]
fn only_the_bot_that_is_in_the_channel_is_admitted() {
    let (slack, _) = workspace();
    slack.set_channel("C2", Channel::NotMember);
    slack.set_channel("C3", Channel::Archived);
    let (old, new) = (slack.token(), slack.rotate_token());
    let admit = |token: Option<&str>, channel: &str| slack.workspace().admit(token, channel);
    let refused = |token, channel| admit(token, channel).unwrap_err();
    assert_eq!(refused(None, "C1"), "not_authed");
    assert_eq!(refused(Some(&old), "C1"), "invalid_auth");
    assert_eq!(refused(Some(&new), "C2"), "not_in_channel");
    assert_eq!(refused(Some(&new), "C3"), "is_archived");
    assert_eq!(refused(Some(&new), "C4"), "channel_not_found");
    admit(Some(&new), "C1").unwrap();
}
