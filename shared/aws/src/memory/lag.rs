//! Reads that are eventually consistent: for a while they may show an item as it was before its last write.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::keys::Key;
use jiff::Timestamp;

use super::Item;
use super::faults::Seeded;
use crate::time::after;

/// A write is seen by all after this time at most.
const LONGEST: Duration = Duration::from_secs(1);

/// What reads may still show; nothing where reads do not lag.
#[derive(Debug, Default)]
pub(super) struct Lag {
    dice: Option<Seeded>,
    before: BTreeMap<Key, Before>,
}

/// An item before its last writes, or that there was none, and until when that may be seen.
#[derive(Debug)]
struct Before {
    item: Option<Item>,
    until: Timestamp,
}

impl Lag {
    pub(super) fn begin(&mut self, seed: u64) {
        self.dice = Some(Seeded(seed));
    }

    pub(super) fn is_on(&self) -> bool {
        self.dice.is_some()
    }

    /// An item is written.
    pub(super) fn wrote(&mut self, key: &Key, item: Option<Item>, now: Timestamp) {
        let Some(dice) = &mut self.dice else { return };
        // What is older still may be seen until its time is over.
        if self.before.get(key).is_some_and(|before| now < before.until) {
            return;
        }
        let until = after(now, LONGEST.mul_f64(dice.fraction()));
        self.before.insert(key.clone(), Before { item, until });
    }

    /// What a read of these keys, from `first` on, shows of what was before: every other read that may be late is.
    pub(super) fn old<'a>(
        &'a mut self,
        now: Timestamp,
        first: &Key,
        is_read: impl Fn(&Key) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a Key, Option<&'a Item>)> + 'a {
        let Self { dice, before } = self;
        let read = before.range(first.clone()..).take_while(move |(key, _)| is_read(key));
        let read = read.filter(move |(_, before)| now < before.until);
        read.filter(|_| dice.as_mut().is_some_and(|dice| dice.fraction() < 0.5))
            .map(|(key, before)| (key, before.item.as_ref()))
    }

    /// What is seen by all by now need not be remembered.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.before.retain(|_, before| now < before.until);
    }
}
