//! What becomes of the row as the tag-sync goes on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{About, Cause, CopyTags, Doing, Refused, ServerTagsRow, Skipped};
use crate::row::Change;
use crate::tags::{Owned, Plan};

/// Takes note of a comparison: claims the change that it asks for, or notes that there is none to make. `None` when there is
/// nothing to note, or when somebody else makes a change.
pub fn compared(
    about: &About<'_>,
    (plan, actual): (&Plan, &BTreeMap<String, String>),
    cause: &Cause,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    if stored.is_some_and(|row| row.is_busy(now) || row.agrees(plan)) {
        return None;
    }
    let mut row = ServerTagsRow::of(about, stored);
    row.owned = row.owned(actual);
    row.skipped = None;
    row.left.clone_from(&plan.left);
    row.unfit.clone_from(&plan.unfit);
    if plan.is_empty() {
        (row.doing, row.refused, row.synced_at) = (None, None, Some(now));
    } else {
        let keys = plan.set.keys().chain(&plan.remove);
        let before = keys.filter_map(|key| Some((key.clone(), actual.get(key)?.clone()))).collect();
        row.doing = Some(Doing { since: now, plan: plan.clone(), before, cause: cause.clone(), free: false });
    }
    row.judged(about, stored, now)
}

/// Notes whether the tags of a server reach its recovery instances.
pub fn copies(known: CopyTags, stored: Option<&ServerTagsRow>) -> Option<Change<ServerTagsRow>> {
    let row = ServerTagsRow { copy_tags: Some(known), ..stored?.clone() };
    Change::between(stored, row, Vec::new())
}

/// The change that was begun at `since` is made.
pub fn made(
    about: &About<'_>,
    since: Timestamp,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let mut row = stored.filter(|row| row.doing.as_ref().is_some_and(|doing| doing.since == since))?.clone();
    let doing = row.doing.take()?;
    let mut owned = row.owned.0.clone();
    owned.retain(|key, _| !doing.plan.remove.contains(key));
    row.owned = Owned(owned).with(&doing.plan.set);
    (row.refused, row.synced_at) = (None, Some(now));
    row.judged(about, stored, now)
}

/// The change that was begun at `since` was refused.
pub fn not_made(
    about: &About<'_>,
    (since, reason): (Timestamp, &str),
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let mut row = stored.filter(|row| row.doing.as_ref().is_some_and(|doing| doing.since == since))?.clone();
    row.doing = None;
    row.refused = Some(Refused::again(row.refused.as_ref(), reason, now));
    row.judged(about, stored, now)
}

/// The server cannot be looked at: what is still to be done is tried again later.
pub fn put_off(
    account_name: &str,
    reason: &str,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let known = stored?;
    let refused = Some(Refused::again(known.refused.as_ref(), reason, now));
    ServerTagsRow { refused, ..known.clone() }.judged(&known.about(account_name), stored, now)
}

/// DRS does not have the server any more: nothing is to be done, and nothing of it is wrong.
pub fn gone(
    account_name: &str,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let known = stored?;
    let gone_since = known.gone_since.or(Some(now));
    ServerTagsRow { gone_since, ..at_rest(known) }.judged(&known.about(account_name), stored, now)
}

/// Nobody watches the server's place any more: as long as that lasts, nothing is to be done, and nothing of it is wrong.
pub fn unwatched(
    account_name: &str,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let known = stored?;
    at_rest(known).judged(&known.about(account_name), stored, now)
}

fn at_rest(row: &ServerTagsRow) -> ServerTagsRow {
    let (left, unfit) = (BTreeMap::new(), BTreeSet::new());
    // It may have been made: should the server come back, what it has then is ours.
    let written = row.doing.as_ref().map(|doing| doing.plan.set.clone()).unwrap_or_default();
    let owned = row.owned.clone().with(&written);
    ServerTagsRow { doing: None, refused: None, owned, left, unfit, ..row.clone() }
}

/// The timer rings: what came and went is told to be over.
pub fn rung(account_name: &str, row: &ServerTagsRow, now: Timestamp) -> Option<Change<ServerTagsRow>> {
    row.clone().judged(&row.about(account_name), Some(row), now)
}

/// The change that was begun at `since` failed on its way: anybody may make it anew.
pub fn released(since: Timestamp, stored: Option<&ServerTagsRow>) -> Option<Change<ServerTagsRow>> {
    let mut row = stored.filter(|row| row.doing.as_ref().is_some_and(|doing| doing.since == since))?.clone();
    row.doing.iter_mut().for_each(|doing| doing.free = true);
    Change::between(stored, row, Vec::new())
}

/// Nothing is copied to the server.
pub fn skipped(
    about: &About<'_>,
    why: Skipped,
    stored: Option<&ServerTagsRow>,
    now: Timestamp,
) -> Option<Change<ServerTagsRow>> {
    let mut row = ServerTagsRow::of(about, stored);
    row.skipped = Some(why);
    (row.refused, row.left, row.unfit) = (None, BTreeMap::new(), BTreeSet::new());
    if !row.is_busy(now) {
        row.doing = None;
    }
    row.judged(about, stored, now)
}
