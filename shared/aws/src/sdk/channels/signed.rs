//! HTTPS webhooks of others. The receiver can tell that a message is ours, fresh, and no repetition: the signature covers the
//! time and the body, and the key is the same for each repetition.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use super::{Channels, failure, of_status};
use crate::sdk::Answer;
use crate::verdict::{IoError, Verdict};

const WEBHOOK: &str = "Webhook";

/// Short keys can be guessed.
const SHORTEST_KEY: usize = 16;

/// What of an id is written as `%` and two digits.
const NO_HEADER: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// What the secret of a webhook holds.
#[derive(Deserialize)]
struct Receiver {
    url: SecretString,
    key: SecretString,
}

impl Channels {
    /// Posts a signed message.
    pub(super) async fn post_signed(&self, secret: &str, key: &str, body: &Value) -> Answer<()> {
        let body = &body.to_string();
        self.with_secret(secret, |held| async move {
            let receiver = receiver(secret, &held)?;
            let headers = headers(&receiver.key, key, body, Timestamp::now())?;
            let answer = self.http.post(WEBHOOK, receiver.url.expose_secret(), headers, body.clone()).await?;
            if answer.status.is_success() {
                return Ok(());
            }
            let hint = if answer.status.is_redirection() {
                "; redirects are not followed: put the address that it leads to into the secret"
            } else {
                ""
            };
            // What is answered may repeat what was sent, and is not shown.
            let message =
                format!("the webhook of secret {secret:?} answered HTTP {}{hint}", answer.status.as_u16());
            let error = failure(WEBHOOK, of_status(answer.status), message);
            Err(IoError { retry_after: answer.retry_after, ..error })
        })
        .await
    }
}

fn receiver(name: &str, held: &SecretString) -> Answer<Receiver> {
    let receiver: Option<Receiver> = serde_json::from_str(held.expose_secret()).ok();
    receiver.filter(|receiver| receiver.key.expose_secret().len() >= SHORTEST_KEY).ok_or_else(|| {
        let message = format!(
            "secret {name:?} must hold {{\"url\": \"https://…\", \"key\": \"…\"}} with a key of {SHORTEST_KEY} characters \
             or more"
        );
        failure(WEBHOOK, Verdict::Denied, message)
    })
}

fn headers(key: &SecretString, id: &str, body: &str, at: Timestamp) -> Answer<HeaderMap> {
    let timestamp = at.as_second().to_string();
    let signature = signature(key, &timestamp, body)?;
    // An id may hold what a header may not, such as the name of a group in any script. No two ids become one.
    let id = utf8_percent_encode(id, NO_HEADER).to_string();
    [
        ("x-drs-fleet-timestamp", timestamp),
        ("x-drs-fleet-signature", format!("v1={signature}")),
        ("idempotency-key", id),
    ]
    .into_iter()
    .map(|(name, value)| {
        let value = HeaderValue::try_from(value)
            .map_err(|_| failure(WEBHOOK, Verdict::Permanent, format!("{name} is no header")))?;
        Ok((HeaderName::from_static(name), value))
    })
    .collect()
}

/// HMAC-SHA256 of `TIMESTAMP.BODY`, in hexadecimal digits.
pub(super) fn signature(key: &SecretString, timestamp: &str, body: &str) -> Answer<String> {
    let mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes());
    let mut mac = mac.map_err(|_| failure(WEBHOOK, Verdict::Denied, "the key cannot be used"))?;
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    Ok(mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `printf '1700000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef`.
    #[test]
    fn the_signature_is_what_openssl_computes() {
        let signature = signature(&"0123456789abcdef".to_owned().into(), "1700000000", "{}").unwrap();
        assert_eq!(signature, "e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e");
    }

    #[test]
    fn a_secret_that_cannot_be_right_is_told_without_what_it_holds() {
        for held in
            ["hunter2", "{\"url\":\"https://hunter2\"}", "{\"url\":\"https://x\",\"key\":\"hunter2\"}"]
        {
            let error = receiver("drs-fleet/notify-x", &held.to_owned().into()).err().unwrap();
            assert!(
                error.to_string().contains("drs-fleet/notify-x") && !error.to_string().contains("hunter2")
            );
        }
    }

    #[test]
    fn an_id_in_any_script_is_a_header() {
        let key = "0123456789abcdef".to_owned().into();
        let headers = headers(&key, "route/größe\n#1", "{}", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(headers["idempotency-key"], "route/gr%C3%B6%C3%9Fe%0A#1");
        assert_eq!(headers["x-drs-fleet-timestamp"], "0");
    }
}
