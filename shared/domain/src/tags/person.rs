//! Tags as people type them.

use std::collections::BTreeMap;

use super::{KEY_LENGTH, VALUE_LENGTH};

/// Reads `KEY=VALUE`.
///
/// # Errors
/// What is wrong, in words for whoever typed it.
pub fn from_person(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a tag is written KEY=VALUE")?;
    let fits = |text: &str, most| text.chars().count() <= most && !text.chars().any(char::is_control);
    if key.is_empty() || !fits(key, KEY_LENGTH) || !fits(value, VALUE_LENGTH) {
        return Err(format!("keys have 1 to {KEY_LENGTH} characters, values at most {VALUE_LENGTH}"));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Whether one of the tags is as a person types it, KEY or KEY=VALUE. A key may contain `=`, so the whole text is tried as a
/// key too.
pub fn is_tagged(tags: &BTreeMap<String, String>, wanted: &str) -> bool {
    let has = |(key, value): (&str, &str)| tags.get(key).is_some_and(|v| v == value);
    tags.contains_key(wanted)
        || wanted.match_indices('=').any(|(at, _)| has((&wanted[..at], &wanted[at + 1..])))
}
