//! A delivery: claimed, sent, and its channel's answer recorded.

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::verdict::{IoError, Verdict};
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::message;
use drs_fleet_domain::notify::delivery::{self, Answer, is_its_turn};
use drs_fleet_domain::notify::{Channel, DeliveryRow};

use crate::Notifier;

/// Sends what is due and nobody else sends. A refusal is tried again later, so it keeps no message waiting.
pub(crate) async fn deliver<I: Io>(worker: &Notifier, io: &I, key: &Key) -> Result<(), IoError> {
    let Some(stored) = worker.deliveries.fresh(io, key).await? else { return Ok(()) };
    let before = match stored.row.before() {
        Some(before) => worker.deliveries.fresh(io, &before).await?,
        None => None,
    };
    let (before, now) = (before.as_deref().map(|stored| &stored.row), io.now());
    let claimed = worker.deliveries.wake(io, key, |row| delivery::claim(row, before, now)).await?;
    let claimed = claimed.row().filter(|_| claimed.changed() && is_its_turn(before));
    let Some(row) = claimed else { return Ok(()) };
    let answer = send(worker, io, row).await?;
    let answered = |known: Option<&_>| delivery::answered(known?, row.attempts, &answer, io.now());
    worker.deliveries.change(io, key, answered).await.map(drop)
}

async fn send<I: Io>(worker: &Notifier, io: &I, row: &DeliveryRow) -> Result<Answer, IoError> {
    let routes = worker.routes.current(io).await?;
    let Some(channel) = routes.channel(&row.channel) else {
        return Ok(Answer::RefusedForGood("the routes have no channel of this name any more".to_owned()));
    };
    Ok(match io.send(&notice(channel, row)).await {
        Ok(receipt) => Answer::Taken(receipt.thread),
        Err(error) => {
            tracing::warn!(group = %row.group, channel = %row.channel, %error, "the channel took no message");
            if error.verdict == Verdict::Permanent {
                Answer::RefusedForGood(error.to_string())
            } else {
                Answer::Refused(error.to_string(), error.retry_after)
            }
        }
    })
}

fn notice(channel: &Channel, row: &DeliveryRow) -> Notice {
    let bulletin = &row.bulletin;
    match channel.clone() {
        Channel::Topic { arn } => {
            let message::Email { subject, body, attributes } = message::email(bulletin);
            Notice::Topic { arn, subject, body, attributes }
        }
        Channel::SlackWebhook { secret } => Notice::SlackWebhook { secret, message: message::slack(bulletin) },
        Channel::Slack { secret, channel } => Notice::Slack {
            secret,
            channel,
            thread: row.thread.clone(),
            message: message::slack(bulletin),
            reply: message::slack_reply(bulletin),
        },
        Channel::EventBridge => Notice::Bus {
            detail_type: "Notification Sent".to_owned(),
            detail: message::webhook(bulletin),
        },
        Channel::Webhook { secret } => {
            Notice::Webhook { secret, key: bulletin.key().to_owned(), body: message::webhook(bulletin) }
        }
    }
}
