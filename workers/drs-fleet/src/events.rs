//! `events`: through the running local cloud.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::explain::read;
use crate::local::address;

/// What `events` does.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Send an event file from its account's default bus; its time becomes now
    #[command(after_help = "Needs a running `drs-fleet local`.\n\nExample: drs-fleet events send \
events/aws.drs/drs-source-server-data-replication-stalled-change/stalled.json")]
    Send(Send),
}

/// What `events send` takes.
#[derive(clap::Args)]
pub(crate) struct Send {
    /// An event as EventBridge delivers it; - for standard input
    file: PathBuf,
    /// Keep the file's time
    #[arg(long)]
    keep_time: bool,
    /// Address that `drs-fleet local` printed; by default that of the one started last
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
}

/// Sends an event.
#[expect(clippy::print_stdout, reason = "the result is for the person who sent it")]
pub(crate) async fn events(Command::Send(arguments): Command) -> anyhow::Result<()> {
    let mut event: Value = serde_json::from_str(&read(&arguments.file)?)
        .with_context(|| format!("{} is not JSON", arguments.file.display()))?;
    if let (false, Some(event)) = (arguments.keep_time, event.as_object_mut()) {
        event.remove("time");
    }
    let to = match arguments.to {
        Some(address) => address,
        None => address::last().context("no local cloud is running: start one with `drs-fleet local`")?,
    };
    let sent = address::client()?.post(format!("{to}/events")).json(&event).send().await;
    let answer = sent.with_context(|| format!("no local cloud answers at {to}: is it still running?"))?;
    let accepted = answer.status().is_success();
    let text = answer.text().await.context("the local cloud's answer broke off")?;
    if !accepted {
        bail!("the local cloud refuses the event: {text}");
    }
    println!("{text}; see {to}");
    Ok(())
}
