//! What groups are called.

use crate::stamp::fnv1a_64;

/// Longer names do not fit keys.
const LENGTH: usize = 200;

/// The name of a group: its route, and what all in it have in common. The same for the same, in every version: it is stored.
pub(super) fn id<'a>(route: &str, labels: impl Iterator<Item = (String, &'a str)>) -> String {
    let parts = labels.map(|(label, value)| format!("|{}={}", escaped(&label), escaped(value)));
    let whole = route.to_owned() + &parts.collect::<String>();
    if whole.len() <= LENGTH {
        return whole;
    }
    let print = format!("~{:016x}", fnv1a_64(whole.as_bytes()));
    let begins = whole.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = begins.take_while(|end| end + print.len() <= LENGTH).last().unwrap_or_default();
    whole[..end].to_owned() + &print
}

/// What comes from outside says nothing about where it ends.
fn escaped(value: &str) -> String {
    let plain = |c: char| !(c.is_control() || c.is_whitespace() || "%|=#~".contains(c));
    let code = |c: char| if plain(c) { c.to_string() } else { format!("%{:X}", u32::from(c)) + ";" };
    value.chars().map(code).collect()
}
