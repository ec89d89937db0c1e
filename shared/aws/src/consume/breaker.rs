//! Whether the table is there. While it is not, receiving would only spend the messages' redrive counts.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::backoff::Delays;
use crate::time::after;
use crate::verdict::{IoError, Neighbour, Verdict};

/// So many failures in a row, without a success, open it.
const FAILURES: u32 = 10;

const BETWEEN_PROBES: Delays = Delays { first: Duration::from_millis(500), longest: Duration::from_secs(10) };

/// Closed while the table answers. Open, it lets one lane through at a time, as a probe.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// One hot or broken key is no sign of the table's health: it takes failures of two lanes.
    lanes_failed: HashSet<Arc<str>>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    probes: u32,
    next_probe: Timestamp,
    probing: bool,
    last_probed: Option<Arc<str>>,
}

impl Breaker {
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// When the next lane may be tried; `None` when closed, or while a probe is under way.
    pub(super) fn next_probe(&self) -> Option<Timestamp> {
        self.open.as_ref().filter(|open| !open.probing).map(|open| open.next_probe)
    }

    /// The lane of the last probe: another one is tried first, for its key alone may be broken.
    pub(super) fn last_probed(&self) -> Option<&str> {
        self.open.as_ref().and_then(|open| open.last_probed.as_deref())
    }

    pub(super) fn probe_started(&mut self, lane: &Arc<str>) {
        if let Some(open) = &mut self.open {
            open.probing = true;
            open.last_probed = Some(lane.clone());
        }
    }

    /// A lane came to an end; `answered` says whether the table did in its course. Answers whether this closed
    /// the breaker.
    pub(super) fn heard(
        &mut self,
        lane: &Arc<str>,
        failure: Option<&IoError>,
        answered: bool,
        now: Timestamp,
    ) -> bool {
        let works = match failure {
            None => answered,
            Some(error) if error.neighbour != Neighbour::Table => false,
            Some(error) if matches!(error.verdict, Verdict::Transient | Verdict::Denied) => {
                self.failed(lane, now);
                return false;
            }
            // Throttled, a lost race or an unreadable item: the table is there.
            Some(_) => true,
        };
        if !works {
            self.probe_ended(lane, now);
            return false;
        }
        let was_open = self.is_open();
        *self = Self::default();
        was_open
    }

    fn failed(&mut self, lane: &Arc<str>, now: Timestamp) {
        self.probe_ended(lane, now);
        if self.is_open() {
            return;
        }
        self.failures += 1;
        self.lanes_failed.insert(lane.clone());
        if self.failures >= FAILURES && self.lanes_failed.len() > 1 {
            tracing::error!(failures = self.failures, "the table does not answer: receiving stops");
            let next_probe = after(now, BETWEEN_PROBES.after(1, lane));
            self.open = Some(Open { probes: 1, next_probe, probing: false, last_probed: None });
        }
    }

    /// A lane ended in a way that says nothing about the table: if it was the probe, another one follows.
    pub(super) fn probe_ended(&mut self, lane: &Arc<str>, now: Timestamp) {
        let Some(open) = &mut self.open else { return };
        if open.probing && open.last_probed.as_ref() == Some(lane) {
            open.probes += 1;
            open.probing = false;
            open.next_probe = after(now, BETWEEN_PROBES.after(open.probes, lane));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(neighbour: Neighbour, verdict: Verdict) -> IoError {
        IoError::new(neighbour, "UpdateItem", verdict, "no")
    }

    fn fail(breaker: &mut Breaker, lane: &str, times: usize) {
        for _ in 0..times {
            let error = failure(Neighbour::Table, Verdict::Transient);
            breaker.heard(&lane.into(), Some(&error), true, Timestamp::UNIX_EPOCH);
        }
    }

    #[test]
    fn ten_failures_of_several_lanes_open_it_and_one_success_closes_it() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, "a", 5);
        fail(&mut breaker, "b", 4);
        assert!(!breaker.is_open());
        fail(&mut breaker, "b", 1);
        assert!(breaker.is_open());
        assert!(!breaker.heard(&"c".into(), None, false, Timestamp::UNIX_EPOCH), "no word of the table");
        assert!(breaker.heard(&"c".into(), None, true, Timestamp::UNIX_EPOCH));
        assert!(!breaker.is_open());
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, "a", 9);
        breaker.heard(&"b".into(), None, true, Timestamp::UNIX_EPOCH);
        fail(&mut breaker, "c", 9);
        assert!(!breaker.is_open());
    }

    #[test]
    fn one_key_a_lost_race_or_another_neighbour_never_opens_it() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, "hot", 100);
        for lane in 0..50 {
            for error in [
                failure(Neighbour::Spoke, Verdict::Transient),
                failure(Neighbour::Table, Verdict::Conflict),
                failure(Neighbour::Table, Verdict::Throttled),
            ] {
                breaker.heard(&lane.to_string().into(), Some(&error), true, Timestamp::UNIX_EPOCH);
            }
        }
        assert!(!breaker.is_open());
    }

    #[test]
    fn one_probe_at_a_time_and_later_ones_later() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, "a", 5);
        fail(&mut breaker, "b", 5);
        let first = breaker.next_probe().unwrap();
        breaker.probe_started(&"a".into());
        assert_eq!(breaker.next_probe(), None);
        fail(&mut breaker, "b", 1);
        assert_eq!(breaker.next_probe(), None, "another lane's late end is not the probe's");
        fail(&mut breaker, "a", 1);
        assert!(breaker.next_probe().unwrap() > first);
        assert_eq!(breaker.last_probed(), Some("a"));
        breaker.probe_started(&"b".into());
        breaker.probe_ended(&"b".into(), Timestamp::UNIX_EPOCH);
        assert!(breaker.next_probe().is_some(), "a probe that panicked is followed by another");
    }
}
