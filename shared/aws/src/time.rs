//! Sums of times that never overflow: at the ends of time they stop.

use std::time::Duration;

use jiff::Timestamp;

/// `wait` after `from`.
pub(crate) fn after(from: Timestamp, wait: Duration) -> Timestamp {
    from.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// From `now` to `then`; zero when it has passed.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_no_time_away_and_the_end_of_time_is_not_passed() {
        let now = Timestamp::from_second(100).unwrap();
        assert_eq!(until(now, Timestamp::UNIX_EPOCH), Duration::ZERO);
        assert_eq!(until(now, after(now, Duration::from_millis(1500))), Duration::from_millis(1500));
        assert_eq!(after(now, Duration::MAX), Timestamp::MAX);
    }
}
