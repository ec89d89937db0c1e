//! Clicks on buttons: what Slack posts to the Request URL of the app, and how it signs that.
//!
//! Sources: Slack's reference of `block_actions` payloads, "Verifying requests from Slack".

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::Sha256;

use super::Slack;

/// Who clicks.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    /// `U…`.
    pub id: &'a str,
    /// As people call them.
    pub name: &'a str,
}

/// What Slack posts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// `X-Slack-Request-Timestamp`.
    pub timestamp: String,
    /// `X-Slack-Signature`.
    pub signature: String,
    /// `application/x-www-form-urlencoded`.
    pub body: String,
}

impl Slack {
    /// What the app signs with.
    pub fn signing_secret(&self) -> String {
        self.workspace().signing_secret.clone()
    }

    /// Somebody clicks on the button of a message; `None` where it has none.
    pub fn click(&self, ts: &str, user: User<'_>, at: Timestamp) -> Option<Interaction> {
        let message = self.messages().into_iter().find(|message| message["ts"] == ts)?;
        let attachments = message["attachments"].as_array()?;
        let blocks = attachments.iter().flat_map(|one| one["blocks"].as_array().into_iter().flatten());
        let button = blocks.into_iter().find(|block| block["type"] == "actions")?["elements"][0].clone();
        let body = body(&message, &button, user);
        let timestamp = at.as_second().to_string();
        let signature = signature(&self.signing_secret(), &timestamp, &body);
        Some(Interaction { timestamp, signature, body })
    }
}

/// As much of a payload as describes the click.
fn body(message: &Value, button: &Value, User { id, name }: User<'_>) -> String {
    let (channel, ts) = (&message["channel"], &message["ts"]);
    let payload = json!({
        "type": "block_actions",
        "user": {"id": id, "username": name, "name": name, "team_id": "T0LOCAL"},
        "team": {"id": "T0LOCAL", "domain": "local"},
        "container": {"type": "message_attachment", "message_ts": ts, "channel_id": channel, "is_ephemeral": false},
        "channel": {"id": channel, "name": "alerts"},
        "message": message,
        "actions": [{
            "type": "button", "action_id": button["action_id"], "block_id": "b", "value": button["value"],
            "text": button["text"], "action_ts": ts,
        }],
    });
    format!("payload={}", utf8_percent_encode(&payload.to_string(), NON_ALPHANUMERIC))
}

/// HMAC-SHA256 of version, time and body.
pub fn signature(secret: &str, timestamp: &str, body: &str) -> String {
    // A key of any length will do.
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let signed = mac.map(|mac| mac.chain_update(format!("v0:{timestamp}:{body}")).finalize().into_bytes());
    format!("v0={}", signed.map(|bytes| crate::http::hex(&bytes)).unwrap_or_default())
}
