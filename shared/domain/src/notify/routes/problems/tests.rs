use serde_json::{Value, json};

use super::*;
use crate::notify::routes::tests::routes;

fn problems(document: Value) -> Vec<String> {
    routes(document).problems()
}

#[test]
fn what_cannot_be_meant_is_told_with_where_it_stands() {
    let told = problems(json!({
        "default": { "channels": [], "group_by": ["severity"] },
        "routes": [
            { "name": "Big One", "match": { "kind": "STALL*" }, "channels": ["ops"] },
            { "name": "a", "group_wait": "1h", "group_interval": "6h" },
            { "name": "a", "match": { "ou": "x" }, "routes": [{ "name": "b", "repeat_interval": "1m" }] },
        ],
    }));
    let expected = [
        "default: channels: none is given",
        "default: group_by: the severity of an incident may change",
        "default: a is there twice",
        "default: \"Big One\" is no name",
        "default/Big One: match: kind: there is no \"STALL*\"",
        "default/Big One: channels: there is no ops, only mail, slack",
        "default/a: it takes everything, so the routes after it are never asked",
        "default/a: group_wait is 1h; it may be from 0s to 10m",
        "default/a: repeat_interval (4h) is shorter than group_interval (6h)",
        "default/a/b: repeat_interval is 1m; it may be from 5m to 720h",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\n{expected}");
    }
}

#[test]
fn escalations_rise() {
    let step = |after: &str| json!({ "after": after, "channels": ["mail"] });
    let told = problems(json!({ "default": { "escalate": [step("30m"), step("15m"), step("10s")] } }));
    assert_eq!(
        told,
        [
            "default: escalate: after is 10s; it may be from 1m to 168h",
            "default: escalate: after must rise from step to step, and 15m follows 30m",
            "default: escalate: after must rise from step to step, and 10s follows 15m",
        ]
    );
}

#[test]
fn people_have_known_zones_and_either_quiet_hours_or_a_digest() {
    let quiet = json!({ "from": "22:00", "to": "22:00", "zone": "Europe/Bärlin" });
    let digest = json!({ "at": "08:00", "zone": "UTC" });
    let anna = json!({ "name": "anna", "channels": ["mail"], "quiet": quiet, "digest": digest });
    assert_eq!(
        problems(json!({ "people": [anna] })),
        [
            "people/anna: there is no time zone \"Europe/Bärlin\"; write Europe/Berlin or UTC",
            "people/anna: quiet: it ends when it begins",
            "people/anna: a digest comes at its time alone: leave out quiet",
        ]
    );
}

#[test]
fn a_secret_in_the_place_of_its_name_is_refused_and_not_repeated() {
    const SECRET: &str = "T0AAAA";
    let url = format!("https://hooks.slack.com/services/{SECRET}");
    let token = format!("xoxb-{SECRET}");
    for channel in [
        json!({ "type": "slack-webhook", "secret": url }),
        json!({ "type": "webhook", "secret": url }),
        json!({ "type": "slack", "secret": token, "channel": "C0123456789" }),
        json!({ "type": "slack", "secret": "drs-fleet/slack", "channel": url }),
        json!({ "type": "topic", "arn": url }),
    ] {
        let told = problems(json!({ "channels": { "erp": channel } }));
        assert_eq!(told.len(), 1, "{channel}");
        assert!(told[0].starts_with("channels: erp: ") && !told[0].contains(SECRET), "{told:?}");
    }
    let topic = json!({ "type": "topic", "arn": "arn:aws:sns:eu-central-1:111122223333:erp" });
    assert_eq!(problems(json!({ "channels": { "erp": topic } })), [""; 0]);
}

#[test]
fn lines_that_hold_a_secret_are_found_before_anything_repeats_them() {
    let text = "channels:\n  a: https://example.com/hook\n  b: { secret: 'xoxb-1' } # token\n\
                # see https://wiki.example.com/\n  c: { secret: drs-fleet/x } # https://wiki.example.com/\n\
                # https://hooks.slack.com/services/T0\n";
    assert_eq!(lines_with_secrets(text), [2, 3, 6]);
    assert_eq!(lines_with_secrets("{}"), [0_usize; 0]);
}

#[test]
fn links_may_be_urls_of_pages_and_not_of_webhooks() {
    let text = "links:\n  dashboard: https://drs.example.com\n  runbooks:\n    RPO_GAP: https://wiki.example.com\n    \
                FULL_RESYNC: https://hooks.slack.com/services/T/B/x\n";
    assert_eq!(lines_with_secrets(text), [5]);
    assert_eq!(
        problems(json!({ "links": { "dashboard": "drs.example.com" } })),
        ["links: \"drs.example.com\" does not begin with https://"]
    );
}
