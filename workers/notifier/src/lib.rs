//! Tells people of incidents, once, in words they can act on. The decisions and the words are in
//! `drs_fleet_domain::{notification, message}`.

mod handle;

use drs_fleet_aws::config::Settings;
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
use drs_fleet_domain::notification::{Channel, IncidentRow};
use drs_fleet_domain::routing::WorkerName;

/// The worker. Clones share caches.
#[derive(Clone, Debug)]
pub struct Notifier {
    inbox: Inbox,
    incidents: Store<IncidentRow>,
    channels: Vec<Channel>,
}

impl Notifier {
    /// A worker that tells people over `channels`, has nothing cached, and counts into `metrics`.
    pub fn new(channels: Vec<Channel>, registry: RegistryCache, metrics: &Metrics) -> Self {
        Self {
            inbox: Inbox::new(Self::NAME, registry, metrics),
            incidents: Store::new(metrics.clone()),
            channels,
        }
    }
}

impl Worker for Notifier {
    const NAME: &'static str = WorkerName::Notifications.as_str();
    type Work = Received;

    fn sort(&self, message: &Message) -> Result<Sorted<Received>, Rejected> {
        let received = Received::read(message)?;
        let lane = match &received.event {
            Event::Own(event) => event.incident.clone(),
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

/// The channels that the settings name: e-mail always, Slack where its secret is named.
pub fn channels(settings: &Settings) -> Vec<Channel> {
    let slack = settings.slack_secret.as_ref().map(|_| Channel::Slack);
    [Channel::Email].into_iter().chain(slack).collect()
}
