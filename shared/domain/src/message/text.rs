//! How texts, times and numbers are written, whatever the channel.

use jiff::Timestamp;

/// Longer names from outside are cut, so that a message stays readable and within Slack's limits.
const NAME_LIMIT: usize = 200;

/// Of many names in one list each is cut earlier.
const LISTED_LIMIT: usize = 60;

/// Control characters would break lines and hide or turn around text. What is cut off costs nothing, however long it is.
pub(super) fn cut_to(text: &str, limit: usize) -> String {
    let clean = || text.chars().map(|c| if is_control(c) { ' ' } else { c });
    if clean().nth(limit).is_none() {
        return clean().collect();
    }
    clean().take(limit - 1).chain(['…']).collect()
}

/// Those of Unicode included: what has no width, and what sets a direction.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

pub(super) fn cut(text: &str) -> String {
    cut_to(text, NAME_LIMIT)
}

/// A name in a list.
pub(super) fn listed(text: &str) -> String {
    cut_to(text, LISTED_LIMIT)
}

/// `name (id)`, or the id alone where there is no name.
pub(super) fn named(name: &str, id: &str) -> String {
    let name = cut(name);
    if name.trim().is_empty() || name == id { cut(id) } else { format!("{name} ({})", cut(id)) }
}

pub(super) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

pub(super) fn duration(from: Timestamp, to: Timestamp) -> String {
    of_seconds(to.as_second().saturating_sub(from.as_second()).max(0).unsigned_abs())
}

pub(super) fn of_seconds(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// `1 server`, `2 servers`.
pub(super) fn count(number: u32, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
