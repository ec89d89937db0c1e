//! The clock behind `Io::now` and `Io::sleep`: real, or one that runs fast; and sums of times that never
//! overflow: at the ends of time they stop.

use std::fmt::Debug;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

/// A clock. Signatures, credentials and time-outs of calls stay on real time whatever it says.
pub trait Time: Debug + Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits for `time` of this clock.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;

    /// What asks again and again waits at least so long of this clock in between; zero but where time runs fast.
    fn grain(&self) -> Duration {
        Duration::ZERO
    }
}

/// Real time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime;

impl Time for SystemTime {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

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
