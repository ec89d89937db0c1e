//! A delivery: claimed, sent, and its channel's answer recorded.

use std::collections::{BTreeMap, BTreeSet};

use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::patience::recording;
use drs_fleet_aws::verdict::{IoError, Verdict};
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::message::{self, Links};
use drs_fleet_domain::notify::delivery::{self, Answer, Place, is_its_turn};
use drs_fleet_domain::notify::{Bulletin, Channel, ChannelName, DeliveryRow, SampleEvent};
use drs_fleet_domain::planted::{Bug, is_planted};
use drs_fleet_domain::row::{Change, Row};
use futures::future::join_all;
use jiff::Timestamp;

use crate::{Notifier, channels};

/// What went to each channel last.
pub(crate) type Places = BTreeMap<ChannelName, Place>;

/// Stores a delivery of a bulletin for each channel that can be used, or for others where it tells that one of these
/// cannot; `last` says what went there before, and `past` what went there of something that is over. It is not sent before
/// `at`.
pub(crate) async fn make<I: Io>(
    worker: &Notifier,
    io: &I,
    group: &str,
    (number, bulletin, at): (u32, &Bulletin, Option<Timestamp>),
    (channels, last, past): (&BTreeSet<ChannelName>, &Places, &Places),
) -> Result<Vec<DeliveryRow>, IoError> {
    let routes = worker.routes.current(io).await?;
    let mut made = Vec::new();
    for channel in channels::told_over(worker, io, &routes, bulletin, channels).await? {
        let follows = last.get(&channel).cloned();
        // Who has heard of a drill knows that it is under way.
        if bulletin.is_start_of_drill() && follows.is_some() {
            continue;
        }
        let new = DeliveryRow::new((group, number), &channel, bulletin.clone(), follows);
        let new = new.after_all_of(past.get(&channel).cloned()).not_before(at);
        store(worker, io, &new).await?;
        made.push(new);
    }
    Ok(made)
}

/// Sends the sample that a person asked for, once.
pub(crate) async fn sample<I: Io>(worker: &Notifier, io: &I, asked: &SampleEvent) -> Result<(), IoError> {
    let new = asked.delivery();
    store(worker, io, &new).await?;
    deliver(worker, io, &new.key()).await
}

async fn store<I: Io>(worker: &Notifier, io: &I, new: &DeliveryRow) -> Result<(), IoError> {
    let create = |known: Option<&_>| known.is_none().then(|| Change { row: new.clone(), tell: Vec::new() });
    worker.deliveries.change(io, &new.key(), create).await.map(drop)
}

/// Where each was stored.
pub(crate) fn places(made: &[DeliveryRow]) -> Places {
    made.iter().map(|row| (row.channel.clone(), row.place())).collect()
}

/// Sends what was made; what cannot be sent now is in the index of what is due.
pub(crate) async fn now<I: Io>(worker: &Notifier, io: &I, made: &[DeliveryRow]) -> Result<(), IoError> {
    // Each to its end: one that is stopped while it sends is sent again when its claim has run out.
    let ended = join_all(made.iter().map(async |row| deliver(worker, io, &row.key()).await)).await;
    ended.into_iter().collect()
}

/// Sends what is due and nobody else sends. A refusal is tried again later, so it keeps no message waiting.
pub(crate) async fn deliver<I: Io>(worker: &Notifier, io: &I, key: &Key) -> Result<(), IoError> {
    let Some(stored) = worker.deliveries.fresh(io, key).await? else { return Ok(()) };
    let before = before(worker, io, &stored.row).await?;
    let (before, now) = (before.as_ref(), io.now());
    if is_its_turn(before) && is_overtaken(worker, io, &stored.row).await? {
        return worker.deliveries.wake(io, key, DeliveryRow::overtaken).await.map(drop);
    }
    let claimed = worker.deliveries.wake(io, key, |row| delivery::claim(row, before, now)).await?;
    let claimed = claimed
        .row()
        .filter(|_| (claimed.changed() || is_planted(Bug::ClaimNotChecked)) && is_its_turn(before));
    let Some(row) = claimed else { return Ok(()) };
    // It is ours: without this it would wait until nobody takes us for alive any more.
    let newer = recording(io, || newer(worker, io, row)).await?;
    let answer = send(worker, io, row, newer.as_ref()).await?;
    // Whatever becomes of that: without the answer's record, the message is sent again.
    let noted = recording(io, || channels::note(worker, io, row, &answer)).await;
    let answered = |known: Option<&_>| delivery::answered(known?, row.attempts, &answer, io.now());
    recording(io, || worker.deliveries.change(io, key, answered)).await?;
    noted
}

