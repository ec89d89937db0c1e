//! A click on a button in Slack: who made it acknowledges what the message showed.
//!
//! Anybody can post to the hub's public endpoint, so what is not Slack's is counted, logged by the message's id, and dropped:
//! dead letters would let a stranger fill a queue that pages people. Whoever clicked in earnest sees that the button is still
//! there.

use std::time::Duration;

use drs_fleet_aws::ack::{Acknowledged, Acknowledger};
use drs_fleet_aws::io::{Io, Message};
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::verdict::{IoError, Verdict};
use drs_fleet_domain::click::{Click, Posted, Refused};
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notification::{self, Ack};
use drs_fleet_domain::notify::MemberRow;
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::Notifier;

/// What cannot be verified for so long is dropped: otherwise the queue would do it, onto the dead letters.
const GIVE_UP: Duration = Duration::from_mins(10);

/// What was posted, with what the queue says of it.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    message_id: String,
    sent_at: Timestamp,
    posted: Result<Posted, Refused>,
}

impl Arrived {
    /// `None` for a message that does not come from the endpoint.
    pub(crate) fn read(message: &Message) -> Option<Self> {
        let posted = Posted::read(&message.body)?;
        Some(Self { message_id: message.id.clone(), sent_at: message.sent_at, posted })
    }
}

/// Acts on clicks.
pub(crate) async fn handle<I: Io>(worker: &Notifier, io: &I, clicks: Vec<Arrived>) -> Result<(), IoError> {
    for arrived in clicks {
        match verified(io, &arrived).await? {
            Ok(click) => acknowledge(io, &click).await?,
            Err(refused) => {
                worker.metrics.count_refused_click();
                tracing::warn!(message_id = %arrived.message_id, %refused, "a click in Slack is dropped");
            }
        }
    }
    Ok(())
}

async fn verified<I: Io>(io: &I, arrived: &Arrived) -> Result<Result<Click, Refused>, IoError> {
    let posted = match &arrived.posted {
        Ok(posted) if posted.is_fresh(arrived.sent_at) => posted,
        Ok(_) => return Ok(Err(Refused::Stale)),
        Err(refused) => return Ok(Err(*refused)),
    };
    match io.is_signed(posted).await {
        Ok(true) => Ok(posted.click()),
        Ok(false) => Ok(Err(Refused::Forged)),
        Err(error)
            if may_pass(&error) && io.now().duration_since(arrived.sent_at).unsigned_abs() < GIVE_UP =>
        {
            Err(error)
        }
        Err(error) => {
            tracing::error!(%error, "clicks in Slack cannot be verified");
            Ok(Err(Refused::Unverified))
        }
    }
}

fn may_pass(error: &IoError) -> bool {
    matches!(error.verdict, Verdict::Transient | Verdict::Throttled)
}

async fn acknowledge<I: Io>(io: &I, click: &Click) -> Result<(), IoError> {
    let ranges: Vec<_> = keys::members(&click.group).collect();
    let parts = try_join_all(ranges.iter().map(|range| io.query::<MemberRow>(range))).await?;
    let members = parts.iter().flatten().map(|stored| &stored.row);
    let shown: Vec<Key> = members
        .filter(|member| member.is_shown_open(click.number))
        .map(|member| notification::key(&member.event))
        .collect();
    let ack = Ack { by: click.by.clone(), at: io.now(), note: None };
    let acknowledger = Acknowledger::new(io.clone(), WriteToken::for_signed_click_of_a_person());
    let came_to = acknowledger.acknowledge(&shown, &ack).await?;
    let new = came_to.iter().filter(|each| matches!(each, Acknowledged::Now(_))).count();
    tracing::info!(group = %click.group, by = %click.by, incidents = new, "acknowledged in Slack");
    Ok(())
}
