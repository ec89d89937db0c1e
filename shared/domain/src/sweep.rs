//! Whose a sweep is: of several requests for a place one is served, and none is lost when its holder fails or dies.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::row::{Change, Row};

/// How often the hub's schedule asks for sweeps.
pub const TICK: Duration = Duration::from_mins(5);

/// A sweep of which nothing was heard for this long is taken over by whoever is asked next.
pub(crate) const CLAIM: Duration = Duration::from_mins(2);

/// A sweep under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweeping {
    /// When it was begun, or when its holder last said that it gets on.
    pub since: Timestamp,
    /// When it was asked for. The same request, tried again or delivered again, need not wait for itself.
    pub asked_at: Timestamp,
}

impl Sweeping {
    /// Claims the sweep that the requests `asked` are for; `None` when another sweep serves them or is under way.
    pub fn claim(
        under_way: Option<&Self>,
        swept_at: Option<Timestamp>,
        asked: &[Timestamp],
        now: Timestamp,
    ) -> Option<Self> {
        let asked_at = asked.iter().max().copied()?;
        let of_another = |sweep: &Self| !asked.contains(&sweep.asked_at) && now < after(sweep.since, CLAIM);
        let served = swept_at.is_some_and(|swept| swept > asked_at);
        (!served && !under_way.is_some_and(of_another)).then_some(Self { since: now, asked_at })
    }

    /// The claim for another while; `None` when it has been taken over, so that its holder is to stop. Where it is renewed
    /// already the answer to that was lost, and the holder is to write it once more, so as to know that it is its own.
    pub fn renewed(&self, under_way: Option<&Self>, now: Timestamp) -> Option<Self> {
        let renewed = Self { since: now, ..self.clone() };
        under_way.is_some_and(|sweep| sweep == self || *sweep == renewed).then_some(renewed)
    }

    /// What is under way when this sweep is over: nothing, unless another has taken it over.
    pub(crate) fn over(&self, under_way: Option<&Self>) -> Option<Self> {
        under_way.filter(|other| *other != self).cloned()
    }
}

/// A row on which a sweep is claimed.
pub trait Claimed: Row {
    /// The sweep that is under way.
    fn sweeping(&self) -> Option<&Sweeping>;

    /// Says that the sweep gets on, also where the row says so already; `None` when another has taken it over.
    fn renewed(stored: Option<&Self>, claim: &Sweeping, now: Timestamp) -> Option<Change<Self>>;
}

/// So long after a time; at most the last that there is.
pub fn after(time: Timestamp, wait: Duration) -> Timestamp {
    time.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn one_request_holds_the_sweep_until_it_is_taken_for_dead() {
        let first = Sweeping::claim(None, None, &[at(10)], at(11)).unwrap();
        let claim = |asked: &[i64], now| {
            let asked: Vec<_> = asked.iter().copied().map(at).collect();
            Sweeping::claim(Some(&first), None, &asked, at(now))
        };
        assert_eq!(claim(&[20], 21), None, "another request");
        assert!(claim(&[20], 131).is_some(), "its holder has died");
        assert!(claim(&[10], 12).is_some(), "the same request again");
        assert_eq!(claim(&[10, 20], 21).unwrap().asked_at, at(20), "the same request and one that joined it");
    }

    #[test]
    fn a_holder_that_gets_on_is_not_taken_for_dead_and_one_that_was_overtaken_knows_it() {
        let first = Sweeping::claim(None, None, &[at(10)], at(11)).unwrap();
        let later = first.renewed(Some(&first), at(100)).unwrap();
        let other = |under_way, now| Sweeping::claim(Some(under_way), None, &[at(20)], at(now));
        assert_eq!(other(&later, 131), None);
        let taken = other(&later, 220).unwrap();
        assert_eq!(later.renewed(Some(&taken), at(221)), None);
        assert_eq!(later.renewed(None, at(221)), None, "and ended");
        let again = Sweeping::claim(Some(&later), None, &[at(10)], at(101)).unwrap();
        assert_eq!(later.renewed(Some(&again), at(102)), None, "the same request, delivered again");
        assert_eq!(
            first.renewed(Some(&later), at(100)),
            Some(later),
            "its own renewal, whose answer was lost"
        );
    }

    #[test]
    fn a_request_older_than_the_last_sweep_is_served_by_it() {
        assert_eq!(Sweeping::claim(None, Some(at(12)), &[at(10), at(11)], at(13)), None);
        assert!(Sweeping::claim(None, Some(at(12)), &[at(10), at(12)], at(13)).is_some());
    }
}
