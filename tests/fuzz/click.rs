//! Clicks in Slack: what the public endpoint puts on the queue, for anybody can post to it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drs_fleet_domain::click::{BEGINNING, Posted};
use proptest::{prop_assert, prop_assert_eq};

use super::{Checked, text};

pub(super) const TAKES_EVENTS: bool = false;
pub(super) const WORDS: &[&str] = &[
    "payload=",
    "&payload=%7B%7D",
    "block_actions",
    "drs-fleet.acknowledge",
    "#1",
    "#4294967296",
    "%00",
    "%ff",
    "\"user\":{\"id\":\"U0ADA\"}",
    BEGINNING,
];

const NAMES: usize = 200;

pub(super) fn check(input: &[u8]) -> Checked {
    let message = text(input);
    prop_assert_eq!(Posted::read(&message).is_some(), message.starts_with(BEGINNING));
    as_posted(input)?;
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &message).finish();
    as_posted(form.as_bytes())
}

/// As the body of what was posted.
fn as_posted(body: &[u8]) -> Checked {
    let signature = format!("v0={}", "0aF9".repeat(16));
    let [timestamp, signature] = ["1471896739", &signature].map(|text| STANDARD.encode(text));
    let body64 = STANDARD.encode(body);
    let rest = format!(r#""timestamp":"{timestamp}","signature":"{signature}","body":"{body64}"}}"#);
    let posted = Posted::read(&format!("{BEGINNING}{rest}"));
    let Some(Ok(posted)) = posted else {
        prop_assert!(false, "{posted:?}");
        return Ok(());
    };
    prop_assert_eq!(posted.signed_text(), [b"v0:1471896739:", body].concat());
    let Ok(click) = posted.click() else { return Ok(()) };
    let by = &click.by;
    prop_assert!(by.starts_with("slack:") && by.chars().count() <= NAMES, "{by:?}");
    prop_assert!(!by.contains(char::is_control), "{by:?}");
    Ok(())
}
