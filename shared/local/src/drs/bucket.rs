//! A token bucket, so that the simulated API throttles as the real one does.

use jiff::Timestamp;

/// Calls that may still be made; refilled as simulated time passes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    state: Option<(f64, Timestamp)>,
}

impl Bucket {
    /// Takes a call out of the bucket; otherwise the whole seconds until there is one again.
    pub(super) fn take(&mut self, per_second: f64, now: Timestamp) -> Result<(), i64> {
        let size = per_second.max(1.0);
        let (left, at) = self.state.unwrap_or((size, now));
        let passed = now.duration_since(at).as_secs_f64().max(0.0);
        let left = (left + passed * per_second).min(size);
        if left >= 1.0 {
            self.state = Some((left - 1.0, now));
            return Ok(());
        }
        self.state = Some((left, now));
        let wait = ((1.0 - left) / per_second.max(0.001)).ceil().clamp(1.0, 3_600.0);
        #[expect(clippy::cast_possible_truncation, reason = "clamped to an hour just above")]
        Err(wait as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drs::stamp::after;

    #[test]
    fn a_bucket_refills_with_time_and_names_the_wait() {
        let start = Timestamp::UNIX_EPOCH;
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(2.0, start), Ok(()));
        assert_eq!(bucket.take(2.0, start), Ok(()));
        assert_eq!(bucket.take(2.0, start), Err(1));
        assert_eq!(bucket.take(2.0, after(start, 1)), Ok(()));
    }
}
