//! Where people and programs are told.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the routes call a channel: lower-case letters, digits and hyphens, at most 40.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelName(String);

/// Longer names make keys and tables unreadable.
const NAME_LIMIT: usize = 40;

impl TryFrom<String> for ChannelName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > NAME_LIMIT || !name.chars().all(fits) {
            return Err(format!(
                "{name:?} is no name of a channel: lower-case letters, digits and hyphens, at most {NAME_LIMIT}"
            ));
        }
        Ok(Self(name))
    }
}

impl From<ChannelName> for String {
    fn from(name: ChannelName) -> Self {
        name.0
    }
}

impl ChannelName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A channel, as people write it. What is secret is named here and kept in Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Channel {
    /// An SNS topic, for e-mail and whatever else subscribes.
    Topic {
        /// Its ARN; the hub's alerts topic where it is not set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arn: Option<String>,
    },
    /// A Slack channel, as a bot: one thread per group, whose first message shows how the group stands.
    Slack {
        /// Name of the secret that holds the bot's token.
        secret: String,
        /// Id of the channel, such as `C0123456789`.
        channel: String,
    },
    /// A Slack incoming webhook: a message each time, no threads.
    SlackWebhook {
        /// Name of the secret that holds the webhook's URL; the hub's where it is not set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<String>,
    },
    /// The hub's bus, as `Notification Sent` events, for rules of others.
    EventBridge,
    /// An HTTPS webhook, signed with HMAC-SHA256.
    Webhook {
        /// Name of the secret that holds `{"url": …, "key": …}`.
        secret: String,
    },
}
