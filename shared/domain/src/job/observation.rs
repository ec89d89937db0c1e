//! What can be observed of a job.

use jiff::Timestamp;

use super::{Basis, Call, Counts, Failure, Failures, Running, Step};
use crate::event::ApiCall;
use crate::seen::JobSeen;

/// What was observed of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// A launch result named it.
    Result {
        /// From `is-drill`.
        drill: bool,
        /// Whether the server was launched.
        launched: bool,
        /// The event's time.
        at: Timestamp,
    },
    /// An API call recorded by CloudTrail started it.
    Started {
        /// The call.
        call: Call,
        /// `isDrill`.
        drill: Option<bool>,
        /// The tag `drs-fleet:plan`.
        plan: Option<String>,
    },
    /// The inventory knows all its servers, and all have this tag `drs-fleet:drill`.
    Tagged(String),
    /// Somebody deleted it, which only works once it is over.
    Deleted {
        /// The call's time.
        at: Timestamp,
    },
    /// `DescribeJobs` listed it.
    Seen {
        /// As listed.
        seen: Box<JobSeen>,
        /// AWS's time of the answer.
        at: Timestamp,
    },
    /// The newest line of its log.
    Logged(Step),
    /// It was asked for by its id, and is not there.
    Gone {
        /// AWS's time of the answer.
        at: Timestamp,
    },
    /// A complete sweep counted its instances that run.
    Running(Running),
    /// Its failed servers were looked for in the history.
    Failing(Failures),
    /// Counted from the rows of its servers, which launch results may have told more than the job was seen to be.
    Counted(Counts),
    /// Its log tells of a failure of no single server.
    Failed(Failure),
    /// Its end is in the history, as it follows from this.
    Settled(Basis),
}

impl Observation {
    /// What a successful API call tells of the job that it names.
    pub fn called(call: &ApiCall, at: Timestamp) -> Self {
        if call.name == "DeleteJob" {
            return Self::Deleted { at };
        }
        let by = call.caller.clone();
        Self::Started {
            call: Call { at, name: call.name.clone(), by },
            drill: call.drill,
            plan: call.plan.clone(),
        }
    }
}
