//! Two releases side by side: what only the newer one knows is no reason for the older one to go round in circles.

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::store::Store;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::row::{Change, Row};
use drs_fleet_testkit::company::place;
use jiff::Timestamp;
use job_monitor::JobMonitor;
use notifier::Notifier;
use serde::{Deserialize, Serialize};
use tag_sync::TagSync;

/// Of a kind that a later release has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Later {
    owner: String,
    place: Place,
    due: Timestamp,
}

impl Row for Later {
    const KIND: &'static str = "later";
    const WORKER: &'static str = "";

    fn key(&self) -> Key {
        Key { sk: "later#1".into(), ..keys::place(&self.place) }
    }

    fn worker(&self) -> &str {
        &self.owner
    }

    fn wake_at(&self) -> Option<Timestamp> {
        Some(self.due)
    }
}

/// A failure has an item tried again later and later, and is logged; a success would have it asked for each second.
async fn is_no_success<W: Worker>(worker: W) {
    let io = MemoryIo::default();
    let row = Later { owner: W::NAME.to_owned(), place: place(1), due: io.now() };
    let key = row.key();
    let put = |_: Option<&Later>| Some(Change { row: row.clone(), tell: vec![] });
    Store::default().change(&io, &key, put).await.unwrap();
    let before = io.table();
    worker.wake(&io, &key).await.expect_err(W::NAME);
    assert_eq!(io.table(), before, "{} changed what it does not know", W::NAME);
}

#[tokio::test(start_paused = true)]
async fn what_is_due_and_of_a_kind_that_only_a_later_release_knows_is_left_and_no_success() {
    let (registry, metrics) = (RegistryCache::default(), Metrics::default());
    is_no_success(CapacityTracker::new(registry.clone(), &metrics)).await;
    is_no_success(JobMonitor::new(registry.clone(), &metrics)).await;
    is_no_success(TagSync::new(registry.clone(), &metrics)).await;
    is_no_success(Notifier::new(true, registry, &metrics)).await;
}
