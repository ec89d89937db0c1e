//! What observations of a place mean.

use std::time::Duration;

use jiff::Timestamp;

use super::{CLOCKS, Observation, PlaceRow, Rungs, Unreadable, asking, minute_of, overdue, silence, status};
use crate::incident::{Condition, IncidentKind, Severity, Subject, reconcile_late};
use crate::keys::Place;
use crate::own_event::OwnEvent;
use crate::policy::Limits;
use crate::quota::{self, Quota, QuotaOrigin, QuotasRow};
use crate::row::Change;
use crate::sweep::after;

/// An event asks for a sweep this soon, so that a burst of events costs one.
pub(super) const SOON: Duration = Duration::from_secs(10);

/// What a decision on a place may look at besides the row.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Name of the account in the registry.
    pub account_name: &'a str,
    /// The thresholds of the account.
    pub limits: Limits,
    /// Quota L-C1D14A2B: servers that may replicate.
    pub replicating: u32,
    /// Quota L-E28BE5E0: source servers that there may be. `None` where Service Quotas was never read: the quota is
    /// adjustable, so the documented one says nothing of an account that has so many.
    pub total: Option<u32>,
    /// Our time.
    pub now: Timestamp,
}

impl<'a> Context<'a> {
    /// With the default thresholds and quotas that were never read.
    pub fn new(account_name: &'a str, now: Timestamp) -> Self {
        let replicating = Quota::Replicating.documented();
        Self { account_name, limits: Limits::default(), replicating, total: None, now }
    }

    /// With thresholds and quotas.
    #[must_use]
    pub fn with(self, limits: Limits, quotas: Option<&QuotasRow>) -> Self {
        let value = |quota| quota::value(quota, quotas);
        let total = Some(value(Quota::Total)).filter(|total| total.origin != QuotaOrigin::Documented);
        let replicating = value(Quota::Replicating).value;
        Self { limits, replicating, total: total.map(|total| total.value), ..self }
    }
}

/// Decides what observations of a place mean.
pub fn decide(
    place: &Place,
    observations: &[Observation],
    stored: Option<&PlaceRow>,
    context: &Context<'_>,
) -> Option<Change<PlaceRow>> {
    let mut row = stored.cloned().unwrap_or_else(|| PlaceRow::unknown(place));
    let mut at = Timestamp::MIN;
    for observation in observations {
        at = at.max(apply(&mut row, observation, context));
    }
    silence::heard(stored, &mut row, context);
    finish(stored, row, context, at)
}

/// Judges the row as it is at `at`, and says what to tell.
pub(super) fn finish(
    stored: Option<&PlaceRow>,
    mut row: PlaceRow,
    context: &Context<'_>,
    at: Timestamp,
) -> Option<Change<PlaceRow>> {
    let status = status::judge(&mut row, context, at);
    let mut holding: Vec<_> = row.unreadable.as_ref().map(denied).into_iter().collect();
    holding.extend(status::conditions(&row));
    holding.extend(silence::condition(&row, context));
    holding.extend(overdue::condition(&row, context));
    let place = row.place.clone();
    let name = context.account_name;
    let subject = Subject {
        place: &place,
        account_name: name,
        id: place.account.as_str(),
        name,
        job: None,
        application: None,
        drill_tag: None,
    };
    let told = reconcile_late(&mut row.incidents, &holding, &subject, (at, context.now));
    let tell = told.into_iter().map(OwnEvent::from).chain(status.map(OwnEvent::from)).collect();
    Change::between(stored, row, tell)
}

