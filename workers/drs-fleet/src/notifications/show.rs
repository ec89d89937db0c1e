//! `notifications show`.

use std::io::Write;

use anyhow::Context;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy;
use drs_fleet_domain::message;
use drs_fleet_domain::notify::{DeliveryRow, RoutesRow};
use jiff::Timestamp;

use super::list::to_json;
use super::{read, words};
use crate::hub::Hub;
use crate::text::{ago, fact, plain, second};

/// What `notifications show` takes.
#[derive(clap::Args)]
#[command(after_help = "Example:
  drs-fleet notifications show 2026-08-22/3f9a")]
pub(crate) struct Arguments {
    /// The message's key as `notifications list` shows it, or the beginning of it
    #[arg(value_name = "KEY")]
    key: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows a message.
pub(super) async fn show(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let row = read::meant(hub, &arguments.key).await?;
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&to_json(&row))?)?;
        return Ok(());
    }
    let routes = policy::current::<RoutesRow>(&hub.io).await.with_context(|| hub.unreadable())?;
    let now = hub.io.now();
    write!(out, "{}", print(&row, now))?;
    if row.error.is_some() && row.sent_at.is_none() {
        write!(out, "{}", fact("what helps", &words::mended(&row.channel, routes.channel(&row.channel))))?;
    }
    if row.given_up {
        write!(out, "{}", fact("send it", &format!("drs-fleet notifications retry {}", row.id())))?;
    }
    let email = message::email(&row.bulletin, &routes.links);
    writeln!(out, "\n{}\n\n{}", plain(&email.subject), email.body.trim_end())?;
    writeln!(out, "\nTable {}, read at {}.", hub.table, second(now))?;
    Ok(())
}

fn print(row: &DeliveryRow, now: Timestamp) -> String {
    format!("{}\n", row.id())
        + &fact("made", &format!("{}, {}", second(row.made_at), ago(now, row.made_at)))
        + &fact("channel", row.channel.as_str())
        + &fact("group", &format!("{}, bulletin {}", plain(&row.group), row.number))
        + &fact("state", &words::state(row, now))
        + &fact("attempts", &row.attempts.to_string())
}
