//! Brings the tags of EC2 machines to their DRS source servers. The decisions are in `drs_fleet_domain::tags`.

mod handle;

use drs_fleet_aws::inbox::{Inbox, Received};
use drs_fleet_aws::io::{Io, Message};
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::store::Store;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_aws::worker::{Sorted, Worker};
use drs_fleet_domain::envelope::Rejected;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::routing::WorkerName;
use drs_fleet_domain::tags::InstanceTagsRow;

/// The worker. Clones share caches.
#[derive(Clone, Debug)]
pub struct TagSync {
    registry: RegistryCache,
    inbox: Inbox,
    instances: Store<InstanceTagsRow>,
}

impl TagSync {
    /// A worker that has nothing cached and counts into `metrics`.
    pub fn new(registry: RegistryCache, metrics: &Metrics) -> Self {
        Self {
            inbox: Inbox::new(Self::NAME, registry.clone(), metrics),
            registry,
            instances: Store::new(metrics.clone()),
        }
    }
}

impl Worker for TagSync {
    const NAME: &'static str = WorkerName::Tags.as_str();
    type Work = Received;

    fn sort(&self, message: &Message) -> Result<Sorted<Received>, Rejected> {
        let received = Received::read(message)?;
        let lane = match &received.event {
            Event::TagsChanged(change) => change.instance.to_string(),
            _ => received.place().to_string(),
        };
        Ok(Sorted { lane, work: received })
    }

    async fn handle<I: Io>(&self, io: &I, work: Vec<Received>) -> Result<(), IoError> {
        handle::handle(self, io, work).await
    }

    async fn wake<I: Io>(&self, io: &I, key: &Key) -> Result<(), IoError> {
        handle::wake(self, io, key).await
    }
}
