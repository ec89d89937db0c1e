//! How often messages find another of their subject waiting.

/// The share is that of about so many of the last messages.
const LATELY: f64 = 256.0;

/// Where fewer find company, waiting for it makes others wait for nothing.
const SELDOM: f64 = 0.05;

/// Until something is known, it is worth waiting for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Company {
    share: f64,
}

impl Default for Company {
    fn default() -> Self {
        Self { share: 1.0 }
    }
}

impl Company {
    /// A message came, and found others of its subject waiting or did not.
    pub(super) fn came(&mut self, found: bool) {
        let now = if found { 1.0 } else { 0.0 };
        self.share += (now - self.share) / LATELY;
    }

    /// Of so many messages in flight, how many may wait for their like. A few do always: they show when that changes.
    pub(super) fn window(self, max_in_flight: usize) -> usize {
        if self.share < SELDOM { max_in_flight / 8 } else { max_in_flight * 3 / 8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_messages_wait_for_their_like_where_these_seldom_come_and_more_once_they_do() {
        let mut company = Company::default();
        assert_eq!(company.window(256), 96);
        (0..1_000).for_each(|_| company.came(false));
        assert_eq!(company.window(256), 32);
        // Of a storm, a few find each other also among few.
        (0..200).for_each(|n| company.came(n % 8 == 0));
        assert_eq!(company.window(256), 96);
    }
}
