//! Windows that a tag opens, on source servers in AWS or on an account in the registry.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Told, WindowRow};
use crate::notify::{Label, Matchers};
use crate::policy::DRILL_TAG;
use crate::span;
use crate::stamp::fnv1a_64;

/// So many windows of tags may be open or to come in the whole fleet, for all windows are looked at with every incident.
pub const MOST_OF_TAGS: usize = 50;

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
        let (begins, until) = value.rsplit_once('/').ok_or(WRITTEN)?;
        let begins = begins.trim();
        let (name, from) = begins.rsplit_once(char::is_whitespace).unwrap_or(("", begins));
        let (from, until) = span(from, until.trim()).ok_or(WRITTEN)?;
        let name = name.trim_end();
        if value.contains(['*', '?']) {
            return Err("the name of a drill has no * and no ?".to_owned());
        }
        let row = Self {
            id: format!("{:010x}", fnv1a_64(value.as_bytes()) >> 24),
            name: if name.is_empty() { NAMELESS.to_owned() } else { name.to_owned() },
            matchers: Matchers::of([(Label::DrillTag, value.to_owned())]),
            from,
            until,
            author: by_tag(),
            closed_at: None,
            closed_by: None,
            told: Told::Nothing,
        };
        let problems = row.problems();
        if problems.is_empty() { Ok(row) } else { Err(problems.join("; ")) }
    }

    /// Of tags, the windows that are not over, by beginning, and how many tags cannot be read.
    pub fn of_tags<'a>(tags: impl IntoIterator<Item = &'a str>, now: Timestamp) -> (Vec<Self>, usize) {
        let (mut rows, mut unread) = (BTreeMap::new(), 0);
        for tag in tags {
            match Self::of_tag(tag) {
                Ok(row) if now < row.until => drop(rows.insert((row.from, row.id.clone()), row)),
                Ok(_) => {}
                Err(_) => unread += 1,
            }
        }
        (rows.into_values().collect(), unread)
    }

    /// Whether a tag opened it.
    pub fn is_of_tag(&self) -> bool {
        self.author == by_tag()
    }
}

fn by_tag() -> String {
    format!("tag {DRILL_TAG}")
}

fn span(from: &str, until: &str) -> Option<(Timestamp, Timestamp)> {
    let from: Timestamp = from.parse().ok()?;
    let length = || from.checked_add(SignedDuration::try_from(span::parse(until)?).ok()?).ok();
    Some((from, until.parse().ok().or_else(length)?))
}
