//! The sample through the whole road: stored, sent by a notifier, answered by the channel.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_aws::deliveries::DeliveryEditor;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_aws::{policy, spells};
use drs_fleet_domain::notify::{ChannelName, DeliveryRow, Digest, Routes, RoutesRow};
use drs_fleet_domain::row::Row;
use jiff::Timestamp;

use crate::family::Outcome;
use crate::hub::Hub;
use crate::notifications::{answer, mended, state};

/// How long it is waited for what the channel says.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends what `sample` makes, and says what came of it.
pub(super) async fn send(
    hub: &Hub,
    channel: &ChannelName,
    sample: impl Fn(Timestamp) -> anyhow::Result<Digest>,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let routes = policy::current::<RoutesRow>(&hub.io).await.with_context(|| hub.unreadable())?;
    if routes.channel(channel).is_none() {
        bail!("there is no channel {channel}, only {}; `drs-fleet routes show` shows them", names(&routes));
    }
    // A group of its own, so that it waits for no other and is in no other's thread.
    let group = format!("test/{}", spells::new_id());
    let sample = Digest { key: format!("{group}#1"), group: group.clone(), ..sample(hub.io.now())? };
    let row = DeliveryRow::new((&group, 1), channel, sample.into(), None);
    let editor = DeliveryEditor::new(hub.io.clone(), WriteToken::for_command_of_a_person());
    editor.send(&row).await.with_context(|| hub.unreadable())?;
    writeln!(out, "The sample {} for {channel} is stored; waiting for a notifier to send it …", row.id())?;
    out.flush()?;
    let (key, mut is_taken) = (row.key(), false);
    let seen = |row: &DeliveryRow| {
        if row.attempts > 0 && !row.is_answered() && !std::mem::replace(&mut is_taken, true) {
            writeln!(out, "A notifier sends it; waiting for the channel …")?;
            out.flush()?;
        }
        Ok(())
    };
    let answered = answer(hub, &key, PATIENCE, seen).await?;
    said(hub, &routes, &answered, out)
}

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
    bail!("no notifier took it: is the notifier running? It is sent as soon as one does")
}

fn names(routes: &Routes) -> String {
    routes.channels().map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(", ")
}
