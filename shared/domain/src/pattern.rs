//! Patterns of names, tag keys and other short texts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A pattern of short texts: `*` stands for any characters, `?` for one. Case counts, as it does in tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// From its text; every text is a pattern.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is of this text. Takes no longer than pattern times text.
    pub fn fits(&self, text: &str) -> bool {
        let (pattern, text): (Vec<char>, Vec<char>) = (self.0.chars().collect(), text.chars().collect());
        let (mut p, mut k) = (0, 0);
        // Where the last star is, and how far it reaches so far.
        let mut star: Option<(usize, usize)> = None;
        while k < text.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, k));
                    p += 1;
                }
                Some(c) if *c == '?' || *c == text[k] => {
                    p += 1;
                    k += 1;
                }
                _ => {
                    let Some((at, reached)) = star else { return false };
                    star = Some((at, reached + 1));
                    p = at + 1;
                    k = reached + 1;
                }
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_stand_for_any_characters_and_question_marks_for_one() {
        for (pattern, fits, not) in [
            ("Owner", vec!["Owner"], vec!["owner", "Owners", ""]),
            ("cost*", vec!["cost", "cost-centre"], vec!["Cost", "a-cost"]),
            ("*:env", vec![":env", "a:env", "a:env:env"], vec!["env", "a:env2"]),
            ("a*b*c", vec!["abc", "aXbYc", "abbcbc"], vec!["ab", "acb"]),
            ("t?er", vec!["tier", "teer"], vec!["ter", "tiier"]),
            ("*", vec!["", "anything"], vec![]),
            ("", vec![""], vec!["a"]),
            ("größe*", vec!["größe1"], vec!["grösse"]),
        ] {
            let pattern = Pattern::new(pattern);
            assert!(fits.iter().all(|text| pattern.fits(text)), "{pattern} fits {fits:?}");
            assert!(!not.iter().any(|text| pattern.fits(text)), "{pattern} does not fit {not:?}");
        }
    }
}
