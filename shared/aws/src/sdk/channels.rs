//! What people read: the alerts topic and the Slack webhook.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_types::SdkConfig;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use secrecy::{ExposeSecret, SecretString};

use super::Answer;
use crate::io::Notice;
use crate::secrets::Secrets;
use crate::verdict::{self, IoError, Neighbour, Verdict, classify};

/// How long Slack may take.
const SLACK_LIMIT: Duration = Duration::from_secs(10);
const SLACK: &str = "Slack webhook";
const PUBLISH: &str = "Publish";

#[derive(Debug)]
pub(super) struct Channels {
    topic: Client,
    topic_arn: Option<String>,
    /// Why there is no client (such as a container without CA certificates) is told when one is needed.
    http: Result<reqwest::Client, String>,
    slack_secret: Option<String>,
    secrets: Secrets,
}

impl Channels {
    pub(super) fn new(
        config: &SdkConfig,
        topic_arn: Option<String>,
        slack_secret: Option<String>,
        secrets: Secrets,
    ) -> Self {
        let http = reqwest::Client::builder().timeout(SLACK_LIMIT).build().map_err(|e| verdict::words(&e));
        Self { topic: Client::new(config), topic_arn, http, slack_secret, secrets }
    }

    pub(super) async fn send(&self, notice: &Notice) -> Answer<()> {
        match notice {
            Notice::Topic { subject, body, attributes } => self.publish(subject, body, attributes).await,
            Notice::Slack(blocks) => self.post(blocks).await,
        }
    }

    async fn publish(&self, subject: &str, body: &str, attributes: &BTreeMap<String, String>) -> Answer<()> {
        let topic_arn = self.topic_arn.as_ref().ok_or_else(|| unset(PUBLISH, "DRS_FLEET_TOPIC_ARN"))?;
        let mut request = self.topic.publish().topic_arn(topic_arn).subject(subject).message(body);
        // SNS refuses empty values.
        for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let bad = |e: aws_sdk_sns::error::BuildError| failure(PUBLISH, Verdict::Permanent, e.to_string());
            request = request.message_attributes(name, value.map_err(bad)?);
        }
        request.send().await.map_err(|e| classify(Neighbour::Channel, PUBLISH, &e))?;
        Ok(())
    }

    /// Posts to the webhook; a webhook that was replaced is read again once.
    async fn post(&self, blocks: &serde_json::Value) -> Answer<()> {
        let secret = self.slack_secret.as_deref().ok_or_else(|| unset(SLACK, "DRS_FLEET_SLACK_SECRET"))?;
        let url = self.secrets.get(secret).await?;
        let first = self.post_to(&url, blocks).await;
        let Err(IoError { verdict: Verdict::Denied, .. }) = &first else { return first };
        self.secrets.forget(secret);
        let fresh = self.secrets.get(secret).await?;
        if fresh.expose_secret() == url.expose_secret() { first } else { self.post_to(&fresh, blocks).await }
    }

    async fn post_to(&self, url: &SecretString, blocks: &serde_json::Value) -> Answer<()> {
        let http = self.http.as_ref().map_err(|why| failure(SLACK, Verdict::Permanent, why.clone()))?;
        let answer = http.post(url.expose_secret()).json(blocks).send().await.map_err(|e| {
            let verdict = if e.is_builder() { Verdict::Denied } else { Verdict::Transient };
            // Whoever has the URL can post; it must not reach a log.
            failure(SLACK, verdict, verdict::words(&e.without_url()))
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let wish = answer.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(verdict::seconds);
        // Slack's answers are single words, such as `invalid_blocks` or `no_service`.
        let word: String = answer.text().await.unwrap_or_default().chars().take(80).collect();
        let mut error = failure(SLACK, of_status(status), format!("HTTP {}: {word}", status.as_u16()));
        error.retry_after = wish;
        Err(error)
    }
}

fn of_status(status: StatusCode) -> Verdict {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Verdict::Throttled,
        // The webhook is revoked, or its channel gone: a person must make a new one.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => {
            Verdict::Denied
        }
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => Verdict::Transient,
        _ => Verdict::Permanent,
    }
}

fn unset(operation: &'static str, variable: &str) -> IoError {
    failure(operation, Verdict::Permanent, format!("{variable} is not set"))
}

fn failure(operation: &'static str, verdict: Verdict, message: impl Into<String>) -> IoError {
    IoError::new(Neighbour::Channel, operation, verdict, message)
}
