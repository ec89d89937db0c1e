//! Follows every DRS job, whoever started it: launch results and API calls joined to their job by its id,
//! and completed by sweeps of `DescribeJobs`. The decisions are in `drs_fleet_domain::job`.

mod handle;
mod sweep;

use drs_fleet_aws::inbox::{Inbox, Received};
use drs_fleet_aws::io::{Io, Message};
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::store::Store;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_aws::worker::{Sorted, Worker};
use drs_fleet_domain::envelope::Rejected;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::job::{JobRow, JobServerRow};
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::routing::WorkerName;

/// The worker. Clones share caches.
#[derive(Clone, Debug)]
pub struct JobMonitor {
    registry: RegistryCache,
    inbox: Inbox,
    jobs: Store<JobRow>,
    servers: Store<JobServerRow>,
    sweeps: Store<JobSweepRow>,
}

impl JobMonitor {
    /// A worker that has nothing cached and counts into `metrics`.
    pub fn new(registry: RegistryCache, metrics: &Metrics) -> Self {
        Self {
            inbox: Inbox::new(Self::NAME, registry.clone(), metrics),
            registry,
            jobs: Store::new(metrics.clone()),
            servers: Store::new(metrics.clone()),
            sweeps: Store::new(metrics.clone()),
        }
    }
}

impl Worker for JobMonitor {
    const NAME: &'static str = WorkerName::Jobs.as_str();
    type Work = Received;

    fn sort(&self, message: &Message) -> Result<Sorted<Received>, Rejected> {
        let received = Received::read(message)?;
        let place = received.place();
        let lane = match &received.event {
            Event::LaunchResult { server, job, .. } => format!("{place}/{job}/{server}"),
            Event::SweepPlace { .. } => format!("sweep/{place}"),
            Event::SweepTick => "tick".to_owned(),
            _ => place.to_string(),
        };
        Ok(Sorted { lane, work: received })
    }

    fn may_wait(work: &Received) -> bool {
        matches!(work.event, Event::SweepPlace { .. })
    }

    async fn handle<I: Io>(&self, io: &I, work: Vec<Received>) -> Result<(), IoError> {
        handle::handle(self, io, work).await
    }

    /// Jobs tell nothing and wait for nothing yet, so nothing of theirs is ever due.
    async fn wake<I: Io>(&self, io: &I, key: &Key) -> Result<(), IoError> {
        self.sweeps.wake(io, key, |_| None).await.map(|_| ())
    }
}
