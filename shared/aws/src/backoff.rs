//! How long to wait before the next attempt. The only file that names the crate `backoff`, and only as a
//! calculator of delays: it is unmaintained (see `deny.toml`), and moving on is a change of this file alone.
//!
//! Its random jitter is switched off in favour of one drawn from what is retried, so that a simulation with the
//! same seed waits the same.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff;

/// Delays that double from the first to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// Before the second attempt.
    pub first: Duration,
    /// Never more than this.
    pub longest: Duration,
}

impl Delays {
    /// The delay after failed attempt number `attempt` (from 1), between half and whole of the doubled delay.
    /// `salt` is what is retried: neighbours that failed together do not come back together.
    pub fn after(&self, attempt: u32, salt: &impl Hash) -> Duration {
        let mut doubling = ExponentialBackoffBuilder::new()
            .with_initial_interval(self.first)
            .with_max_interval(self.longest)
            .with_multiplier(2.0)
            .with_randomization_factor(0.0)
            .with_max_elapsed_time(None)
            .build();
        // After 32 doublings of a millisecond two months have passed: the longest is reached.
        let whole = (0..attempt.clamp(1, 32)).filter_map(|_| doubling.next_backoff()).last();
        let half = whole.unwrap_or(self.longest).min(self.longest) / 2;
        // Whole milliseconds, for the crate adds a random nanosecond even without jitter.
        let half = Duration::from_millis(u64::try_from(half.as_millis()).unwrap_or(u64::MAX));
        half + half.mul_f64(fraction(&(salt, attempt)))
    }
}

/// A number between 0 and 1, the same for the same salt.
fn fraction(salt: &impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    salt.hash(&mut hasher);
    f64::from((hasher.finish() % 1024) as u32) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAYS: Delays = Delays { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

    #[test]
    fn delays_double_up_to_the_longest() {
        for (attempt, whole) in [(1, 100), (2, 200), (3, 400), (6, 3200), (7, 5000), (1000, 5000)] {
            let delay = DELAYS.after(attempt, &"lane").as_millis();
            assert!((whole / 2 - 1..=whole).contains(&delay), "attempt {attempt}: {delay} of {whole} ms");
        }
    }

    #[test]
    fn the_same_is_retried_after_the_same_time_and_neighbours_at_others() {
        assert_eq!(DELAYS.after(3, &"a"), DELAYS.after(3, &"a"));
        let distinct: std::collections::BTreeSet<_> = (0..20).map(|n| DELAYS.after(3, &n)).collect();
        assert!(distinct.len() > 10);
    }
}
