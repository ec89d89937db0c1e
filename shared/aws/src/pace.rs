//! What a process does at most so often for each place, or whatever else, however many ask for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// So many are remembered before what lies back long enough is forgotten.
const REMEMBERED: usize = 4_096;

/// When it was last done, for each. Clones are the same pace.
#[derive(Debug)]
pub struct Pace<K> {
    every: Duration,
    done: Arc<Mutex<HashMap<K, Timestamp>>>,
}

impl<K> Clone for Pace<K> {
    fn clone(&self) -> Self {
        Self { every: self.every, done: Arc::clone(&self.done) }
    }
}

impl<K: Clone + Eq + Hash> Pace<K> {
    /// At most once in this time.
    pub fn new(every: Duration) -> Self {
        Self { every, done: Arc::default() }
    }

    /// Takes it on the caller to do it; false where it was done, or is being done, so lately.
    pub fn takes(&self, what: &K, now: Timestamp) -> bool {
        let mut done = self.done();
        let waits = |at: &Timestamp| *at <= now && at.checked_add(self.every).is_ok_and(|end| now < end);
        if done.get(what).is_some_and(waits) {
            return false;
        }
        if done.len() >= REMEMBERED {
            done.retain(|_, at| waits(at));
        }
        done.insert(what.clone(), now);
        true
    }

    /// It could not be done; the next one who asks does it.
    pub fn gives_back(&self, what: &K) {
        self.done().remove(what);
    }

    fn done(&self) -> MutexGuard<'_, HashMap<K, Timestamp>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_is_done_once_for_each_in_a_time_unless_that_failed() {
        let pace = Pace::new(Duration::from_secs(10));
        let (here, there) = ("us-west-2", "us-east-1");
        assert!(pace.takes(&here, at(0)) && !pace.takes(&here, at(9)) && pace.takes(&there, at(9)));
        assert!(pace.takes(&here, at(10)) && !pace.takes(&here, at(19)));
        pace.gives_back(&here);
        assert!(pace.takes(&here, at(19)));
    }

    #[test]
    fn what_lies_back_is_forgotten_when_there_is_much() {
        let pace = Pace::new(Duration::from_secs(10));
        (0..REMEMBERED).for_each(|n| assert!(pace.takes(&n, at(0))));
        assert!(pace.takes(&REMEMBERED, at(60)));
        assert_eq!(pace.done().len(), 1);
    }
}
