//! Whose turn it is to post into a Slack channel, among all instances of the notifier.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::sweep::after;

/// From one message into a channel to the next. Slack's documentation, "Rate limits": one message per second and channel.
pub const BETWEEN: Duration = Duration::from_secs(1);

/// A turn later than this is some clock's mistake, and binds nobody; nor does Slack wish for so long a pause.
const LONGEST: Duration = Duration::from_mins(10);

/// Nobody needs to know of a turn that has long passed.
const KEPT: Duration = Duration::from_hours(24);

/// When the next message may go into a Slack channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnRow {
    /// Id of the channel, or name of the secret that holds its webhook's URL.
    pub channel: String,
    /// Not before then.
    pub next_at: Timestamp,
}

impl Row for TurnRow {
    const KIND: &'static str = "turn";
    const WORKER: &'static str = WorkerName::Notifications.as_str();

    fn key(&self) -> Key {
        keys::turn(&self.channel)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.next_at.checked_add(KEPT).ok()
    }
}

impl TurnRow {
    /// How long whoever wants to post now has to wait.
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        let wait = Duration::try_from(self.next_at.duration_since(now)).ok()?;
        (!wait.is_zero() && wait <= LONGEST).then_some(wait)
    }
}

/// Takes a turn; `None` where it is another's, or Slack wants nothing for a while.
pub fn take(channel: &str, stored: Option<&TurnRow>, now: Timestamp) -> Option<Change<TurnRow>> {
    let is_free = stored.is_none_or(|row| row.wait(now).is_none());
    is_free.then(|| next(channel, after(now, BETWEEN)))
}

/// Slack wants nothing into this channel for so long.
pub fn hold(
    channel: &str,
    stored: Option<&TurnRow>,
    wish: Duration,
    now: Timestamp,
) -> Option<Change<TurnRow>> {
    let wish = wish.min(LONGEST);
    let waits = stored.and_then(|row| row.wait(now)).unwrap_or_default();
    (wish > waits).then(|| next(channel, after(now, wish)))
}

fn next(channel: &str, next_at: Timestamp) -> Change<TurnRow> {
    Change { row: TurnRow { channel: channel.to_owned(), next_at }, tell: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + second).unwrap()
    }

    fn taken(stored: Option<&TurnRow>, second: i64) -> Option<TurnRow> {
        take("C1", stored, at(second)).map(|change| change.row)
    }

    #[test]
    fn a_turn_is_one_instances_and_the_next_one_comes_a_second_later() {
        let first = taken(None, 0).unwrap();
        assert_eq!((taken(Some(&first), 0), first.wait(at(0))), (None, Some(BETWEEN)));
        assert_eq!(taken(Some(&first), 1).unwrap().next_at, at(2));
    }

    #[test]
    fn a_pause_that_slack_wants_is_kept_by_all_and_a_shorter_one_ends_no_longer_one() {
        let held = hold("C1", taken(None, 0).as_ref(), Duration::from_secs(30), at(0)).unwrap().row;
        assert_eq!((taken(Some(&held), 29), held.wait(at(29))), (None, Some(BETWEEN)));
        assert!(hold("C1", Some(&held), Duration::from_secs(5), at(10)).is_none());
        assert!(taken(Some(&held), 30).is_some());
    }

    #[test]
    fn a_clock_that_is_far_ahead_keeps_nobody_from_posting() {
        let ahead = taken(None, 3_600).unwrap();
        assert_eq!(taken(Some(&ahead), 0).unwrap().next_at, at(1));
        let long = hold("C1", None, Duration::from_hours(5), at(0)).unwrap().row;
        assert_eq!(long.wait(at(0)), Some(LONGEST));
    }
}
