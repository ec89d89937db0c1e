//! The quotas of DRS in an account and Region, where each value comes from, and what AWS documents.
//!
//! Source of codes and documented values: AWS General Reference, "AWS Elastic Disaster Recovery endpoints and quotas".

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::{Change, Row};
use crate::seen::QuotaSeen;
use crate::sweep::after;

/// Quotas change seldom, and Service Quotas allows few calls.
const KEPT: Duration = Duration::from_hours(6);
/// A reading that failed is repeated after so long.
const TRIED_AGAIN: Duration = Duration::from_mins(30);

/// A quota that decisions look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quota {
    /// Replicating source servers; not adjustable.
    Replicating,
    /// Source servers in all.
    Total,
    /// Jobs at a time.
    Jobs,
    /// Source servers in all jobs at a time.
    ServersInJobs,
    /// Source servers in one job.
    ServersPerJob,
    /// Jobs at a time with the same source server.
    JobsPerServer,
}

impl Quota {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Replicating,
        Self::Total,
        Self::Jobs,
        Self::ServersInJobs,
        Self::ServersPerJob,
        Self::JobsPerServer,
    ];

    /// As Service Quotas calls it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Replicating => "L-C1D14A2B",
            Self::Total => "L-E28BE5E0",
            Self::Jobs => "L-D88FAC3A",
            Self::ServersInJobs => "L-05AFA8C6",
            Self::ServersPerJob => "L-B827C881",
            Self::JobsPerServer => "L-DD6D028C",
        }
    }

    /// What AWS documents, per account and Region; taken where Service Quotas was never read.
    pub const fn documented(self) -> u32 {
        match self {
            Self::Replicating => 300,
            Self::Total => 4_000,
            Self::Jobs => 20,
            Self::ServersInJobs => 500,
            Self::ServersPerJob => 100,
            Self::JobsPerServer => 1,
        }
    }
}

/// Where a quota's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuotaOrigin {
    /// Service Quotas: applied to this account and Region.
    Applied,
    /// Service Quotas: AWS's default, where there is no applied value.
    AwsDefault,
    /// AWS's documentation, where Service Quotas could not be read.
    Documented,
}

/// A quota's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaValue {
    /// How many.
    pub value: u32,
    /// Where that comes from.
    pub origin: QuotaOrigin,
}

/// The quotas of a place as last read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotasRow {
    /// Where.
    pub place: Place,
    /// When they were read, in our time; the epoch where they never were.
    pub read_at: Timestamp,
    /// By code, those of other kinds included.
    pub values: BTreeMap<String, QuotaValue>,
    /// When reading them failed, if it did since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
}

impl Row for QuotasRow {
    const KIND: &'static str = "quotas";
    const WORKER: &'static str = WorkerName::Capacity.as_str();

    fn key(&self) -> Key {
        keys::quotas(&self.place)
    }
}

/// The value of a quota: as read, else as documented.
pub fn value(quota: Quota, row: Option<&QuotasRow>) -> QuotaValue {
    let documented = QuotaValue { value: quota.documented(), origin: QuotaOrigin::Documented };
    row.and_then(|row| row.values.get(quota.code())).copied().unwrap_or(documented)
}

impl QuotasRow {
    /// Whether they are to be read again.
    pub fn is_old(&self, now: Timestamp) -> bool {
        after(self.read_at, KEPT) <= now && self.failed_at.is_none_or(|at| after(at, TRIED_AGAIN) <= now)
    }
}

/// Takes what was read, unless something newer is stored.
pub fn decide(
    place: &Place,
    seen: &[QuotaSeen],
    read_at: Timestamp,
    stored: Option<&QuotasRow>,
) -> Option<Change<QuotasRow>> {
    if stored.is_some_and(|row| row.read_at >= read_at) {
        return None;
    }
    let origin = |applied| if applied { QuotaOrigin::Applied } else { QuotaOrigin::AwsDefault };
    let value = |quota: &QuotaSeen| QuotaValue { value: quota.value, origin: origin(quota.applied) };
    let values = seen.iter().map(|quota| (quota.code.clone(), value(quota))).collect();
    Some(Change {
        row: QuotasRow { place: place.clone(), read_at, values, failed_at: None },
        tell: Vec::new(),
    })
}

/// Notes that they could not be read, so that no instance asks again too soon.
pub fn failed(place: &Place, at: Timestamp, stored: Option<&QuotasRow>) -> Option<Change<QuotasRow>> {
    let never = QuotasRow {
        place: place.clone(),
        read_at: Timestamp::UNIX_EPOCH,
        values: BTreeMap::new(),
        failed_at: None,
    };
    let row = stored.cloned().unwrap_or(never);
    let is_newer = row.read_at < at && row.failed_at < Some(at);
    is_newer.then(|| Change { row: QuotasRow { failed_at: Some(at), ..row }, tell: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_reading_counts_and_what_it_lacks_is_as_documented() {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let at = |second| Timestamp::from_second(second).unwrap();
        let seen = |value| [QuotaSeen { code: Quota::Jobs.code().to_owned(), value, applied: true }];
        let row = decide(&place, &seen(30), at(10), None).unwrap().row;
        assert_eq!(decide(&place, &seen(20), at(10), Some(&row)), None);
        let jobs = QuotaValue { value: 30, origin: QuotaOrigin::Applied };
        let slots = QuotaValue { value: 300, origin: QuotaOrigin::Documented };
        assert_eq!((value(Quota::Jobs, Some(&row)), value(Quota::Replicating, Some(&row))), (jobs, slots));
        assert!(!row.is_old(at(10 + 6 * 3600 - 1)) && row.is_old(at(10 + 6 * 3600)));
    }

    #[test]
    fn a_reading_that_failed_is_repeated_after_half_an_hour_and_keeps_what_was_read() {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let at = |minute: i64| Timestamp::from_second(1_000_000 + 60 * minute).unwrap();
        let never = failed(&place, at(0), None).unwrap().row;
        assert!(!never.is_old(at(29)) && never.is_old(at(30)));
        assert_eq!(value(Quota::Total, Some(&never)).origin, QuotaOrigin::Documented);
        let seen = [QuotaSeen { code: Quota::Total.code().to_owned(), value: 6_000, applied: true }];
        let read = decide(&place, &seen, at(30), Some(&never)).unwrap().row;
        assert_eq!((read.failed_at, failed(&place, at(20), Some(&read))), (None, None), "late");
        let lost = failed(&place, at(30 + 360), Some(&read)).unwrap().row;
        assert_eq!((lost.read_at, value(Quota::Total, Some(&lost)).value), (at(30), 6_000));
        assert!(!lost.is_old(at(389 + 30)) && lost.is_old(at(390 + 30)));
    }
}
