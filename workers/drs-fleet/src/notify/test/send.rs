//! The sample through the whole road: on the bus, taken from its queue by a notifier, answered by the channel.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy;
use drs_fleet_domain::notify::{DeliveryRow, Routes, RoutesRow, SampleEvent};
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::row::Row;

use crate::family::Outcome;
use crate::hub::Hub;
use crate::notifications::{answer, mended, state};

/// Asks for the sample, and says what came of it within `timeout`.
pub(super) async fn send(
    hub: &Hub,
    asked: SampleEvent,
    timeout: Duration,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let routes = policy::current::<RoutesRow>(&hub.io).await.with_context(|| hub.unreadable())?;
    let channel = asked.channel.clone();
    if routes.channel(&channel).is_none() {
        bail!("there is no channel {channel}, only {}; `drs-fleet routes show` shows them", names(&routes));
    }
    let row = asked.delivery();
    hub.io.publish(&[OwnEvent::Sample(Box::new(asked))]).await.with_context(|| hub.unheard())?;
    writeln!(
        out,
        "The sample {} for {channel} is on the bus; waiting for a notifier to take it …",
        row.id()
    )?;
    out.flush()?;
    let mut is_taken = false;
    let seen = |row: &DeliveryRow| {
        if row.attempts > 0 && !row.is_answered() && !std::mem::replace(&mut is_taken, true) {
            writeln!(out, "A notifier sends it; waiting for the channel …")?;
            out.flush()?;
        }
        Ok(())
    };
    match answer(hub, &row.key(), timeout, seen).await? {
        Some(answered) => said(hub, &routes, &answered, out),
        None => bail!("no notifier took it. {UNTAKEN}"),
    }
}

/// What is to be looked at where the bus took an event and no notifier did.
const UNTAKEN: &str = "Is the notifier running? Is the hub's stack of this release, whose rule \
    drs-fleet-notifications brings it what the bus takes? It is sent as soon as a notifier takes it";

fn said(hub: &Hub, routes: &Routes, row: &DeliveryRow, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let (channel, state) = (&row.channel, state(row, hub.io.now()));
    if row.sent_at.is_some() {
        writeln!(out, "{channel} took it: {state}.")?;
        return Ok(Outcome::Fine);
    }
    if row.is_answered() {
        writeln!(out, "{channel} refused it: {state}\n  {}", mended(channel, routes.channel(channel)))?;
        return Ok(Outcome::Wanting);
    }
    if row.attempts > 0 {
        bail!(
            "{channel} has not answered yet; `drs-fleet notifications show {}` says what came of it",
            row.id()
        );
    }
    bail!("a notifier stored it and has not sent it yet: is it still running? It is sent as soon as one does")
}

fn names(routes: &Routes) -> String {
    routes.channels().map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(", ")
}
