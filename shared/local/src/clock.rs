//! Simulated time: starts where it is told and may run faster than real time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A clock that all services stamp with. Clones share the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    origin: Timestamp,
    speed: f64,
}

impl Clock {
    /// Real time.
    pub fn real() -> Self {
        Self::starting(Timestamp::now(), 1.0)
    }

    /// Starts at `origin` and passes `speed` simulated seconds in each real second (at least 0.001).
    pub fn starting(origin: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() { speed.max(0.001) } else { 1.0 };
        Self(Arc::new(Inner { started: Instant::now(), origin, speed }))
    }

    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        let passed = self.0.started.elapsed().mul_f64(self.0.speed);
        self.0.origin.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// How many simulated seconds pass in a real one.
    pub fn speed(&self) -> f64 {
        self.0.speed
    }

    /// The real time that `simulated` takes.
    pub fn real_duration(&self, simulated: Duration) -> Duration {
        simulated.div_f64(self.0.speed)
    }

    /// Waits until `simulated` has passed.
    pub async fn sleep(&self, simulated: Duration) {
        tokio::time::sleep(self.real_duration(simulated)).await;
    }
}
