//! The quotas of DRS in an account and Region, where each value comes from, and what AWS documents.
//!
//! Source of codes and documented values: AWS General Reference, "AWS Elastic Disaster Recovery endpoints and quotas".

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key, Place};
use crate::routing::WorkerName;
use crate::row::Row;

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
    /// When they were read, in our time.
    pub read_at: Timestamp,
    /// By code, those of other kinds included.
    pub values: BTreeMap<String, QuotaValue>,
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
