//! What a look at the active jobs of a place means.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Context, InJobs, JobSweepRow, POLL_EVERY};
use crate::ids::JobId;
use crate::keys::Place;
use crate::row::Change;
use crate::sweep::after;

/// What a look at all active jobs of a place found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Those that are active, and when each began.
    pub active: BTreeMap<JobId, Timestamp>,
    /// Those that are over, or gone.
    pub over: BTreeSet<JobId>,
    /// What counts against the quotas.
    pub in_jobs: InJobs,
}

/// Takes over what a look at the active jobs found. What was heard of since then stays.
pub fn looked(
    place: &Place,
    looked: &Looked,
    stored: Option<&JobSweepRow>,
    context: &Context<'_>,
) -> Option<Change<JobSweepRow>> {
    let mut row = JobSweepRow::of(place, stored);
    row.active.retain(|id, _| !looked.over.contains(id));
    row.active.extend(looked.active.iter().map(|(id, began)| (id.clone(), *began)));
    row.in_jobs = Some(looked.in_jobs);
    row.poll_at = match row.poll_at {
        _ if row.active.is_empty() => None,
        Some(at) => Some(at),
        None => Some(after(context.now, POLL_EVERY)),
    };
    row.judged(stored, context)
}
