//! Sweeps that are begun again and again and never come to their end: an account that throttles, or does not answer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Context, PlaceRow};
use crate::incident::{Condition, IncidentKind, Severity};
use crate::span;
use crate::sweep::after;

/// So many sweeps must have been begun in vain. Time alone says nothing: nobody sweeps while the hub is down.
const TRIES: u32 = 3;

/// Sweeps that were begun since the last one that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trying {
    /// When the first of them was, in our time.
    pub since: Timestamp,
    /// How many.
    pub times: u32,
}

impl Trying {
    /// One more.
    pub(super) fn once_more(known: Option<Self>, now: Timestamp) -> Self {
        let known = known.unwrap_or(Self { since: now, times: 0 });
        Self { times: known.times.saturating_add(1), ..known }
    }
}

/// Since when sweeps have been in vain, if that is too long.
pub(super) fn since(row: &PlaceRow, context: &Context<'_>) -> Option<Timestamp> {
    let trying = row.trying.filter(|trying| trying.times >= TRIES)?;
    (context.now >= after(trying.since, context.limits.unswept_after)).then_some(trying.since)
}

pub(super) fn condition(row: &PlaceRow, context: &Context<'_>) -> Option<Condition> {
    let since = since(row, context)?;
    let allowed = span::show(context.limits.unswept_after);
    let read = row.partial.as_ref().map(|partial| format!("; the last one read {} servers", partial.servers));
    Some(Condition {
        kind: IncidentKind::SweepOverdue,
        since,
        severity: Severity::High,
        reason: format!(
            "sweeps have been begun for more than {allowed} and none has ended{}: its calls to DRS are throttled, \
             fail, or are not answered; what is shown of its servers is old",
            read.unwrap_or_default()
        ),
    })
}
