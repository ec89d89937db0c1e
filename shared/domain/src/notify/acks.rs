//! Who sees to what is open.

use serde::{Deserialize, Serialize};

use crate::notification::Ack;

/// Who sees to what of a group is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acks {
    /// How many of what is open are acknowledged; 1 at least.
    pub count: u32,
    /// By whom, the latest first; the first few of many.
    pub by: Vec<String>,
}

/// So many people are named who acknowledged something of one group.
const ACKNOWLEDGERS: usize = 3;

impl Acks {
    /// Of the acknowledgements of all that is open.
    pub fn of<'a>(acks: impl Iterator<Item = &'a Ack>) -> Option<Self> {
        let mut all: Vec<&Ack> = acks.collect();
        all.sort_by_key(|ack| (std::cmp::Reverse(ack.at), &ack.by));
        let mut by: Vec<String> = Vec::new();
        for ack in &all {
            if by.len() < ACKNOWLEDGERS && !by.contains(&ack.by) {
                by.push(ack.by.clone());
            }
        }
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
        (count > 0).then_some(Self { count, by })
    }

    /// Whether more is acknowledged than was known, or somebody has that nobody knew of.
    pub(super) fn tell_more_than(&self, known: &Self) -> bool {
        self.count > known.count || self.by.first().is_some_and(|latest| !known.by.contains(latest))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn all_are_counted_and_the_latest_few_are_named_once_each() {
        let ack = |(by, second): (&str, i64)| {
            let at = Timestamp::from_second(second).unwrap();
            Ack { by: by.to_owned(), at, note: None }
        };
        let acks = [("ann", 1), ("ben", 5), ("ann", 4), ("cleo", 3), ("dan", 2)].map(ack);
        let told = Acks::of(acks.iter()).unwrap();
        assert_eq!((told.count, told.by), (5, ["ben", "ann", "cleo"].map(str::to_owned).into()));
        assert_eq!(Acks::of([].iter()), None);
    }

    #[test]
    fn it_is_news_that_more_is_seen_to_or_that_somebody_else_does() {
        let acks = |count, by: &[&str]| Acks { count, by: by.iter().map(|who| (*who).to_owned()).collect() };
        let known = acks(2, &["ann", "ben"]);
        for (new, is_news) in [
            (acks(2, &["ann", "ben"]), false),
            (acks(3, &["ann", "ben"]), true),
            (acks(2, &["cleo", "ben"]), true),
            (acks(1, &["ben"]), false),
        ] {
            assert_eq!(new.tell_more_than(&known), is_news, "{new:?}");
        }
    }
}
