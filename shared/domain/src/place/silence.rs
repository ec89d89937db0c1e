//! Whether a place is heard. Heartbeats come every few minutes; that none comes any more means that a rule, a bus
//! policy or the way between is broken, and that events are lost.

use std::time::Duration;

use jiff::Timestamp;

use super::{Context, PlaceRow};
use crate::incident::{Condition, IncidentKind, Severity};
use crate::span;
use crate::sweep::after;

/// While it is silent: how often it is looked at whether it still counts.
const AGAIN: Duration = Duration::from_mins(5);

/// How long a process that hears nothing itself leaves the judgement to others.
const DEAF: Duration = Duration::from_mins(1);

/// Since when it is silent, unless it is heard: nobody listens where the account is not known to be active.
fn quiet_since(row: &PlaceRow) -> Option<Timestamp> {
    row.known_since.map(|known| row.heard_at.map_or(known, |heard| heard.max(known)))
}

/// After observations: who was heard is silent no more, and is listened for anew.
pub(super) fn heard(before: Option<&PlaceRow>, row: &mut PlaceRow, context: &Context<'_>) {
    let quiet = quiet_since(row);
    if quiet == before.and_then(quiet_since) {
        return;
    }
    let due = quiet.map(|since| after(since, context.limits.silent_after));
    // What comes so late says nothing of today.
    if due.is_none_or(|due| due > context.now) {
        row.silent_since = None;
    }
    if row.silent_since.is_none() {
        row.listen_at = due;
    }
}

/// Its time to be heard is over. Only a process that `hears` others may judge; see [`super::Waking`].
pub(super) fn listen(row: &mut PlaceRow, context: &Context<'_>, hears: bool) {
    let Some(since) = quiet_since(row) else {
        row.listen_at = None;
        return;
    };
    let due = after(since, context.limits.silent_after);
    row.listen_at = Some(if due > context.now {
        row.silent_since = None;
        due
    } else if hears || row.silent_since.is_some() {
        row.silent_since.get_or_insert(since);
        after(context.now, AGAIN)
    } else {
        after(context.now, DEAF)
    });
}

pub(super) fn condition(row: &PlaceRow, context: &Context<'_>) -> Option<Condition> {
    let since = row.silent_since?;
    let allowed = span::show(context.limits.silent_after);
    let reason = if row.heard_at.is_some() {
        format!(
            "neither heartbeat nor event for more than {allowed}; check the spoke's rules and the bus policy"
        )
    } else {
        format!("nothing was ever heard in {allowed}; check that infra/spoke.yaml is deployed in this Region")
    };
    Some(Condition { kind: IncidentKind::SpokeSilent, since, severity: Severity::High, reason })
}
