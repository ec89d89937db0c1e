//! How a message stands, in words.

use drs_fleet_domain::notify::{Channel, ChannelName, DeliveryRow};
use jiff::Timestamp;

use crate::text::{ago, counted, plain, second};

/// How a message stands, and the last that its channel said.
pub(crate) fn state(row: &DeliveryRow, now: Timestamp) -> String {
    let error = row.error.as_ref().map(|error| format!(": {}", plain(error))).unwrap_or_default();
    format!("{}{error}", standing(row, now))
}

fn standing(row: &DeliveryRow, now: Timestamp) -> String {
    let tries = counted(row.attempts as usize, "attempt");
    match (row.sent_at, row.given_up, row.try_at) {
        (Some(sent), ..) => format!("sent {}", ago(now, sent)),
        (None, true, _) => format!("given up after {tries}"),
        (None, false, Some(at)) => format!("not sent yet, {tries}, the next after {}", second(at)),
        (None, false, None) => format!("not sent yet, {tries}"),
    }
}

/// The same in one word.
pub(super) fn word(row: &DeliveryRow) -> &'static str {
    match (row.sent_at, row.given_up) {
        (Some(_), _) => "sent",
        (None, true) => "given up",
        (None, false) => "waiting",
    }
}

/// What to look at where a channel takes nothing.
pub(crate) fn mended(name: &ChannelName, channel: Option<&Channel>) -> String {
    let secret = |name: &str| format!("whether the secret {name} in Secrets Manager is still good");
    let look = match channel {
        None => {
            return "the routes have no channel of this name any more: `drs-fleet routes show` shows them"
                .into();
        }
        Some(Channel::Topic { arn: None }) => {
            "whether the hub's alerts topic lets the notifier publish".to_owned()
        }
        Some(Channel::Topic { arn: Some(arn) }) => {
            format!("whether the topic {arn} exists and lets the role of the notifier publish")
        }
        Some(Channel::Slack { secret: name, channel }) => {
            format!("{}, and whether the bot is a member of {channel}", secret(name))
        }
        Some(Channel::SlackWebhook { secret: None }) => {
            "whether the hub's secret of the Slack webhook is good".into()
        }
        Some(Channel::SlackWebhook { secret: Some(name) } | Channel::Webhook { secret: name }) => {
            secret(name)
        }
        Some(Channel::EventBridge) => {
            "whether the role of the notifier may put events on the hub's bus".to_owned()
        }
    };
    format!("look {look}; `drs-fleet notify test --channel {name}` says whether that helped")
}
