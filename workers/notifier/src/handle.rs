//! An incident's event: claim the messages in its row, send them, mark them.

use drs_fleet_aws::inbox::Received;
use drs_fleet_aws::io::{Io, Notice};
use drs_fleet_aws::verdict::{IoError, Verdict};
use drs_fleet_domain::event::Event;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::message::{self, Links};
use drs_fleet_domain::notification::{self, Answer, Channel, IncidentRow};
use drs_fleet_domain::notify::Digest;
use drs_fleet_domain::own_event::IncidentEvent;
use drs_fleet_domain::row::Row;
use drs_fleet_domain::unhandled::Reason;
use jiff::Timestamp;

use crate::Notifier;

/// Handles what waits in one lane: one incident's events.
pub(crate) async fn handle<I: Io>(worker: &Notifier, io: &I, work: Vec<Received>) -> Result<(), IoError> {
    let mut events = Vec::new();
    for received in worker.inbox.admit(io, work).await? {
        match received.event {
            Event::Own(event) => events.push(*event),
            _ => worker.inbox.set_aside(io, Reason::NotActedOn, &received).await?,
        }
    }
    let Some(first) = events.first() else { return Ok(()) };
    let (key, now) = (notification::key(first), io.now());
    let outcome = worker
        .incidents
        .change(io, &key, |row| notification::decide(&events, row, &worker.channels, now))
        .await?;
    match outcome.row().filter(|_| outcome.changed()) {
        Some(row) => send(worker, io, row, now).await,
        None => Ok(()),
    }
}

/// A claim ran out: its holder died, or the channel refused.
pub(crate) async fn wake<I: Io>(worker: &Notifier, io: &I, key: &Key) -> Result<(), IoError> {
    let now = io.now();
    let outcome = worker.incidents.wake(io, key, |row| notification::reclaim(row, now)).await?;
    match outcome.row().filter(|_| outcome.changed()) {
        Some(row) => send(worker, io, row, now).await,
        None => Ok(()),
    }
}

/// Sends what was claimed at `now` and records each channel's answer. A refusal is tried again when the claim
/// runs out, so it keeps no message waiting.
async fn send<I: Io>(worker: &Notifier, io: &I, row: &IncidentRow, now: Timestamp) -> Result<(), IoError> {
    let event = &row.latest;
    for channel in notification::claimed(row, now) {
        let answer = match io.send(&notice(channel, event)).await {
            Ok(_) => Answer::Taken,
            Err(error) => {
                tracing::warn!(incident = %event.incident, ?channel, %error, "the channel took no message");
                let for_good = error.verdict == Verdict::Permanent;
                if for_good {
                    Answer::RefusedForGood(error.to_string())
                } else {
                    Answer::Refused(error.to_string())
                }
            }
        };
        let (about, at) = ((channel, event.event_id.as_str()), io.now());
        worker
            .incidents
            .change(io, &row.key(), |known| notification::answered(known?, about, answer.clone(), at))
            .await?;
    }
    Ok(())
}

fn notice(channel: Channel, event: &IncidentEvent) -> Notice {
    let (bulletin, links) = (Digest::of_one(event).into(), Links::default());
    match channel {
        Channel::Slack => Notice::SlackWebhook { secret: None, message: message::slack(&bulletin, &links) },
        Channel::Email => {
            let message::Email { subject, body, attributes } = message::email(&bulletin, &links);
            Notice::Topic { arn: None, subject, body, attributes }
        }
    }
}
