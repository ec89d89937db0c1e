//! Windows that a tag opens, on source servers in AWS or on an account in the registry.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Told, WindowRow};
use crate::notify::{Label, Matchers};
use crate::policy::DRILL_TAG;
use crate::span;
use crate::stamp::fnv1a_64;

/// What one place opens at most, for all windows are looked at with every incident.
pub const OF_A_PLACE: usize = 20;

/// How a drill is called whose tag has no name.
const NAMELESS: &str = "drill by tag";

/// How the tag is written.
const WRITTEN: &str = "write when it begins and ends, as 2026-12-01T20:00Z/2026-12-02T02:00Z or 2026-12-01T20:00Z/6h, \
     with the name of the drill before it if it has one";

impl WindowRow {
    /// The window of a tag `drs-fleet:drill`: the drill's name if it has one, then its beginning and its end or length, as
    /// in `spring drill 2026-12-01T20:00Z/6h`. Of one value there is one window, however many have the tag, and what goes
    /// wrong with any of these is expected in it.
    ///
    /// # Errors
    /// What is wrong with the value, in words for whoever tagged.
    pub fn of_tag(value: &str) -> Result<Self, String> {
        let text = value.trim();
        let (name, times) = text.rsplit_once(char::is_whitespace).unwrap_or(("", text));
        let name = name.trim_end();
        let (from, until) =
            times.split_once('/').and_then(|(from, until)| span(from, until)).ok_or(WRITTEN)?;
        let row = Self {
            id: format!("{:010x}", fnv1a_64(value.as_bytes()) >> 24),
            name: if name.is_empty() { NAMELESS.to_owned() } else { name.to_owned() },
            matchers: Matchers::of([(Label::DrillTag, value.to_owned())]),
            from,
            until,
            author: format!("tag {DRILL_TAG}"),
            closed_at: None,
            closed_by: None,
            told: Told::Nothing,
        };
        let problems = row.problems();
        if problems.is_empty() { Ok(row) } else { Err(problems.join("; ")) }
    }

    /// The windows of a place's tags that are not over, the first [`OF_A_PLACE`] of them.
    pub fn of_tags<'a>(tags: impl IntoIterator<Item = &'a str>, now: Timestamp) -> Vec<Self> {
        let tags: BTreeSet<&str> = tags.into_iter().collect();
        let mut rows: Vec<_> = tags.into_iter().filter_map(|tag| Self::of_tag(tag).ok()).collect();
        rows.retain(|row| now < row.until);
        rows.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
        rows.truncate(OF_A_PLACE);
        rows
    }
}

fn span(from: &str, until: &str) -> Option<(Timestamp, Timestamp)> {
    let from: Timestamp = from.parse().ok()?;
    let length = || from.checked_add(SignedDuration::try_from(span::parse(until)?).ok()?).ok();
    Some((from, until.parse().ok().or_else(length)?))
}