/// Whether it only reminds, and something newer waits behind it.
async fn is_overtaken<I: Io>(worker: &Notifier, io: &I, row: &DeliveryRow) -> Result<bool, IoError> {
    if !row.reminds_late(io.now()) {
        return Ok(false);
    }
    let group = worker.groups.fresh(io, &keys::group(&row.group)).await?;
    Ok(group.and_then(|group| group.row.newest_for(&row.channel)).is_some_and(|newest| newest > row.number))
}

/// The one before it. One that was given up on notes who goes past it, before that does.
async fn before<I: Io>(worker: &Notifier, io: &I, row: &DeliveryRow) -> Result<Option<DeliveryRow>, IoError> {
    let Some(key) = row.before() else { return Ok(None) };
    let Some(before) = worker.deliveries.fresh(io, &key).await? else { return Ok(None) };
    let place = row.place();
    if before.row.is_passed(&place).is_none() {
        return Ok(Some(before.row.clone()));
    }
    let noted = worker.deliveries.change(io, &key, |row| row?.is_passed(&place)).await?;
    Ok(noted.row().cloned())
}

/// One that went past it, and that people have read.
async fn newer<I: Io>(worker: &Notifier, io: &I, row: &DeliveryRow) -> Result<Option<DeliveryRow>, IoError> {
    let mut next = row.passer();
    while let Some(key) = next {
        let Some(passer) = worker.deliveries.fresh(io, &key).await? else { return Ok(None) };
        if passer.row.is_out() {
            return Ok(Some(passer.row.clone()));
        }
        next = passer.row.passer();
    }
    Ok(None)
}

async fn send<I: Io>(
    worker: &Notifier,
    io: &I,
    row: &DeliveryRow,
    newer: Option<&DeliveryRow>,
) -> Result<Answer, IoError> {
    let routes = recording(io, || worker.routes.current(io)).await?;
    let Some(channel) = routes.channel(&row.channel) else {
        return Ok(Answer::RefusedForGood("the routes have no channel of this name any more".to_owned()));
    };
    Ok(match io.send(&notice(channel, (row, newer), &routes.links, worker.has_buttons)).await {
        Ok(receipt) => Answer::Taken(receipt.thread),
        Err(_) if is_planted(Bug::RefusalTakenForSent) => Answer::Taken(None),
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

fn notice(
    channel: &Channel,
    (row, newer): (&DeliveryRow, Option<&DeliveryRow>),
    links: &Links,
    has_buttons: bool,
) -> Notice {
    let bulletin = &row.bulletin.clone().sent_late(newer.is_some());
    let severity = message::severity(bulletin);
    match channel.clone() {
        Channel::Topic { arn } => {
            let message::Email { subject, body, attributes } = message::email(bulletin, links);
            Notice::Topic { arn, subject, body, attributes }
        }
        Channel::SlackWebhook { secret } => {
            Notice::SlackWebhook { secret, message: message::slack(bulletin, links), severity }
        }
        Channel::Slack { secret, channel } => Notice::Slack {
            secret,
            channel,
            thread: row.thread.clone().or_else(|| newer.and_then(|newer| newer.thread.clone())),
            message: if has_buttons {
                message::slack_with_button(bulletin, links)
            } else {
                message::slack(bulletin, links)
            },
            is_late: newer.is_some(),
            reply: message::slack_reply(bulletin),
            severity,
        },
        Channel::EventBridge => Notice::Bus {
            detail_type: message::NOTIFICATION_SENT.to_owned(),
            detail: message::webhook(bulletin, links),
        },
        Channel::Webhook { secret } => Notice::Webhook {
            secret,
            key: bulletin.key().to_owned(),
            body: message::webhook(bulletin, links),
        },
    }
}
