//! The facet that changes all the time: how far the replication of a server is, in steps.
//!
//! Lag, backlog and bytes done are rounded down to steps that grow with them, so that a sweep which finds a server
//! about as it was writes nothing. A threshold is never misjudged by that: a value above one is never rounded down
//! to it, so comparing the step says what comparing the value would have said. A changed threshold counts from the
//! next sweep on.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::replication::{RESCAN, SYNCING};
use crate::policy::Limits;
use crate::seen::{ServerSeen, Step};
use crate::span::Length;

pub(super) const GIB: u64 = 1 << 30;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// An agent that DRS saw this recently is not worth a write.
const JUST_SEEN: Duration = Duration::from_mins(5);

/// How far the replication of a server is, in steps, so that not every sweep writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The sweep that told it, in AWS's time.
    pub seen_at: Timestamp,
    /// Age of the newest consistent point, at least; absent = unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<Length>,
    /// Bytes that wait to be replicated, at least; absent = unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog: Option<u64>,
    /// When DRS last saw its agent, where that is more than five minutes before the sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen_since: Option<Timestamp>,
    /// The first initiation step that has not succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// How far its first replication, or its resync, is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<Sync>,
}

/// A first replication or a resync under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// Bytes that are done, to the GiB.
    pub done: u64,
    /// Bytes of all disks.
    pub total: u64,
    /// The sweep that first saw it so far.
    pub since: Timestamp,
}

impl Health {
    /// What a sweep at `at` tells after it told `known`.
    pub(super) fn told(
        seen: &ServerSeen,
        (at, known): (Timestamp, Option<&Self>),
        limits: &Limits,
        rpo: Option<Duration>,
    ) -> Self {
        let progress = &seen.progress;
        let ages: Vec<Duration> = [limits.lag_above].into_iter().chain(rpo).collect();
        let unseen = |last: &Timestamp| age(*last, at) > JUST_SEEN.min(limits.not_seen_after);
        let mut told = Self {
            seen_at: at,
            lag: progress.lag.map(|lag| Length(lag_step(lag, &ages))),
            backlog: progress.backlog.map(|bytes| backlog_step(bytes, limits.backlog_above)),
            unseen_since: seen.last_seen.filter(unseen),
            step: progress.step.clone(),
            sync: sync(seen, at),
        };
        let has_moved = known.is_none_or(|known| known.so_far() != told.so_far());
        if let (Some(sync), Some(before), false) = (&mut told.sync, known.and_then(|k| k.sync), has_moved) {
            sync.since = before.since;
        }
        told
    }

    /// Whether it is newer than what is known, or was confirmed by a sweep, and differs from it. That an agent has
    /// not been seen for too long is news by itself: the time at which nothing is seen changes nothing else.
    pub(super) fn is_news(&self, known: &Self, swept_at: Option<Timestamp>, limits: &Limits) -> bool {
        let confirmed_at = swept_at.map_or(known.seen_at, |at| at.max(known.seen_at));
        let is_newer = (self.seen_at, self.content()) > (confirmed_at, known.content());
        is_newer && (self.content() != known.content() || self.is_unseen(limits) != known.is_unseen(limits))
    }

    /// Whether DRS had not seen the agent for too long when the sweep looked.
    pub(super) fn is_unseen(&self, limits: &Limits) -> bool {
        self.unseen_since.is_some_and(|last| age(last, self.seen_at) > limits.not_seen_after)
    }

    /// All that does not depend on earlier sweeps.
    fn content(&self) -> impl Ord + '_ {
        (self.lag, self.backlog, self.unseen_since, self.so_far())
    }

    fn so_far(&self) -> (Option<(u64, u64)>, Option<&Step>) {
        (self.sync.map(|sync| (sync.done, sync.total)), self.step.as_ref())
    }
}

fn age(of: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(of).max(SignedDuration::ZERO)).unwrap_or_default()
}

/// A sync that moves less than a GiB within the time after which it is stuck would never end.
fn sync(seen: &ServerSeen, at: Timestamp) -> Option<Sync> {
    let state = seen.state.as_deref().filter(|state| SYNCING.contains(state))?;
    let progress = &seen.progress;
    let done = if state == RESCAN { progress.rescanned } else { progress.replicated }.unwrap_or(0);
    Some(Sync { done: done - done % GIB, total: progress.total.unwrap_or(0), since: at })
}

fn lag_step(lag: Duration, limits: &[Duration]) -> Duration {
    let seconds = lag.as_secs();
    let unit = match seconds / HOUR {
        0 => 5 * MINUTE,
        1..6 => 15 * MINUTE,
        6..24 => HOUR,
        24..168 => 6 * HOUR,
        _ => 24 * HOUR,
    };
    let above = |limit: &Duration| limit.saturating_add(Duration::from_secs(1));
    let passed = limits.iter().filter(|limit| lag > **limit).map(above);
    passed.fold(Duration::from_secs(seconds - seconds % unit), Duration::max)
}

/// To the GiB, and from 16 GiB on to an eighth of the next lower power of two.
fn backlog_step(bytes: u64, limit: u64) -> u64 {
    let unit = bytes.checked_ilog2().map_or(GIB, |power| GIB.max((1 << power) / 8));
    let step = bytes - bytes % unit;
    if bytes > limit { step.max(limit.saturating_add(1)) } else { step }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_above_a_threshold_exactly_when_the_value_is() {
        for seconds in (0..30_000_u64).step_by(7).chain([3_599, 3_600, 3_601]) {
            let limits = [Duration::from_hours(1), Duration::from_secs(100), Duration::from_mins(100)];
            let (lag, fraction) = (Duration::from_secs(seconds), Duration::from_millis(1));
            for lag in [lag, lag + fraction, lag.saturating_sub(fraction)] {
                let step = lag_step(lag, &limits);
                assert!(step <= lag + Duration::from_secs(1), "{lag:?} {step:?}");
                for limit in limits {
                    assert_eq!(step > limit, lag > limit, "{lag:?} {step:?} {limit:?}");
                }
            }
        }
        for bytes in
            (0..100 * GIB).step_by(777_777_777).chain([10 * GIB - 1, 10 * GIB, 10 * GIB + 1, u64::MAX])
        {
            for limit in [0, 1, GIB / 2, 10 * GIB, 33 * GIB] {
                assert_eq!(backlog_step(bytes, limit) > limit, bytes > limit, "{bytes} {limit}");
            }
        }
    }

    #[test]
    fn what_is_about_the_same_is_the_same_step() {
        let minutes = |n| Duration::from_mins(n);
        assert_eq!(lag_step(minutes(4), &[]), Duration::ZERO);
        assert_eq!(lag_step(minutes(65), &[]), minutes(60));
        assert_eq!(lag_step(minutes(120), &[minutes(60)]), minutes(120));
        assert_eq!(backlog_step(GIB - 1, 10 * GIB), 0);
        assert_eq!(backlog_step(71 * GIB, 10 * GIB), 64 * GIB);
    }
}
