//! Who sweeps a place and when, and what its timer is for.

use std::time::Duration;

use jiff::Timestamp;

use super::decide::{SOON, finish};
use super::{Context, Observation, PlaceRow, Trying, decide, silence};
use crate::keys::Place;
use crate::policy::Limits;
use crate::row::Change;
use crate::sweep::{self, Claimed, Sweeping, after};

/// Ticks are not punctual, and the last one's sweep took its time.
const SLACK: Duration = Duration::from_secs(30);

/// So long after a complete sweep's end another begins at the earliest. DRS dates both by the second: of two that begin in
/// the same one, nobody could say which saw the later state.
const APART: Duration = Duration::from_secs(2);

/// A request for a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When, in our time.
    pub at: Timestamp,
    /// By the schedule, which asks more often than some places are to be swept; a wish has a reason.
    pub scheduled: bool,
}

/// What a process knows when a place's timer rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waking {
    /// The Region is registered, of an ACTIVE account.
    pub is_active: bool,
    /// It is swept.
    pub is_swept: bool,
    /// The process gets messages in time, so that what it did not hear was not said.
    pub hears: bool,
    /// When other workers last heard it, see [`super::HeardRow`].
    pub heard_by_others: Option<Timestamp>,
}

/// Claims the sweep that was `asked` for, see [`Sweeping::claim`]. What the schedule asks for too early is dropped; a wish
/// that comes while another sweep is under way, which may not see what it is about, is kept, and so is one that is about to be
/// served, for whoever relies on it may write until then; once it is served, the one after it takes its place. What is asked
/// for right after a complete sweep's end becomes a wish. `context` is of the time at which the row was read: what others rely
/// on is judged by it.
pub fn claim(
    place: &Place,
    stored: Option<&PlaceRow>,
    asked: &[Asked],
    context: &Context<'_>,
) -> Option<Change<PlaceRow>> {
    let (row, now) = (stored.cloned().unwrap_or_else(|| PlaceRow::unknown(place)), context.now);
    let fresh = is_fresh(&row, &context.limits, now);
    let times: Vec<_> = asked.iter().filter(|a| !(a.scheduled && fresh)).map(|a| a.at).collect();
    let Some(claim) = Sweeping::claim(row.sweeping.as_ref(), row.swept_at(), &times, now) else {
        return keep_wish(stored?, asked, context);
    };
    let relied_on = row.look_at.filter(|_| row.is_about_to_be_swept(now));
    if let Some(from) = row.ended_at.map(|ended| after(ended, APART)).filter(|from| now < *from) {
        let look_at = relied_on.or(Some(from));
        return finish(stored, PlaceRow { look_at, ..row }, context, now);
    }
    let trying = Some(Trying::once_more(row.trying, now));
    let (look_at, look_then) = match relied_on {
        Some(_) => (relied_on, row.look_then),
        None => (row.look_then.filter(|then| now < *then), None),
    };
    finish(stored, PlaceRow { sweeping: Some(claim), trying, look_at, look_then, ..row }, context, now)
}

/// Whether what is stored after [`claim`] is a claim for one of these requests.
pub fn is_claimed(row: &PlaceRow, asked: &[Asked]) -> bool {
    row.sweeping.as_ref().is_some_and(|sweeping| asked.iter().any(|asked| asked.at == sweeping.asked_at))
}

/// Whether others may rely on the sweep that was `asked` for to see whatever they wrote before it: it was wished for, or it takes a
/// wish along, or it goes on for one that may have taken a wish and died.
pub fn is_relied_on(stored: Option<&PlaceRow>, asked: &[Asked]) -> bool {
    let takes = |row: &PlaceRow| row.look_at.is_some() || row.sweeping.is_some();
    asked.iter().any(|asked| !asked.scheduled) || stored.is_some_and(takes)
}

fn keep_wish(row: &PlaceRow, asked: &[Asked], context: &Context<'_>) -> Option<Change<PlaceRow>> {
    let now = context.now;
    let under_way = row.sweeping.as_ref()?.asked_at;
    let is_wish = |asked: &Asked| !asked.scheduled && asked.at > under_way;
    let is_kept = row.look_at.is_some_and(|at| at > now);
    let wished = asked.iter().any(is_wish) && !is_kept;
    wished
        .then(|| PlaceRow { look_at: Some(after(now, SOON)), ..row.clone() })
        .and_then(|wished| finish(Some(row), wished, context, now))
}

impl Claimed for PlaceRow {
    fn sweeping(&self) -> Option<&Sweeping> {
        self.sweeping.as_ref()
    }

    fn renewed(stored: Option<&Self>, claim: &Sweeping, now: Timestamp) -> Option<Change<Self>> {
        let row = stored?;
        let sweeping = Some(claim.renewed(row.sweeping.as_ref(), now)?);
        Some(Change { row: Self { sweeping, ..row.clone() }, tell: Vec::new() })
    }
}

/// Whether the schedule need not ask yet. What could not be read, or not whole, is looked at with each tick.
fn is_fresh(row: &PlaceRow, limits: &Limits, now: Timestamp) -> bool {
    let Some(counted) = row.counted.as_ref().filter(|_| row.unreadable.is_none() && row.partial.is_none())
    else {
        return false;
    };
    // Our time on both sides: AWS's may be minutes away.
    let ended_at = row.ended_at.unwrap_or(counted.swept_at);
    now < after(ended_at, interval(limits, counted.initialized).saturating_sub(SLACK))
}

fn interval(limits: &Limits, initialized: bool) -> Duration {
    if initialized { limits.sweep_every } else { limits.sweep_uninitialized_every }
}

/// When a place that was swept is swept again, where the schedule does not ask often enough.
pub(super) fn next_look(limits: &Limits, ended_at: Timestamp, initialized: bool) -> Option<Timestamp> {
    let every = interval(limits, initialized);
    (every < sweep::TICK).then(|| after(ended_at, every))
}

/// Serves the place's timer: a wish for a sweep, the time by which it must be heard, the end of what flapped.
///
/// The wish stays, for later, until a sweep is begun, for what asks may die of it; where there is one for the sweep after it,
/// that stays.
pub fn wake(row: &PlaceRow, context: &Context<'_>, waking: Waking) -> Option<Change<PlaceRow>> {
    let now = context.now;
    if !waking.is_active {
        return decide(&row.place, &[Observation::Dismissed { at: now }], Some(row), context);
    }
    let mut next = row.clone();
    if row.look_at.is_some_and(|at| at <= now) {
        let then = next.look_then.take().filter(|then| now < *then);
        next.look_at = waking.is_swept.then(|| then.unwrap_or(after(now, sweep::CLAIM)));
    }
    if row.listen_at.is_some_and(|at| at <= now) {
        next.heard_at = next.heard_at.max(waking.heard_by_others);
        silence::listen(&mut next, context, waking.hears);
    }
    finish(Some(row), next, context, now)
}
