//! Plans and channels in words.

use drs_fleet_domain::notify::{Channel, ChannelName, Hours, Label, Plan};
use drs_fleet_domain::span;
use serde_json::{Value, json};

use crate::text::plain;

/// What sort of channel it is, and where it leads; never a secret, only its name.
pub(super) fn channel(channel: &Channel) -> [String; 2] {
    let of_hub = |secret: &Option<String>| {
        secret.as_ref().map_or_else(
            || "the hub's webhook".to_owned(),
            |name| format!("webhook in secret {}", plain(name)),
        )
    };
    let (sort, leads) = match channel {
        Channel::Topic { arn } => {
            ("SNS topic", arn.as_ref().map_or_else(|| "the hub's alerts".to_owned(), |arn| plain(arn)))
        }
        Channel::Slack { secret, channel } => {
            ("Slack bot", format!("channel {}, token in secret {}", plain(channel), plain(secret)))
        }
        Channel::SlackWebhook { secret } => ("Slack webhook", of_hub(secret)),
        Channel::EventBridge => ("EventBridge", "the hub's bus".to_owned()),
        Channel::Webhook { secret } => ("HTTPS webhook", format!("URL and key in secret {}", plain(secret))),
    };
    [sort.to_owned(), leads]
}

/// Names, or a dash.
pub(super) fn names<T: ToString>(all: &[T]) -> String {
    let all: Vec<_> = all.iter().map(ToString::to_string).collect();
    if all.is_empty() { "-".to_owned() } else { plain(&all.join(", ")) }
}

/// When the steps of an escalation come, and whom they tell.
pub(super) fn escalation(plan: &Plan) -> String {
    let step = |step: &drs_fleet_domain::notify::Step| {
        format!("after {}: {}", span::show(step.after), names(&step.channels))
    };
    let steps: Vec<_> = plan.escalate.iter().map(step).collect();
    if steps.is_empty() { "-".to_owned() } else { steps.join("; ") }
}

/// At which hours people are told.
pub(super) fn hours(hours: &Hours) -> String {
    let zone = |zone: &jiff::tz::TimeZone| zone.iana_name().unwrap_or("UTC").to_owned();
    match hours {
        Hours::Any => "at any time".to_owned(),
        Hours::Quiet { from, to, zone: of, except } => {
            let except = except.map(|least| format!(", except {least}")).unwrap_or_default();
            format!("not from {from} to {to} {}{except}", zone(of))
        }
        Hours::Digest { at, zone: of, days } => {
            let days = json!(days);
            format!("at {at} {}, {}", zone(of), days.as_str().unwrap_or_default())
        }
    }
}

/// For scripts.
pub(super) fn to_json(route: &str, plan: &Plan, group_by: &[Label]) -> Value {
    let steps: Vec<_> = plan
        .escalate
        .iter()
        .map(|step| json!({ "after": span::show(step.after), "channels": channels(&step.channels) }))
        .collect();
    json!({
        "route": route,
        "channels": channels(&plan.channels),
        "group_by": group_by,
        "group_wait": span::show(plan.group_wait),
        "group_interval": span::show(plan.group_interval),
        "repeat_interval": span::show(plan.repeat_interval),
        "escalate": steps,
        "hours": hours(&plan.hours),
    })
}

fn channels(names: &[ChannelName]) -> Vec<&str> {
    names.iter().map(ChannelName::as_str).collect()
}
