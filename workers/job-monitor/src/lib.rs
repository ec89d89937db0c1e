//! Follows every DRS job, whoever started it: launch results and API calls joined to their job by its id, and completed
//! by looks at `DescribeJobs`, close ones while jobs are active. Also follows recovery instances and their way back.
//! The decisions are in `drs_fleet_domain::{job, job_sweep, recovery, launches, pace}`.

mod context;
mod ended;
mod handle;
mod inventory;
mod jobs;
mod look;
mod recoveries;
mod sweep;
mod wake;

use std::time::Duration;

use drs_fleet_aws::cached::{HistoryCache, PolicyCache};
use drs_fleet_aws::inbox::{Inbox, Received};
use drs_fleet_aws::io::{Io, Message};
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::pace::Pace;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::spoken::Listener;
use drs_fleet_aws::store::Store;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_aws::worker::{Sorted, Worker};
use drs_fleet_domain::envelope::Rejected;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::job::{JobRow, JobServerRow};
use drs_fleet_domain::job_sweep::JobSweepRow;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::launches::LaunchesRow;
use drs_fleet_domain::pace::PaceRow;
use drs_fleet_domain::quota::QuotasRow;
use drs_fleet_domain::recovery::RecoveryRow;
use drs_fleet_domain::routing::WorkerName;

/// The log of an active job is read so often; of one that moved, at once.
const LOG_EVERY: Duration = Duration::from_secs(45);

/// The worker. Clones share caches.
#[derive(Clone, Debug)]
pub struct JobMonitor {
    registry: RegistryCache,
    policy: PolicyCache,
    history: HistoryCache,
    inbox: Inbox,
    listener: Listener,
    jobs: Store<JobRow>,
    servers: Store<JobServerRow>,
    sweeps: Store<JobSweepRow>,
    recoveries: Store<RecoveryRow>,
    launches: Store<LaunchesRow>,
    paces: Store<PaceRow>,
    /// The capacity-tracker's; read only.
    quotas: Store<QuotasRow>,
    logs: Pace<JobId>,
}

impl JobMonitor {
    /// A worker that has nothing cached and counts into `metrics`.
    pub fn new(registry: RegistryCache, metrics: &Metrics) -> Self {
        Self {
            inbox: Inbox::new(Self::NAME, registry.clone(), metrics),
            listener: Listener::new(Self::NAME, registry.clone(), metrics),
            registry,
            policy: PolicyCache::default(),
            history: HistoryCache::default(),
            jobs: Store::new(metrics.clone()),
            servers: Store::new(metrics.clone()),
            sweeps: Store::new(metrics.clone()),
            recoveries: Store::new(metrics.clone()),
            launches: Store::new(metrics.clone()),
            paces: Store::new(metrics.clone()),
            quotas: Store::new(metrics.clone()),
            logs: Pace::new(LOG_EVERY),
        }
    }
}

impl Worker for JobMonitor {
    const NAME: &'static str = WorkerName::Jobs.as_str();
    /// A look at active jobs of an account that hangs takes as long as a call may; with a hundred such accounts, those of
    /// the others must not wait.
    const DUE_AT_ONCE: usize = 128;
    type Work = Received;

    fn sort(&self, message: &Message) -> Result<Sorted<Received>, Rejected> {
        let received = Received::read(message)?;
        let place = received.place();
        let lane = match &received.event {
            Event::LaunchResult { server, job, .. } => format!("{place}/{job}/{server}"),
            Event::FailbackChange { instance, .. } => format!("{place}/{instance}"),
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

    async fn wake<I: Io>(&self, io: &I, key: &Key) -> Result<(), IoError> {
        wake::wake(self, io, key).await
    }
}
