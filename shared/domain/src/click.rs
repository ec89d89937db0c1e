//! A click on a button in Slack: what the hub's public endpoint put on the notifier's queue, what of it is signed, and what
//! it asks for.
//!
//! Anybody can post to that endpoint. The mapping template in `infra/hub.yaml` writes the message around what was posted,
//! which it encodes in Base64, so that nobody can make it look like another message; and nothing in it is believed before
//! its signature was verified. Sources: Slack's "Verifying requests from Slack" and its reference of `block_actions` payloads.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// How each message begins that the endpoint puts on the queue, and no other.
pub const BEGINNING: &str = r#"{"source":"drs-fleet.slack","#;

/// The `action_id` of the button that acknowledges.
pub const ACKNOWLEDGE: &str = "drs-fleet.acknowledge";

/// Whoever repeats what Slack sent has so long; Slack advises five minutes.
const FRESH: Duration = Duration::from_mins(5);

/// Hexadecimal digits of a signature, after its version.
const SIGNATURE: usize = 64;

/// Names of people are cut after so many characters.
const NAME_LIMIT: usize = 80;

/// Ids of people have 9 to 11 characters today.
const ID_LIMIT: usize = 32;

/// Why a click comes to nothing. Nobody is told, for anybody could have made it; it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not what Slack posts.
    #[error("it is not a click as Slack posts them")]
    Unreadable,
    /// It has no signature that could be right.
    #[error("it is not signed")]
    Unsigned,
    /// It was signed more than five minutes before, or after, it was put on the queue.
    #[error("it was not fresh when it arrived")]
    Stale,
    /// It has another signature than Slack's.
    #[error("its signature is not that of the Slack app")]
    Forged,
    /// The secret that verifies cannot be read, or could not for too long.
    #[error("its signature cannot be verified")]
    Unverified,
    /// Slack's, but of no button of ours.
    #[error("it is of no button that is known")]
    NotOurs,
}

/// What was posted to the endpoint. Nobody vouches for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Posted {
    timestamp: String,
    signature: [u8; SIGNATURE / 2],
    body: Vec<u8>,
}

/// Only what the endpoint's template writes.
#[derive(Deserialize)]
struct Message {
    timestamp: String,
    signature: String,
    body: String,
}

impl Posted {
    /// Reads a message of the queue; `None` where it does not come from the endpoint.
    ///
    /// # Errors
    /// What nobody need verify: [`Refused::Unreadable`] and [`Refused::Unsigned`].
    pub fn read(message: &str) -> Option<Result<Self, Refused>> {
        message.starts_with(BEGINNING).then(|| Self::decode(message))
    }

    fn decode(message: &str) -> Result<Self, Refused> {
        let message: Message = serde_json::from_str(message).map_err(|_| Refused::Unreadable)?;
        let decoded = |text: &str| STANDARD.decode(text).map_err(|_| Refused::Unreadable);
        let text = |text: &str| String::from_utf8(decoded(text)?).map_err(|_| Refused::Unsigned);
        let timestamp = text(&message.timestamp)?;
        let is_number = (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|b| b.is_ascii_digit());
        let signature = digest(&text(&message.signature)?).filter(|_| is_number).ok_or(Refused::Unsigned)?;
        Ok(Self { timestamp, signature, body: decoded(&message.body)? })
    }

    /// What Slack signed.
    pub fn signed_text(&self) -> Vec<u8> {
        [b"v0:", self.timestamp.as_bytes(), b":", &self.body].concat()
    }

    /// The signature that came with it: HMAC-SHA256 of [`Posted::signed_text`].
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Whether it was signed about when it was put on the queue. The queue may be late: our own time says nothing of it.
    pub fn is_fresh(&self, sent_at: Timestamp) -> bool {
        let signed_at = self.timestamp.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
        signed_at.is_some_and(|at| sent_at.duration_since(at).unsigned_abs() <= FRESH)
    }

    /// What was clicked. To be believed only where the signature was verified.
    ///
    /// # Errors
    /// [`Refused::Unreadable`] and [`Refused::NotOurs`].
    pub fn click(&self) -> Result<Click, Refused> {
        let mut form = form_urlencoded::parse(&self.body);
        let (_, payload) = form.find(|(name, _)| name == "payload").ok_or(Refused::Unreadable)?;
        let payload: Value = serde_json::from_str(&payload).map_err(|_| Refused::Unreadable)?;
        if payload["type"] != "block_actions" {
            return Err(Refused::NotOurs);
        }
        // Slack sends one for each click.
        let action = &payload["actions"][0];
        let value = action["value"].as_str().filter(|_| action["action_id"] == ACKNOWLEDGE);
        let (group, number) = value.and_then(|value| value.rsplit_once('#')).ok_or(Refused::NotOurs)?;
        let number = number.parse().map_err(|_| Refused::NotOurs)?;
        let by = who(&payload["user"]).ok_or(Refused::Unreadable)?;
        Ok(Click { by, group: group.to_owned(), number })
    }
}

// What was posted is not for logs.
impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Posted").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Somebody acknowledges what a message shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    /// Who: `slack:ada (U0123456789)`. The name is as Slack has it, and people can change it; the id is theirs for good.
    pub by: String,
    /// The group that the message is about.
    pub group: String,
    /// The number of the bulletin that it shows. What is told later, nobody has seen who clicked.
    pub number: u32,
}

fn who(user: &Value) -> Option<String> {
    let id = user["id"].as_str()?;
    let is_id = (1..=ID_LIMIT).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    let name = user["username"].as_str().or(user["name"].as_str()).unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_LIMIT).collect();
    let by =
        if name.trim().is_empty() { format!("slack:{id}") } else { format!("slack:{} ({id})", name.trim()) };
    is_id.then_some(by)
}

/// The bytes of `v0=` and 64 hexadecimal digits.
fn digest(signature: &str) -> Option<[u8; SIGNATURE / 2]> {
    let digits = signature.strip_prefix("v0=")?.as_bytes();
    let mut bytes = [0; SIGNATURE / 2];
    if digits.len() != SIGNATURE {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        // A sign would be read as part of a number.
        let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
