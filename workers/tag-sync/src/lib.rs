//! Brings the tags of EC2 machines to their DRS source servers: as events tell, and as sweeps find that they differ. The
//! decisions are in `drs_fleet_domain::tags`.

mod compare;
mod handle;
mod instance;
mod listing;
mod machine_types;
mod request;
mod server;
mod sweep;

use drs_fleet_aws::cached::TagPolicyCache;
use drs_fleet_aws::inbox::{Inbox, Received};
use drs_fleet_aws::io::{Io, Message};
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::spoken::Listener;
use drs_fleet_aws::store::Store;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_aws::worker::{Sorted, Worker};
use drs_fleet_domain::envelope::Rejected;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::routing::WorkerName;
use drs_fleet_domain::tags::{InstanceTagsRow, ServerTagsRow, TagHistoryRow, TagRequestRow, TagSweepRow};

/// The worker. Clones share caches.
#[derive(Clone, Debug)]
pub struct TagSync {
    registry: RegistryCache,
    rules: TagPolicyCache,
    inbox: Inbox,
    listener: Listener,
    instances: Store<InstanceTagsRow>,
    servers: Store<ServerTagsRow>,
    history: Store<TagHistoryRow>,
    sweeps: Store<TagSweepRow>,
    requests: Store<TagRequestRow>,
    silent: machine_types::Silent,
}

impl TagSync {
    /// A worker that has nothing cached and counts into `metrics`.
    pub fn new(registry: RegistryCache, metrics: &Metrics) -> Self {
        Self {
            inbox: Inbox::new(Self::NAME, registry.clone(), metrics),
            listener: Listener::new(Self::NAME, registry.clone(), metrics),
            registry,
            rules: TagPolicyCache::default(),
            instances: Store::new(metrics.clone()),
            servers: Store::new(metrics.clone()),
            history: Store::new(metrics.clone()),
            sweeps: Store::new(metrics.clone()),
            requests: Store::new(metrics.clone()),
            silent: machine_types::Silent::default(),
        }
    }
}

impl Worker for TagSync {
    const NAME: &'static str = WorkerName::Tags.as_str();
    /// A look at a server of an account that hangs takes as long as a call may; those of the others must not wait.
    const DUE_AT_ONCE: usize = 128;
    type Work = Received;

    fn sort(&self, message: &Message) -> Result<Sorted<Received>, Rejected> {
        let received = Received::read(message)?;
        let lane = match &received.event {
            Event::TagsChanged(change) => change.instance.to_string(),
            Event::SweepPlace { .. } => format!("sweep/{}", received.place()),
            Event::SyncTags(asked) => format!("sync/{}", asked.request),
            Event::SweepTick => "tick".to_owned(),
            _ => received.place().to_string(),
        };
        Ok(Sorted { lane, work: received })
    }

    fn may_wait(work: &Received) -> bool {
        matches!(work.event, Event::SweepPlace { .. } | Event::SyncTags(_))
    }

    async fn handle<I: Io>(&self, io: &I, work: Vec<Received>) -> Result<(), IoError> {
        handle::handle(self, io, work).await
    }

    async fn wake<I: Io>(&self, io: &I, key: &Key) -> Result<(), IoError> {
        if key.pk.starts_with("instance#") {
            return instance::wake(self, io, key).await;
        }
        server::wake(self, io, key).await
    }
}
