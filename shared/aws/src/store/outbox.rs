//! What must be told because of a row: published once the row is stored, and then taken out of it.

use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::planted::{Bug, is_planted};
use drs_fleet_domain::row::{Outbox, Row, Stored};
use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use super::Store;
use crate::io::Io;
use crate::patience::recording;
use crate::verdict::IoError;

/// When an unfinished outbox, or a timer that its worker did not move, is looked at again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);

impl<R: Row> Store<R> {
    /// Publishes the outbox. A failure is no failure of the change: the index `due` has the item.
    pub(super) async fn tell<I: Io>(&self, io: &I, stored: &Stored<R>) {
        if stored.outbox.is_empty() {
            return;
        }
        if let Err(error) = self.publish(io, stored).await {
            let key = stored.row.key();
            warn!(pk = key.pk, sk = key.sk, events = stored.outbox.len(), %error, "own events stay in the outbox");
        }
    }

    pub(super) async fn publish<I: Io>(&self, io: &I, stored: &Stored<R>) -> Result<(), IoError> {
        let events: Vec<OwnEvent> = stored.outbox.values().cloned().collect();
        let key = stored.row.key();
        let event_ids: Vec<String> = stored.outbox.keys().cloned().collect();
        let wake_at = stored.row.wake_at();
        if is_planted(Bug::OutboxEmptiedFirst) {
            io.published(&key, stored.rev, &event_ids, wake_at).await?;
        }
        io.publish(&events).await?;
        self.metrics.count_published(&events, io.now());
        recording(io, || io.published(&key, stored.rev, &event_ids, wake_at)).await?;
        self.cache.remove_from_outbox(&key, &event_ids);
        for event in &events {
            let place = event.place();
            info!(
                about = event.about(), what = event.detail_type(), account = %place.account, region = %place.region,
                event_id = event.event_id(), "told"
            );
        }
        Ok(())
    }
}

/// When an item must be looked at again: for its timer, or for what its outbox still holds.
pub(super) fn due_of<R: Row>(row: &R, outbox: &Outbox, now: Timestamp) -> Option<Timestamp> {
    let unfinished = !outbox.is_empty() && !is_planted(Bug::OutboxNotLookedAt);
    let unfinished = unfinished.then(|| look_again(now));
    row.wake_at().into_iter().chain(unfinished).min()
}

pub(super) fn look_again(now: Timestamp) -> Timestamp {
    now.checked_add(LOOK_AGAIN).unwrap_or(now)
}
