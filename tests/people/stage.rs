//! A hub with its workers, and what people were told when.

use std::time::Duration;

use capacity_tracker::CapacityTracker;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::{Fault, MemoryIo};
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::own_event::{Happened, IncidentEvent, OwnEvent};
use drs_fleet_testkit::company::{heartbeat, tick};
use drs_fleet_testkit::post::Post;
use drs_fleet_testkit::wire;
use drs_fleet_testkit::work::work;
use jiff::Timestamp;
use job_monitor::JobMonitor;
use notifier::Notifier;

use crate::samples::on_the_bus;

/// One call takes so long.
const LATENCY: Duration = Duration::from_millis(5);

/// A process that died is replaced after this time.
pub(super) const RESTART: Duration = Duration::from_secs(2);

/// A hub.
pub(super) struct Stage {
    pub(super) world: MemoryIo,
    began_at: Timestamp,
}

impl Stage {
    /// Nothing has happened in it, and nobody works.
    pub(super) fn new() -> Self {
        let world = MemoryIo::default();
        Self { began_at: world.now(), world }
    }

    /// How many seconds have passed since the beginning.
    pub(super) fn seconds(&self) -> i64 {
        self.world.now().as_second() - self.began_at.as_second()
    }

    /// Another notifier begins to work.
    pub(super) fn notifier(&self) -> MemoryIo {
        self.notifies(true)
    }

    /// A notifier of a hub that has no Slack webhook.
    pub(super) fn notifier_without_webhook(&self) {
        self.notifies(false);
    }

    fn notifies(&self, has_webhook: bool) -> MemoryIo {
        let io = self.world.restarted().with_latency(LATENCY);
        tokio::spawn(work(io.clone(), worker(has_webhook)));
        io
    }

    /// One instance of each worker that makes what the spokes send into what people read begins to work.
    pub(super) fn all_work(&self) {
        self.world.deliver(wire::to_people);
        self.works(CapacityTracker::new(RegistryCache::default(), &Metrics::default()));
        self.works(JobMonitor::new(RegistryCache::default(), &Metrics::default()));
        self.works(worker(true));
    }

    /// A worker begins to work, on the queue that is its own.
    pub(super) fn works<W: Worker>(&self, worker: W) {
        tokio::spawn(work(self.world.restarted().on_queue(W::NAME).with_latency(LATENCY), worker));
    }

    /// For so many minutes the schedule asks for sweeps, and the spokes are heard.
    pub(super) async fn minutes(&self, minutes: u32, places: &[Place]) {
        for minute in 0..minutes {
            if minute % 5 == 0 {
                let tracker = self.world.clone().on_queue(CapacityTracker::NAME);
                for place in places {
                    heartbeat(&tracker, place);
                }
                tick(&tracker);
                tick(&self.world.clone().on_queue(JobMonitor::NAME));
            }
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
    }

    /// A notifier of which one process after another dies at these points, until one lives.
    pub(super) fn notifier_that_dies(&self, deaths: Vec<(usize, Fault)>) {
        let world = self.world.clone();
        tokio::spawn(async move {
            for death in deaths.into_iter().map(Some).chain([None]) {
                let io = world.restarted().with_latency(LATENCY);
                if let Some((point, fault)) = death {
                    io.crash_at(point, fault);
                }
                tokio::select! {
                    biased;
                    () = io.crashed() => tokio::time::sleep(RESTART).await,
                    () = work(io.clone(), worker(true)) => return,
                }
            }
        });
    }

    /// The workers tell of something.
    pub(super) fn happens(&self, n: usize, event: impl Into<OwnEvent>) {
        self.world.put_message(on_the_bus(n, &event.into()).to_string());
    }

    /// What people read in a channel, in that order, and how many seconds after the beginning it came.
    fn told(&self, channel: &str) -> Vec<(i64, Post)> {
        let read = if channel == "mail" { Post::mail } else { Post::slack };
        let second = |at: Timestamp| at.as_second() - self.began_at.as_second();
        let sent = self.world.sent();
        sent.iter().filter_map(|(at, notice)| Some((second(*at), read(notice)?))).collect()
    }

    /// Those of them that are of incidents.
    pub(super) fn digests(&self, channel: &str) -> Vec<(i64, Post)> {
        self.told(channel).into_iter().filter(|(_, post)| !post.is_of_drill()).collect()
    }

    /// Those of them that are of drills.
    pub(super) fn drills(&self, channel: &str) -> Vec<(i64, Post)> {
        self.told(channel).into_iter().filter(|(_, post)| post.is_of_drill()).collect()
    }
}

fn worker(has_webhook: bool) -> Notifier {
    Notifier::new(has_webhook, RegistryCache::default(), &Metrics::default())
}

/// Server `server` of a place stalls, or does not any more.
pub(super) fn stall(
    place: &Place,
    server: usize,
    severity: Severity,
    (happened, sequence): (Happened, u32),
    at: Timestamp,
) -> IncidentEvent {
    let subject = format!("s-{server:017}");
    let incident =
        format!("{}/{}/{}/{subject}", IncidentKind::ReplicationStalled, place.account, place.region);
    serde_json::from_value(serde_json::json!({
        "eventId": format!("{incident}#{sequence}"), "incident": incident, "happened": happened,
        "kind": "REPLICATION_STALLED", "severity": severity, "accountId": place.account,
        "accountName": "erp-prod", "region": place.region, "subject": subject, "subjectName": subject,
        "openedAt": "2025-12-31T23:00:00Z", "at": at, "sequence": sequence,
        "reason": "DRS does not hear the agent (AGENT_NOT_SEEN)",
    }))
    .unwrap()
}
