//! What is sent to people.

use drs_fleet_domain::incident::Severity;
use drs_fleet_domain::message::Attributes;

/// A message for people, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// To an SNS topic, for e-mail.
    Topic {
        /// Its ARN; the alerts topic of the settings where it is not set.
        arn: Option<String>,
        /// At most 100 ASCII characters.
        subject: String,
        /// Plain text.
        body: String,
        /// For subscribers' filter policies.
        attributes: Attributes,
    },
    /// To a Slack incoming webhook.
    SlackWebhook {
        /// Name of the secret that holds its URL; that of the settings where it is not set.
        secret: Option<String>,
        /// Block Kit JSON.
        message: serde_json::Value,
        /// How bad what it tells is: of those that wait for the channel the worst goes first.
        severity: Severity,
    },
    /// To a Slack channel, as a bot: a new message, or a reply in its thread after the first message was brought up to date.
    Slack {
        /// Name of the secret that holds the bot's token.
        secret: String,
        /// Id of the channel.
        channel: String,
        /// The `ts` of the thread's first message; none: it is posted.
        thread: Option<String>,
        /// The thread's first message as it is to be now: Block Kit JSON.
        message: serde_json::Value,
        /// The thread's first message shows what is newer, and stays as it is.
        is_late: bool,
        /// What is new, for the thread: Block Kit JSON.
        reply: serde_json::Value,
        /// How bad what it tells is: of those that wait for the channel the worst goes first.
        severity: Severity,
    },
    /// To the hub's bus.
    Bus {
        /// `detail-type`.
        detail_type: String,
        /// `detail`.
        detail: serde_json::Value,
    },
    /// To an HTTPS webhook.
    Webhook {
        /// Name of the secret that holds its URL and the key that signs.
        secret: String,
        /// The same for every repetition of one message.
        key: String,
        /// JSON.
        body: serde_json::Value,
    },
}

/// What a channel answers that took a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The `ts` of the first message of a Slack thread.
    pub thread: Option<String>,
}
