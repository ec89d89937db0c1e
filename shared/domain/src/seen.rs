//! What a sweep sees: AWS's answers, reduced to what decisions use. States stay texts where AWS may add more.

mod job;
mod server;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use self::job::{JobLogSeen, JobSeen, JobServerSeen, LastLaunch, RecoveryInstanceSeen, Size};
pub use self::server::{
    ExtensibleSeen, LaunchConfigurationSeen, Progress, ServerFacts, ServerSeen, Staging, Step,
};
use crate::ids::InstanceId;

/// One page of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// What it lists.
    pub items: Vec<T>,
    /// Asks for the next page; `None` on the last.
    pub next: Option<String>,
    /// AWS's own time: the answer's `Date` header, in whole seconds.
    pub date: Timestamp,
    /// False where DRS was never initialised in the Region: there are no servers, which is no failure.
    pub initialized: bool,
}

/// An applied quota, as Service Quotas shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaSeen {
    /// Such as `L-C1D14A2B`.
    pub code: String,
    /// Its value; quotas of DRS are whole numbers.
    pub value: u32,
    /// False when there is no applied value and this is AWS's default.
    pub applied: bool,
}

/// An EC2 instance as the Resource Groups Tagging API lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedInstance {
    /// Which.
    pub instance: InstanceId,
    /// All its tags; none of one that was tagged once.
    pub tags: BTreeMap<String, String>,
}