/// Applies one observation and returns when it was made.
fn apply(row: &mut PlaceRow, observation: &Observation, context: &Context<'_>) -> Timestamp {
    match observation {
        Observation::Heard { at } => {
            row.heard_at = row.heard_at.max(Some(*at));
            *at
        }
        Observation::Spoke { at } => {
            row.heard_at = row.heard_at.max(Some(minute_of(*at)));
            *at
        }
        Observation::Known { at } => {
            row.known_since = Some(row.known_since.map_or(*at, |known| known.min(*at)));
            *at
        }
        Observation::LookSooner { at } => {
            // Not sooner than from when the row was read: a wish that is near then is another's to rely on.
            look(row, after(context.now.max(*at), SOON));
            // What is wished for later says nothing of how things are then.
            context.now.min(*at)
        }
        Observation::LookAgain { at } => {
            look_again(row, context.now.max(*at));
            context.now.min(*at)
        }
        Observation::Swept(counted) => {
            row.sweeping = None;
            row.unreadable.take_if(|denied| denied.at.as_second() < counted.swept_at.as_second());
            row.partial.take_if(|partial| partial.at <= counted.swept_at);
            if row.swept_at() <= Some(counted.swept_at) {
                row.trying = None;
            }
            if row.counted.as_ref() < Some(counted) {
                // An instance that read a moment ago that the place was never swept believes an old event still, so that a
                // sweep that was wished for sooner would begin too early for it.
                if row.counted.is_none() && counted.servers > 0 {
                    row.look_at = Some(after(context.now, SOON));
                }
                row.rungs = row.rungs.after(counted, context);
                row.counted = Some(counted.clone());
                row.ended_at = row.ended_at.max(Some(context.now));
                // Our time, for the wish is compared with it: AWS's may lie behind.
                let next = asking::next_look(&context.limits, context.now, counted.initialized);
                if let Some(at) = next {
                    look(row, at);
                }
            }
            counted.swept_at
        }
        Observation::Partly(partial) => {
            if row.swept_at() < Some(partial.at) {
                row.partial = row.partial.take().max(Some(partial.clone()));
            }
            partial.at
        }
        Observation::Dismissed { at } => {
            dismiss(row);
            *at
        }
        Observation::Denied { at, reason } => {
            row.sweeping = None;
            row.trying = None;
            deny(row, *at, reason);
            *at
        }
    }
}

fn look(row: &mut PlaceRow, at: Timestamp) {
    row.look_at = Some(row.look_at.map_or(at, |asked| asked.min(at)));
}

/// Of a crowd that comes too late to rely on the next sweep one wishes for the one after it, and the others rely on that. It is
/// never further away than `SOON` by anyone's clock: whoever wishes next would bring it forward to that, past what is relied
/// on.
fn look_again(row: &mut PlaceRow, now: Timestamp) {
    let (soon, is_too_soon) = (after(now, SOON), |at: &Timestamp| *at <= after(now, CLOCKS));
    if row.look_at.as_ref().is_some_and(is_too_soon) {
        let then = row.look_then.filter(|then| !is_too_soon(then));
        row.look_then = Some(then.map_or(soon, |then| then.min(soon)));
    } else {
        look(row, soon);
    }
}

/// What was counted stays to be seen; nothing of it is judged any more.
fn dismiss(row: &mut PlaceRow) {
    row.sweeping = None;
    row.look_at = None;
    row.look_then = None;
    row.unreadable = None;
    row.partial = None;
    row.trying = None;
    row.known_since = None;
    row.silent_since = None;
    row.rungs = Rungs::default();
}

/// Within one second a refusal outweighs a sweep: the worse wins, as it does in stamps.
fn deny(row: &mut PlaceRow, at: Timestamp, reason: &str) {
    if row.swept_at().is_some_and(|swept| swept.as_second() > at.as_second()) {
        return;
    }
    let told = Unreadable { since: at, at, reason: reason.to_owned() };
    row.unreadable = Some(match row.unreadable.take() {
        Some(known) if (told.at, &told.reason) > (known.at, &known.reason) => {
            Unreadable { since: known.since, ..told }
        }
        Some(known) => known,
        None => told,
    });
}

fn denied(unreadable: &Unreadable) -> Condition {
    Condition {
        kind: IncidentKind::AccountDenied,
        since: unreadable.since,
        severity: Severity::High,
        reason: unreadable.reason.clone(),
    }
}
