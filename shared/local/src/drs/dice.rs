//! Small seeded dice, so that a run can be repeated however often somebody looks.

/// A `SplitMix64` sequence: eight bytes of state, which thirty thousand servers can each afford.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same `seed` and `subject`.
    pub(crate) fn seeded(seed: u64, subject: &str) -> Self {
        Self(seed ^ hash(subject))
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from `low` to `high`, `high` excluded. `low` when the range is empty.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).unsigned_abs().max(1);
        low.saturating_add_unsigned(self.next() % width)
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        (self.next() as f64) < probability * u64::MAX as f64
    }

    /// One of the items; the first one's default when there is none.
    pub(crate) fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        let last = items.len().max(1) as u64;
        let index = usize::try_from(self.next() % last).unwrap_or_default();
        items.get(index).copied().unwrap_or_default()
    }

    /// An id such as `s-1f0c…` with 17 hexadecimal digits; those of instances begin with 0, as on EC2.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        let first = if prefix == "i" { 0 } else { self.next() % 16 };
        format!("{prefix}-{first:x}{:016x}", self.next())
    }
}

/// FNV-1a, stable over versions and platforms.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
