//! A consumer at its endpoint, and one stream of events through it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::worker::Worker;
use drs_fleet_testkit::shipped;

use super::control::{Behavior, Counted};
use super::events::{SERVERS, Shape};
use super::process::{Consumer, Endpoint, Who};

/// Events of a measured stream.
pub const EVENTS: usize = 30_000;

/// A stream that takes longer than this will never end.
const PATIENCE: Duration = Duration::from_mins(5);

pub struct Bench {
    pub endpoint: Endpoint,
    pub consumer: Consumer,
}

/// What a stream came to.
pub struct Streamed {
    pub counted: Counted,
    pub cpu: Duration,
    pub wall: Duration,
}

impl Bench {
    pub fn start(who: Who) -> anyhow::Result<Self> {
        Self::with(who, Consumer::start)
    }

    pub fn start_on_one_core(who: Who) -> anyhow::Result<Self> {
        Self::with(who, Consumer::start_on_one_core)
    }

    fn with(
        who: Who,
        start: impl FnOnce(Who, &Endpoint) -> anyhow::Result<Consumer>,
    ) -> anyhow::Result<Self> {
        if who == Who::Worker {
            shipped::build(CapacityTracker::NAME)?;
        }
        let endpoint = Endpoint::start()?;
        let consumer = start(who, &endpoint)?;
        Ok(Self { endpoint, consumer })
    }

    /// The first event of each server, while calls take no time.
    pub fn warm_up(&mut self) -> anyhow::Result<()> {
        self.endpoint.behave(Behavior::default())?;
        self.stream(Shape::Spread, SERVERS).map(|_| ())
    }

    pub fn stream(&mut self, shape: Shape, count: usize) -> anyhow::Result<Streamed> {
        let before = self.consumer.process.cpu()?;
        self.endpoint.fill(shape, count)?;
        let began = Instant::now();
        let counted = self.wait_until(|counted| counted.deleted >= count)?;
        let (wall, cpu) = (began.elapsed(), self.consumer.process.cpu()?.saturating_sub(before));
        Ok(Streamed { counted, cpu, wall })
    }

    pub fn wait_until(&mut self, is_over: impl Fn(&Counted) -> bool) -> anyhow::Result<Counted> {
        let began = Instant::now();
        loop {
            let counted = self.endpoint.counted()?;
            if is_over(&counted) {
                return Ok(counted);
            }
            self.consumer.process.still_runs()?;
            anyhow::ensure!(began.elapsed() < PATIENCE, "the consumer does not get on: {counted:?}");
            sleep(Duration::from_millis(10));
        }
    }
}
