//! What a person asks for: that the tags of a place, or of some servers there, are brought in line now. The tag-sync writes
//! down how far it is, for whoever asked to read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::SourceServerId;
use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::sweep::{Claimed, Sweeping, after};

/// Kept so long: a week.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// So many failures are named; all are counted.
const NAMED: usize = 200;

/// What is asked for, as it lies in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRequest {
    /// Names it, in its place.
    pub request: String,
    /// Who asks, for the history.
    pub by: String,
    /// Only these servers; all of the place unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<BTreeSet<SourceServerId>>,
}

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRequestRow {
    /// Where.
    pub place: Place,
    /// [`TagRequest::request`].
    pub request: String,
    /// [`TagRequest::by`].
    pub by: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// The work that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweeping: Option<Sweeping>,
    /// What was done.
    #[serde(default)]
    pub tally: Tally,
    /// Accounts and Regions of machines that could not be read, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<(Place, String)>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// What came of servers. Those that none of it counts are still to be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many are meant.
    pub servers: u32,
    /// Nothing had to be written to so many.
    pub in_line: u32,
    /// So many were written to.
    pub written: u32,
    /// Nothing is copied to so many, for a reason that their rows tell.
    pub skipped: u32,
    /// So many could not be brought in line.
    pub failed: u32,
    /// Why, by server; of many, the first that failed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<SourceServerId, String>,
    /// Why nothing can be done in the place at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Tally {
    /// A server could not be brought in line.
    pub fn fail(&mut self, server: SourceServerId, why: String) {
        self.failed = self.failed.saturating_add(1);
        if self.failures.len() < NAMED {
            self.failures.insert(server, why);
        }
    }

    /// How many are done with, whatever came of them.
    pub fn done(&self) -> u32 {
        [self.in_line, self.written, self.skipped, self.failed]
            .iter()
            .fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Whether nothing is left to be done.
    pub fn is_whole(&self) -> bool {
        self.failed == 0 && self.refused.is_none()
    }
}

impl Row for TagRequestRow {
    const KIND: &'static str = "tag-request";
    const WORKER: &'static str = WorkerName::Tags.as_str();
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        keys::tag_request(&self.place, &self.request)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(after(self.asked_at, KEPT))
    }
}

impl Claimed for TagRequestRow {
    fn sweeping(&self) -> Option<&Sweeping> {
        self.sweeping.as_ref()
    }

    fn renewed(stored: Option<&Self>, claim: &Sweeping, now: Timestamp) -> Option<Change<Self>> {
        let known = stored?;
        let sweeping = Some(claim.renewed(known.sweeping.as_ref(), now)?);
        Some(Change { row: Self { sweeping, ..known.clone() }, tell: Vec::new() })
    }
}

impl TagRequestRow {
    /// Claims the work that was asked for at `asked_at`; `None` when it is done. A request that is delivered again begins
    /// anew: what is in line by then costs no write.
    pub fn claim(
        place: &Place,
        asked: &TagRequest,
        stored: Option<&Self>,
        (asked_at, now): (Timestamp, Timestamp),
    ) -> Option<Change<Self>> {
        if stored.is_some_and(|row| row.ended_at.is_some()) {
            return None;
        }
        let under_way = stored.and_then(|row| row.sweeping.as_ref());
        let row = Self {
            place: place.clone(),
            request: asked.request.clone(),
            by: asked.by.clone(),
            asked_at,
            sweeping: Some(Sweeping::claim(under_way, None, &[asked_at], now)?),
            tally: Tally::default(),
            unread: Vec::new(),
            ended_at: None,
        };
        Some(Change { row, tell: Vec::new() })
    }

    /// Notes how far it is, unless another has taken it over.
    pub fn reached(stored: Option<&Self>, claim: &Sweeping, tally: &Tally) -> Option<Change<Self>> {
        let known = stored.filter(|row| row.sweeping.as_ref() == Some(claim))?;
        Change::between(stored, Self { tally: tally.clone(), ..known.clone() }, Vec::new())
    }

    /// It is over, unless another has taken it over.
    pub fn ended(
        stored: Option<&Self>,
        claim: &Sweeping,
        (tally, unread): (&Tally, &[(Place, String)]),
        now: Timestamp,
    ) -> Option<Change<Self>> {
        let known = stored.filter(|row| row.sweeping.as_ref() == Some(claim))?;
        let (tally, unread) = (tally.clone(), unread.to_vec());
        let row = Self { sweeping: None, tally, unread, ended_at: Some(now), ..known.clone() };
        Some(Change { row, tell: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn claim(row: Option<&TagRequestRow>, now: i64) -> Option<TagRequestRow> {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let asked = TagRequest { request: "r-1".to_owned(), by: "ada".to_owned(), servers: None };
        TagRequestRow::claim(&place, &asked, row, (at(0), at(now))).map(|change| change.row)
    }

    #[test]
    fn a_request_that_is_delivered_again_begins_anew_until_it_is_done() {
        let first = claim(None, 1).unwrap();
        let tally = Tally { servers: 9, written: 4, ..Tally::default() };
        let slow = first.sweeping.clone().unwrap();
        let row = TagRequestRow::reached(Some(&first), &slow, &tally).unwrap().row;
        assert_eq!((row.tally.done(), row.ended_at), (4, None));
        let again = claim(Some(&row), 5).unwrap();
        assert_eq!(again.tally, Tally::default());
        assert!(TagRequestRow::reached(Some(&again), &slow, &tally).is_none(), "it was taken over");
        assert!(TagRequestRow::ended(Some(&again), &slow, (&tally, &[]), at(6)).is_none());
        let quick = again.sweeping.clone().unwrap();
        let ended = TagRequestRow::ended(Some(&again), &quick, (&tally, &[]), at(7)).unwrap().row;
        assert_eq!((ended.ended_at, &ended.sweeping, ended.tally.written), (Some(at(7)), &None, 4));
        assert!(claim(Some(&ended), 8).is_none());
    }

    #[test]
    fn all_failures_are_counted_and_the_first_are_named() {
        let mut tally = Tally { servers: 300, ..Tally::default() };
        for n in 0..300 {
            tally.fail(format!("s-{n:017}").parse().unwrap(), "no".to_owned());
        }
        assert_eq!((tally.failed, tally.failures.len(), tally.done()), (300, NAMED, 300));
        assert!(!tally.is_whole());
    }
}
