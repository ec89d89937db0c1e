//! Times and durations as DRS writes them.

use jiff::{SignedDuration, Timestamp};

/// `at` plus some seconds.
pub(super) fn after(at: Timestamp, seconds: i64) -> Timestamp {
    shift(at, SignedDuration::from_secs(seconds))
}

/// `at` moved by a duration.
pub(super) fn shift(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// `at` as exact as the API tells it.
pub(super) fn milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// Whole seconds from `earlier` to `later`, never negative.
pub(super) fn seconds(earlier: Timestamp, later: Timestamp) -> i64 {
    later.duration_since(earlier).as_secs().max(0)
}

/// `2024-06-15T15:00:00.000Z`.
pub(super) fn date_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// An ISO 8601 duration: `P0D`, `PT5M30S`, `P152D`, `P2DT3H`.
pub(super) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    if seconds == 0 {
        return "P0D".to_owned();
    }
    let parts = [(seconds / 3600 % 24, 'H'), (seconds / 60 % 60, 'M'), (seconds % 60, 'S')];
    let mut text = String::from("P");
    if seconds >= 86_400 {
        text += &(seconds / 86_400).to_string();
        text.push('D');
    }
    if seconds % 86_400 != 0 {
        text.push('T');
    }
    for (amount, unit) in parts.into_iter().filter(|(amount, _)| *amount > 0) {
        text += &amount.to_string();
        text.push(unit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_aws_writes_them() {
        let cases = [(0, "P0D"), (330, "PT5M30S"), (152 * 86_400, "P152D"), (183_600, "P2DT3H")];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_date_time_has_three_digits_and_a_z() {
        assert_eq!(date_time(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }
}
