//! Channels that fail: an incident of the hub's own, told over the others.

use std::collections::BTreeSet;

use drs_fleet_aws::io::Io;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notify::channel_health::{self, Hub};
use drs_fleet_domain::notify::delivery::Answer;
use drs_fleet_domain::notify::{Bulletin, ChannelName, ChannelRow, DeliveryRow, Routes};

use crate::Notifier;

/// Notes what an answer says of its channel. A channel that another instance found failing may work again here, so that is
/// read each time, and written only where it turns. That a channel took no sample is told to whoever sent it, and nobody
/// is to be told of a channel that the routes do not have any more.
pub(crate) async fn note<I: Io>(
    worker: &Notifier,
    io: &I,
    delivery: &DeliveryRow,
    answer: &Answer,
) -> Result<(), IoError> {
    let (channel, routes) = (&delivery.channel, worker.routes.current(io).await?);
    let is_refused_sample = delivery.bulletin.is_sample() && !matches!(answer, Answer::Taken(_));
    let Some(place) = worker.hub.as_ref().filter(|_| !is_refused_sample && worker.can_use(&routes, channel))
    else {
        return Ok(());
    };
    let registry = worker.registry.current(io).await?;
    let hub = Hub { place, account_name: registry.account_name(&place.account) };
    let answered = |row: Option<&_>| channel_health::answered(delivery, answer, row, hub, io.now());
    worker.channels.change_now(io, &keys::channel(channel), answered).await.map(drop)
}

/// A failing channel's timer rings.
pub(crate) async fn wake<I: Io>(worker: &Notifier, io: &I, key: &Key) -> Result<(), IoError> {
    let (registry, routes) = (worker.registry.current(io).await?, worker.routes.current(io).await?);
    let looked = |row: &ChannelRow| {
        let is_used = worker.can_use(&routes, &row.channel);
        channel_health::looked(row, is_used, registry.account_name(&row.place.account), io.now())
    };
    worker.channels.wake(io, key, looked).await.map(drop)
}

/// Which of the channels that a bulletin is meant for it goes to.
pub(crate) async fn told_over<I: Io>(
    worker: &Notifier,
    io: &I,
    routes: &Routes,
    bulletin: &Bulletin,
    meant: &BTreeSet<ChannelName>,
) -> Result<BTreeSet<ChannelName>, IoError> {
    let can_use = |channel: &ChannelName| worker.can_use(routes, channel);
    let mut meant_usable: BTreeSet<_> = meant.iter().filter(|channel| can_use(channel)).cloned().collect();
    // A route that leads to nothing but the webhook of a hub that has none loses no alert. What went to a channel that is
    // no more is nobody else's.
    let lacks_webhook = meant.iter().any(|channel| routes.channel(channel).is_some() && !can_use(channel));
    if meant_usable.is_empty() && lacks_webhook {
        meant_usable = routes.channels().map(|(name, _)| name).filter(can_use).collect();
    }
    let meant = meant_usable;
    if !channel_health::matters(bulletin) {
        return Ok(meant);
    }
    let usable = routes.channels().map(|(name, _)| name).filter(can_use).collect();
    let rows = io.query::<ChannelRow>(&keys::channels()).await?.into_iter().map(|stored| stored.row);
    let failing = rows.filter(ChannelRow::is_told_failing).map(|row| row.channel).collect();
    Ok(channel_health::told_over(bulletin, &meant, &usable, &failing))
}
