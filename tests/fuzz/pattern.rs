//! Patterns of names and tag keys: the first line is the pattern, the rest is the text.

use drs_fleet_domain::pattern::Pattern;
use proptest::prop_assert_eq;

use super::{Checked, text};

pub(super) const TAKES_EVENTS: bool = false;
pub(super) const WORDS: &[&str] = &["*", "?", "**", "*?", "?*", "*a", "a", "b", "ab", "\n", "ß", "e\u{301}"];

/// Characters times characters; the reference takes time and space for each.
const MOST: usize = 1_000_000;

/// A matcher that tried all ways to place the stars would not come to an end on the longest texts of the corpus.
pub(super) fn check(input: &[u8]) -> Checked {
    let text = text(input);
    let (pattern, text) = text.split_once('\n').unwrap_or((&text, ""));
    let fits = Pattern::new(pattern).fits(text);
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    if pattern.len() * text.len() <= MOST {
        prop_assert_eq!(fits, reference(&pattern, &text), "{:?} and {:?}", pattern, text);
    }
    Ok(())
}

/// By the definition, one character of the pattern at a time: which beginnings of the text what was read so far fits.
fn reference(pattern: &[char], text: &[char]) -> bool {
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for c in pattern {
        let before = fits.clone();
        for end in 0..=text.len() {
            fits[end] = match c {
                '*' => before[end] || (end > 0 && fits[end - 1]),
                c => end > 0 && before[end - 1] && (*c == '?' || *c == text[end - 1]),
            };
        }
    }
    fits[text.len()]
}
