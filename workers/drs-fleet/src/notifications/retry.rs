//! `notifications retry`.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use drs_fleet_aws::deliveries::{Again, DeliveryEditor};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_domain::notify::{DeliveryRow, RoutesRow};
use drs_fleet_domain::row::Row;
use futures::future::try_join_all;

use super::read::{self, Which};
use super::words::{mended, state};
use crate::family::Outcome;
use crate::hub::Hub;
use crate::text::{counted, plain, typed_length};

/// What `notifications retry` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet notifications retry 2026-08-22/3f9a12bc04
  drs-fleet notifications retry --all --failed --days 7 --channel pager
  drs-fleet notifications retry --all --waiting --channel slack       the channel was mended: do not wait for the next attempt

The dead letters of notifications are the messages that were given up on: no channel took them for about half a day, or it
refused them for good; --all means those of the last day, unless --days says more. Those that wait are tried again by
themselves; this brings it forward. A notifier sends them within a second, and again later where the channel still refuses.
Ends with 2 when one of them was not sent before --timeout.")]
pub(crate) struct Arguments {
    /// The messages' keys as `notifications list` shows them, or the beginnings of them
    #[arg(value_name = "KEY", required_unless_present = "all",
        conflicts_with_all = ["all", "failed", "waiting", "days", "channel", "account", "kind"])]
    keys: Vec<String>,
    /// All that are meant by what else is given, instead of those with these keys
    #[arg(long, requires = "standing")]
    all: bool,
    #[command(flatten)]
    which: Which,
    /// Wait at most so long for what the channels say
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = typed_length)]
    timeout: Duration,
}

/// Has messages sent once more.
pub(super) async fn retry(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let (rows, unknown) = meant(hub, arguments).await?;
    let editor = DeliveryEditor::new(hub.io.clone(), WriteToken::for_command_of_a_person());
    let mut due = Vec::new();
    for row in &rows {
        match editor.again(&row.key()).await.with_context(|| hub.unreadable())? {
            Again::Due(row) => due.push(*row),
            Again::Needless(row) => {
                writeln!(out, "{} need not be asked for: {}.", row.id(), state(&row, hub.io.now()))?;
            }
            Again::Unknown => writeln!(out, "{} is not in the table any more.", row.id())?,
        }
    }
    let sent = wait(hub, &due, arguments.timeout, out).await?;
    if arguments.all {
        writeln!(out, "{sent} of {} sent.", counted(due.len(), "message"))?;
    }
    if !unknown.is_empty() {
        bail!("{} not sent:{}", counted(unknown.len(), "message"), unknown.concat());
    }
    Ok(if sent == due.len() { Outcome::Fine } else { Outcome::Wanting })
}

/// The messages that are meant, and of what names none, why.
async fn meant(hub: &Hub, arguments: &Arguments) -> anyhow::Result<(Vec<DeliveryRow>, Vec<String>)> {
    if arguments.all {
        return Ok((arguments.which.recent().read(hub).await?, Vec::new()));
    }
    let (mut rows, mut unknown) = (Vec::new(), Vec::new());
    for given in &arguments.keys {
        match read::meant(hub, given).await {
            Ok(row) => rows.push(row),
            Err(error) => unknown.push(format!("\n  {}: {error:#}", plain(given))),
        }
    }
    Ok((rows, unknown))
}

/// Says what came of each; answers how many were sent.
async fn wait(
    hub: &Hub,
    due: &[DeliveryRow],
    timeout: Duration,
    out: &mut dyn Write,
) -> anyhow::Result<usize> {
    if due.is_empty() {
        return Ok(0);
    }
    writeln!(out, "{} sent once more; waiting for the notifier …", being(due.len()))?;
    out.flush()?;
    let keys: Vec<_> = due.iter().map(Row::key).collect();
    let rows = try_join_all(keys.iter().map(|key| read::answer(hub, key, timeout, |_| Ok(())))).await?;
    // What expired meanwhile came to nothing.
    let rows: Vec<_> = rows.into_iter().flatten().collect();
    let routes = policy::current::<RoutesRow>(&hub.io).await.with_context(|| hub.unreadable())?;
    for row in &rows {
        let helps =
            row.error.as_ref().map(|_| format!("\n  {}", mended(&row.channel, routes.channel(&row.channel))));
        let helps = helps.unwrap_or_default();
        writeln!(out, "{} to {}: {}{helps}", row.id(), row.channel, state(row, hub.io.now()))?;
    }
    if rows.iter().all(|row| row.attempts == 0) {
        writeln!(
            out,
            "No notifier took it: is the notifier running, or does an older message of the group wait?"
        )?;
    }
    Ok(rows.iter().filter(|row| row.sent_at.is_some()).count())
}

fn being(number: usize) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb} being", counted(number, "message"))
}
