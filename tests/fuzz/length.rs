//! Lengths of time, as AWS and people write them.

use std::time::Duration;

use drs_fleet_domain::notify::hours::Clock;
use drs_fleet_domain::span::{self, Length};
use proptest::prop_assert_eq;

use super::{Checked, text};

pub(super) const TAKES_EVENTS: bool = false;
pub(super) const WORDS: &[&str] = &[
    "P", "T", "D", "H", "M", "S", "W", "Y", "30m", "1h ", "0.5", "-", "+", "99999999", "175307616", "ago", "µs", "weeks", ",", "23:59",
];

pub(super) fn check(input: &[u8]) -> Checked {
    let text = text(input);
    let read = span::parse(&text);
    if let Some(length) = read {
        let shown = span::show(length);
        prop_assert_eq!(span::parse(&shown), Some(length), "{:?} is shown as {:?}", text, shown);
        let stored = serde_json::to_string(&Length(length)).unwrap();
        prop_assert_eq!(serde_json::from_str::<Length>(&stored).ok(), Some(Length(length)), "{}", stored);
    }
    if let Some(expected) = iso(text.trim()) {
        prop_assert_eq!(read, Some(expected), "{:?}", text);
    }
    if let Ok(clock) = text.parse::<Clock>() {
        prop_assert_eq!(clock.to_string().parse(), Ok(clock), "{:?}", text);
    }
    Ok(())
}

/// The form of AWS's `lagDuration`, such as `P1DT2H3M4S`, read another way; of at most six digits each, so that it cannot
/// overflow.
fn iso(text: &str) -> Option<Duration> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (rest, ""),
    };
    let days = units(date, &[('W', 604_800), ('D', 86_400)])?;
    let seconds = days + units(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    (!rest.is_empty()).then(|| Duration::from_secs(seconds))
}

/// Seconds of numbers with units, each at most once and in this order.
fn units(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut seconds = 0;
    for (unit, length) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        let is_number = (1..=6).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        seconds += number.parse::<u64>().ok().filter(|_| is_number)? * length;
        text = rest;
    }
    text.is_empty().then_some(seconds)
}
