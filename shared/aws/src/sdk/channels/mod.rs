//! What people read, and what their programs are told: one file per sort of channel.
//!
//! Whoever has a webhook's URL, a bot's token or a key can speak for us: they come from Secrets Manager and appear in no
//! error. What refuses us may have been replaced: its secret is read again, and used at once if it is another.

mod bot;
mod http;
mod pace;
mod signed;
mod topic;
mod webhook;

use std::time::Duration;

use aws_sdk_sns::Client;
use aws_types::SdkConfig;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};

use self::http::Http;
use self::pace::Pace;
use super::Answer;
use super::publish::Publisher;
use crate::config::IoSettings;
use crate::io::{Io, Notice, Receipt};
use crate::secrets::Secrets;
use crate::verdict::{IoError, Neighbour, Verdict};

/// How long Slack wants nothing where it throttles and does not say for how long.
const PAUSE: Duration = Duration::from_secs(30);

const BUS: &str = "PutEvents";

#[derive(Debug)]
pub(super) struct Channels {
    topic: Client,
    topic_arn: Option<String>,
    slack_secret: Option<String>,
    slack_api: String,
    bus: Publisher,
    http: Http,
    pace: Pace,
    secrets: Secrets,
}

impl Channels {
    pub(super) fn new(config: &SdkConfig, settings: &IoSettings, bus: Publisher, secrets: Secrets) -> Self {
        Self {
            topic: Client::new(config),
            topic_arn: settings.topic_arn.clone(),
            slack_secret: settings.slack_secret.clone(),
            slack_api: settings.slack_api.clone().unwrap_or_else(|| bot::API.to_owned()),
            bus,
            http: Http::default(),
            pace: Pace::default(),
            secrets,
        }
    }

    /// Sends; whose turn it is to post into a Slack channel is in the table.
    pub(super) async fn send<I: Io>(&self, table: &I, notice: &Notice) -> Answer<Receipt> {
        match notice {
            Notice::Topic { arn, subject, body, attributes } => {
                self.publish(arn.as_deref(), subject, body, attributes).await?;
            }
            Notice::SlackWebhook { secret, message, severity } => {
                self.post(table, secret.as_deref(), message, *severity).await?;
            }
            Notice::Slack { secret, channel, thread, message, is_late, reply, severity } => {
                let thread = thread.as_deref();
                let to = bot::To { secret, channel, thread, is_late: *is_late, severity: *severity };
                return Ok(Receipt { thread: Some(self.tell_thread(table, to, message, reply).await?) });
            }
            Notice::Bus { detail_type, detail } => self.bus.tell(detail_type, detail).await.map_err(|e| {
                // To whoever sends, the bus is one channel of several; its own state is judged by what is published.
                IoError { neighbour: Neighbour::Channel, operation: BUS, ..e }
            })?,
            Notice::Webhook { secret, key, body } => self.post_signed(secret, key, body).await?,
        }
        Ok(Receipt::default())
    }

    /// Calls with what a secret holds; after a refusal once more, if it holds something else by now.
    async fn with_secret<T, F: Future<Output = Answer<T>> + Send>(
        &self,
        name: &str,
        call: impl Fn(SecretString) -> F + Send + Sync,
    ) -> Answer<T> {
        let held = self.secrets.get(name).await?;
        let first = call(held.clone()).await;
        // Whoever took over an old address may find fault with the message instead of with who sends it.
        let Err(IoError { verdict: Verdict::Denied | Verdict::Permanent, .. }) = &first else { return first };
        self.secrets.forget(name);
        let fresh = self.secrets.get(name).await?;
        if fresh.expose_secret() == held.expose_secret() { first } else { call(fresh).await }
    }
}

/// What the status of a webhook's answer means.
fn of_status(status: StatusCode) -> Verdict {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Verdict::Throttled,
        // The webhook is revoked, its receiver gone or moved: a person must act.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => {
            Verdict::Denied
        }
        status if status.is_redirection() => Verdict::Denied,
        // A receiver that still works on the same `Idempotency-Key` says conflict.
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_EARLY => Verdict::Transient,
        status if status.is_server_error() => Verdict::Transient,
        _ => Verdict::Permanent,
    }
}

fn unset(operation: &'static str, variable: &str) -> IoError {
    failure(operation, Verdict::Permanent, format!("{variable} is not set"))
}

fn failure(operation: &'static str, verdict: Verdict, message: impl Into<String>) -> IoError {
    IoError::new(Neighbour::Channel, operation, verdict, message)
}

#[cfg(test)]
mod tests;
