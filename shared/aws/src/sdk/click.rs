//! Whether Slack signed what was posted to the hub's public endpoint: the one place in which that is found out.

use std::time::Duration;

use drs_fleet_domain::click::Posted;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::Answer;
use crate::secrets::Secrets;
use crate::verdict::{IoError, Neighbour, Verdict};

const OPERATION: &str = "Verify";

/// Slack's have 32 characters. What is shorter than this is none, and could be guessed.
const SHORTEST_SECRET: usize = 16;

/// A signature that is wrong has the secret read again, for it may have been rotated; but anybody can post such signatures,
/// so not more often than this.
const READ_AGAIN: Duration = Duration::from_secs(30);

/// Knows the signing secret of the hub's Slack app.
#[derive(Debug)]
pub(super) struct Verifier {
    secret: Option<String>,
    secrets: Secrets,
}

impl Verifier {
    pub(super) fn new(secret: Option<String>, secrets: Secrets) -> Self {
        Self { secret, secrets }
    }

    pub(super) async fn is_signed(&self, posted: &Posted) -> Answer<bool> {
        let Some(name) = &self.secret else {
            return Err(denied("DRS_FLEET_SLACK_SIGNING_SECRET is not set".to_owned()));
        };
        if is_signed(name, &self.secrets.get(name).await?, posted)? {
            return Ok(true);
        }
        if !self.secrets.forget_if_older(name, READ_AGAIN) {
            return Ok(false);
        }
        is_signed(name, &self.secrets.get(name).await?, posted)
    }
}

/// Compares in a time that says nothing of where they differ.
pub(crate) fn is_signed(name: &str, secret: &SecretString, posted: &Posted) -> Answer<bool> {
    let secret = secret.expose_secret();
    if secret.len() < SHORTEST_SECRET {
        return Err(denied(format!("secret {name:?} holds no signing secret of a Slack app")));
    }
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mac = mac.map_err(|_| denied(format!("secret {name:?} cannot be used")))?;
    Ok(mac.chain_update(posted.signed_text()).verify_slice(posted.signature()).is_ok())
}

fn denied(message: String) -> IoError {
    IoError::new(Neighbour::Secrets, OPERATION, Verdict::Denied, message)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;
    use crate::fixture::posted;
    use crate::io::Io;
    use crate::sdk::wire;

    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

    /// Body `payload=x`, signed at 1531420618 by SECRET: `printf 'v0:1531420618:payload=x' | openssl dgst -sha256 -hmac …`.
    const SIGNED: &str = "v0=526f6358b24ac4bb878ef60db5c2ab4b3ff474155566aecb6ed7ec8e99f0d227";

    #[test]
    fn only_the_signature_that_openssl_computes_is_slacks() {
        let is_signed = |signature: &str, secret: &str| {
            super::is_signed("s", &secret.to_owned().into(), &posted(signature)).unwrap()
        };
        assert!(is_signed(SIGNED, SECRET));
        assert!(!is_signed(SIGNED, &SECRET.to_uppercase()));
        assert!(!is_signed(&format!("v0={}", "0".repeat(64)), SECRET));
    }

    #[test]
    fn what_cannot_be_a_signing_secret_verifies_nothing_and_is_not_shown() {
        let error =
            super::is_signed("drs-fleet/slack-signing", &"hunter2".to_owned().into(), &posted(SIGNED));
        let error = error.unwrap_err();
        assert_eq!(error.verdict, Verdict::Denied);
        assert!(
            error.to_string().contains("drs-fleet/slack-signing") && !error.to_string().contains("hunter2")
        );
    }

    #[tokio::test]
    async fn forged_signatures_ask_for_the_secret_once_and_not_each_time() {
        let asked = std::sync::Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let (io, _) = wire::io_with(
            |settings| settings.slack_signing_secret = Some("drs-fleet/slack-signing".into()),
            move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
                (200, json!({ "SecretString": SECRET }).to_string())
            },
        );
        for _ in 0..5 {
            assert!(!io.is_signed(&posted(&format!("v0={}", "0".repeat(64)))).await.unwrap());
        }
        assert!(io.is_signed(&posted(SIGNED)).await.unwrap());
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn without_a_secret_nothing_is_believed() {
        let (io, _) = wire::io(|_| panic!("nobody is asked"));
        assert_eq!(io.is_signed(&posted(SIGNED)).await.unwrap_err().verdict, Verdict::Denied);
    }
}
