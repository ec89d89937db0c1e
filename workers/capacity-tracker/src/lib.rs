//! Keeps source servers, their replication and the count per account and Region true.
//!
//! Takes Stalled Change events, heartbeats and life-cycle API calls from the spokes, and sweeps each account
//! and Region. Both reach the same decisions in `drs_fleet_domain::{server, place}`.

mod counts;
mod handle;
mod hearing;
mod links;
mod places;
mod quotas;
mod servers;
mod sweep;
mod windows;
mod wishes;

use drs_fleet_aws::cached::PolicyCache;
use drs_fleet_aws::inbox::{self, Received};
use drs_fleet_aws::io::{Io, Message};
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::pace::Pace;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::spoken::Minutes;
use drs_fleet_aws::store::Store;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_aws::worker::{Sorted, Worker};
use drs_fleet_domain::counts::{CountsOfDay, CountsOfHour};
use drs_fleet_domain::envelope::Rejected;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::notify::WindowRow;
use drs_fleet_domain::place::PlaceRow;
use drs_fleet_domain::quota::QuotasRow;
use drs_fleet_domain::routing::WorkerName;
use drs_fleet_domain::server::{ServerDetailsRow, ServerRow};
use drs_fleet_domain::tags::InstanceServerRow;
use jiff::Timestamp;

use self::hearing::Hearing;
use self::wishes::Wishes;

/// The worker. Clones share caches.
#[derive(Clone, Debug)]
pub struct CapacityTracker {
    registry: RegistryCache,
    policy: PolicyCache,
    inbox: inbox::Inbox,
    servers: Store<ServerRow>,
    details: Store<ServerDetailsRow>,
    places: Store<PlaceRow>,
    instances: Store<InstanceServerRow>,
    quotas: Store<QuotasRow>,
    days: Store<CountsOfDay>,
    hours: Store<CountsOfHour>,
    windows: Store<WindowRow>,
    hearing: Hearing,
    spoke: Minutes,
    reads: Pace<Place>,
    wished: Wishes,
    wishes: Pace<Place>,
    /// Likewise, for what comes after the first of a crowd.
    later_wishes: Pace<Place>,
}

impl CapacityTracker {
    /// A worker that has nothing cached and counts into `metrics`.
    pub fn new(registry: RegistryCache, metrics: &Metrics) -> Self {
        Self {
            inbox: inbox::Inbox::new(Self::NAME, registry.clone(), metrics),
            registry,
            policy: PolicyCache::default(),
            servers: Store::new(metrics.clone()),
            details: Store::new(metrics.clone()),
            places: Store::new(metrics.clone()),
            instances: Store::new(metrics.clone()),
            quotas: Store::new(metrics.clone()),
            days: Store::new(metrics.clone()),
            hours: Store::new(metrics.clone()),
            windows: Store::new(metrics.clone()),
            hearing: Hearing::default(),
            spoke: Minutes::default(),
            reads: Pace::new(servers::READ_AGAIN),
            wished: Wishes::default(),
            wishes: Pace::new(places::WISH_AGAIN),
            later_wishes: Pace::new(places::WISH_AGAIN),
        }
    }
}

impl Worker for CapacityTracker {
    const NAME: &'static str = WorkerName::Capacity.as_str();
    type Work = Received;

    fn received(&self, messages: &[Message], now: Timestamp) {
        // What is delivered again says how long it failed, and not how late it came.
        let first = messages.iter().filter(|message| message.receive_count == 1);
        self.hearing.received(first.map(|message| message.sent_at), now);
    }

    fn sort(&self, message: &Message) -> Result<Sorted<Received>, Rejected> {
        let received = Received::read(message)?;
        let place = received.place();
        let lane = match &received.event {
            Event::StalledChange { server, .. } | Event::SnapshotTaken { server, .. } => {
                format!("{place}/{server}")
            }
            // A sweep takes seconds; the events of its place must not wait for it.
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
        if key.sk == keys::PLACE {
            return places::wake(self, io, key).await;
        }
        if self.inbox.wake(io, key).await? {
            return Ok(());
        }
        servers::wake(self, io, key).await
    }
}
