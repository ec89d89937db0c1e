//! The sweep of the tags of a place: what EC2 says of the machines behind its source servers, compared with what these have.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::sweep::{Claimed, Sweeping};

/// The sweep of the tags of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagSweepRow {
    /// Which place.
    pub place: Place,
    /// When the last complete sweep began: every server that had nothing left to do was in line with EC2 then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swept_at: Option<Timestamp>,
    /// The sweep that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweeping: Option<Sweeping>,
    /// Accounts and Regions of machines that the last sweep could not read, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<(Place, String)>,
}

impl Row for TagSweepRow {
    const KIND: &'static str = "tag-sweep";
    const WORKER: &'static str = WorkerName::Tags.as_str();
    const SEEN_AT_ONCE: bool = true;

    fn key(&self) -> Key {
        keys::tag_sweep(&self.place)
    }
}

impl Claimed for TagSweepRow {
    fn sweeping(&self) -> Option<&Sweeping> {
        self.sweeping.as_ref()
    }

    fn renewed(stored: Option<&Self>, claim: &Sweeping, now: Timestamp) -> Option<Change<Self>> {
        let known = stored?;
        let sweeping = Some(claim.renewed(known.sweeping.as_ref(), now)?);
        Some(Change { row: Self { sweeping, ..known.clone() }, tell: Vec::new() })
    }
}

impl TagSweepRow {
    /// Claims the sweep that was asked for at `asked_at`, see [`Sweeping::claim`].
    pub fn claim(
        place: &Place,
        stored: Option<&Self>,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> Option<Change<Self>> {
        let row = Self::of(place, stored);
        let sweeping = Some(Sweeping::claim(row.sweeping.as_ref(), row.swept_at, &[asked_at], now)?);
        Some(Change { row: Self { sweeping, ..row }, tell: Vec::new() })
    }

    /// Gives the claim of a sweep that was refused back, unless another has taken it over.
    pub fn released(stored: Option<&Self>, claim: &Sweeping) -> Option<Change<Self>> {
        let known = stored?;
        let row = Self { sweeping: claim.over(known.sweeping.as_ref()), ..known.clone() };
        Change::between(stored, row, Vec::new())
    }

    /// Records that a sweep that began at `began` is complete, but for what could not be read. Nothing is claimed for one
    /// that a person asked for.
    pub fn ended(
        place: &Place,
        stored: Option<&Self>,
        (claim, began): (Option<&Sweeping>, Timestamp),
        unread: &[(Place, String)],
    ) -> Option<Change<Self>> {
        let known = Self::of(place, stored);
        let swept_at = known.swept_at.max(Some(began));
        let sweeping = match claim {
            Some(claim) => claim.over(known.sweeping.as_ref()),
            None => known.sweeping.clone(),
        };
        let row = Self { sweeping, swept_at, unread: unread.to_vec(), ..known };
        Change::between(stored, row, Vec::new())
    }

    fn of(place: &Place, stored: Option<&Self>) -> Self {
        stored.cloned().unwrap_or_else(|| Self {
            place: place.clone(),
            swept_at: None,
            sweeping: None,
            unread: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn whose_claim_was_taken_over_ends_no_sweep_but_its_own() {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let claim = |row, asked, now| TagSweepRow::claim(&place, row, at(asked), at(now)).map(|it| it.row);
        let first = claim(None, 10, 11).unwrap();
        assert!(claim(Some(&first), 20, 21).is_none(), "under way");
        let second = claim(Some(&first), 200, 201).unwrap();
        let (slow, quick) = (first.sweeping.unwrap(), second.sweeping.clone().unwrap());
        assert!(TagSweepRow::released(Some(&second), &slow).is_none());
        let ended = TagSweepRow::ended(&place, Some(&second), (Some(&slow), at(11)), &[]).unwrap().row;
        assert_eq!((ended.swept_at, &ended.sweeping), (Some(at(11)), &Some(quick.clone())));
        let ended = TagSweepRow::ended(&place, Some(&ended), (Some(&quick), at(201)), &[]).unwrap().row;
        assert_eq!((ended.swept_at, ended.sweeping), (Some(at(201)), None));
    }
}
