//! Tells people of incidents: grouped, once, in words they can act on. The decisions are in
//! `drs_fleet_domain::{notification, notify}`, the words in `drs_fleet_domain::message`.

mod channels;
mod clicks;
mod deliver;
mod drills;
mod handle;
pub mod holding;
mod look;

use drs_fleet_aws::cached::RoutesCache;
use drs_fleet_aws::config::Settings;
use drs_fleet_aws::inbox::{Inbox, Received};
use drs_fleet_aws::io::{Io, Message};
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_aws::store::Store;
use drs_fleet_aws::together::Together;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_aws::worker::{About, Logged, Sorted, Worker};
use drs_fleet_domain::envelope::Rejected;
use drs_fleet_domain::event::Event;
use drs_fleet_domain::keys::{self, Key, Place};
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::group::Joined;
use drs_fleet_domain::notify::{
    Channel, ChannelName, ChannelRow, DeliveryRow, DrillRow, GroupRow, MemberRow, Routes, WindowRow,
};
use drs_fleet_domain::routing::WorkerName;

use crate::clicks::Arrived;

/// The worker. Clones share caches.
#[derive(Clone, Debug)]
pub struct Notifier {
    inbox: Inbox,
    registry: RegistryCache,
    routes: RoutesCache,
    incidents: Store<IncidentRow>,
    groups: Store<GroupRow>,
    members: Store<MemberRow>,
    deliveries: Store<DeliveryRow>,
    drills: Store<DrillRow>,
    windows: Store<WindowRow>,
    channels: Store<ChannelRow>,
    /// What one Region brings by the thousand pokes its group once.
    pokes: Together<Key, Joined>,
    /// Whether the hub has a Slack webhook.
    has_webhook: bool,
    /// Whether somebody listens to buttons in Slack: the hub has an app there that signs clicks.
    has_buttons: bool,
    metrics: Metrics,
    /// The hub's own account and Region, in which channels fail; where they are not known, nobody is told of that.
    hub: Option<Place>,
}

impl Notifier {
    /// A worker that has nothing cached and counts into `metrics`. A hub without a Slack webhook of its own tells nobody
    /// over the channel that the default routes have for it.
    pub fn new(has_webhook: bool, registry: RegistryCache, metrics: &Metrics) -> Self {
        Self {
            inbox: Inbox::new(Self::NAME, registry.clone(), metrics),
            registry,
            routes: RoutesCache::default(),
            incidents: Store::new(metrics.clone()),
            groups: Store::new(metrics.clone()),
            members: Store::new(metrics.clone()),
            deliveries: Store::new(metrics.clone()),
            drills: Store::new(metrics.clone()),
            windows: Store::new(metrics.clone()),
            channels: Store::new(metrics.clone()),
            pokes: Together::default(),
            has_webhook,
            has_buttons: false,
            metrics: metrics.clone(),
            hub: None,
        }
    }

    /// The same in a hub that is known.
    #[must_use]
    pub fn in_hub(self, hub: Option<Place>) -> Self {
        Self { hub, ..self }
    }

    /// The same in a hub whose Slack app signs clicks, or does not.
    #[must_use]
    pub fn with_buttons(self, has_buttons: bool) -> Self {
        Self { has_buttons, ..self }
    }

    /// Whether the routes have a channel of this name, and the hub what it needs.
    fn can_use(&self, routes: &Routes, channel: &ChannelName) -> bool {
        match routes.channel(channel) {
            Some(Channel::SlackWebhook { secret: None }) => self.has_webhook,
            Some(_) => true,
            None => false,
        }
    }

    /// As the settings of a hub say.
    pub fn of(settings: &Settings, registry: RegistryCache, metrics: &Metrics) -> Self {
        let hub = settings.topic_arn.as_deref().and_then(Place::of_arn);
        let has_buttons = settings.slack_signing_secret.is_some();
        Self::new(settings.slack_secret.is_some(), registry, metrics).in_hub(hub).with_buttons(has_buttons)
    }
}

/// The lane of clicks; no incident, job or place is called so.
const CLICKS: &str = "slack clicks";

/// What a message asks for.
#[derive(Clone, Debug)]
pub struct Work(Came);

#[derive(Clone, Debug)]
enum Came {
    /// An event of the bus.
    Event(Box<Received>),
    /// Something that was posted to the hub's public endpoint.
    Click(Arrived),
}

impl Logged for Work {
    fn about(&self) -> About<'_> {
        match &self.0 {
            Came::Event(received) => received.about(),
            Came::Click(_) => About::default(),
        }
    }
}

impl Worker for Notifier {
    const NAME: &'static str = WorkerName::Notifications.as_str();
    type Work = Work;

    fn sort(&self, message: &Message) -> Result<Sorted<Work>, Rejected> {
        if let Some(arrived) = Arrived::read(message) {
            // One lane: whatever strangers post waits in one place, and holds up no incident.
            return Ok(Sorted { lane: CLICKS.to_owned(), work: Work(Came::Click(arrived)) });
        }
        let received = Received::read(message)?;
        let lane = match &received.event {
            Event::Own(event) => event.incident.clone(),
            Event::DrillJob(_) => "drills".to_owned(),
            Event::Sample(asked) => format!("sample {}", asked.event_id),
            _ => received.place().to_string(),
        };
        Ok(Sorted { lane, work: Work(Came::Event(Box::new(received))) })
    }

    async fn handle<I: Io>(&self, io: &I, work: Vec<Work>) -> Result<(), IoError> {
        let (mut events, mut clicks) = (Vec::new(), Vec::new());
        for Work(came) in work {
            match came {
                Came::Event(received) => events.push(*received),
                Came::Click(arrived) => clicks.push(arrived),
            }
        }
        clicks::handle(self, io, clicks).await?;
        if events.is_empty() { Ok(()) } else { handle::handle(self, io, events).await }
    }

    async fn wake<I: Io>(&self, io: &I, key: &Key) -> Result<(), IoError> {
        match keys::of_notifier(key) {
            Some(keys::Told::Group) => look::look(self, io, key).await,
            Some(keys::Told::Drill) => drills::wake(self, io, key).await,
            Some(keys::Told::Window) => drills::wake_window(self, io, key).await,
            Some(keys::Told::Delivery) => deliver::deliver(self, io, key).await,
            Some(keys::Told::Channel) => channels::wake(self, io, key).await,
            None => handle::adopt(self, io, key).await,
        }
    }
}
