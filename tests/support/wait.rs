//! Waiting for something to become true, without counting on how long it takes.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Far longer than anything takes on a busy machine, and than the two minutes of a lost message. Only a failing
/// test waits this long.
const DEADLINE: Duration = Duration::from_secs(150);
const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until there is something to see.
pub(crate) async fn until<T>(what: impl Display, look: impl AsyncFn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(started.elapsed() < DEADLINE, "waited in vain for: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
