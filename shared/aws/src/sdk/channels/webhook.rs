//! Slack's incoming webhooks: a message each time, no threads.

use drs_fleet_domain::incident::Severity;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Channels, PAUSE, failure, of_status, unset};
use crate::io::Io;
use crate::sdk::Answer;
use crate::verdict::{IoError, Verdict};

const SLACK: &str = "Slack webhook";

impl Channels {
    /// Posts to a webhook; to that of the settings where none is given.
    pub(super) async fn post<I: Io>(
        &self,
        table: &I,
        secret: Option<&str>,
        message: &Value,
        severity: Severity,
    ) -> Answer<()> {
        let secret = secret.or(self.slack_secret.as_deref());
        let secret = secret.ok_or_else(|| unset(SLACK, "DRS_FLEET_SLACK_SECRET"))?;
        self.with_secret(secret, |url| self.post_to(table, secret, url, message, severity)).await
    }

    async fn post_to<I: Io>(
        &self,
        table: &I,
        secret: &str,
        url: SecretString,
        message: &Value,
        severity: Severity,
    ) -> Answer<()> {
        let url = url.expose_secret();
        if !url.starts_with("http") {
            // As the hub's template leaves it, until a person who wants Slack fills it.
            return Err(failure(SLACK, Verdict::Denied, "the secret holds no webhook URL yet"));
        }
        // Each webhook has one channel.
        self.pace.turn(table, SLACK, secret, severity).await?;
        let answer = self.http.post(SLACK, url, HeaderMap::new(), message.to_string()).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        let verdict = of_status(answer.status);
        let wish = answer.retry_after.or((verdict == Verdict::Throttled).then_some(PAUSE));
        if let Some(wish) = wish {
            self.pace.hold(table, secret, wish).await;
        }
        let word = word(&answer.body).map(|word| format!(": {word}")).unwrap_or_default();
        let message = format!("HTTP {}{word}", answer.status.as_u16());
        Err(IoError { retry_after: wish, ..failure(SLACK, verdict, message) })
    }
}

/// Slack's answers are single words, such as `invalid_blocks` or `no_service`. What is no such word is somebody else's, who
/// may repeat the address that was called, and is not shown.
fn word(body: &str) -> Option<&str> {
    let word = body.trim();
    let is_word = (1..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_word.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_slack_are_shown() {
        assert_eq!(word("no_service\n"), Some("no_service"));
        for other in ["", "Cannot POST /services/T0/B0/token", "<html>", &"a".repeat(41)] {
            assert_eq!(word(other), None, "{other}");
        }
    }
}
