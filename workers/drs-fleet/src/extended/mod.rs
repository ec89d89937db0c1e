//! `extended`: source servers that replicate in a *staging* account and are recovered in a *target* account, into which
//! they are extended one by one.
//!
//! A staging account names its target in the registry (`accounts add --target-account`). What is not extended is
//! *drift*.

mod apply;
mod list;
mod patience;
mod plan;
mod told;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::ExitCode;

use drs_fleet_aws::process;

use crate::hub::{Hub, Reach};
use crate::output::read_far_enough;

/// What `extended` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "Examples:
  drs-fleet accounts add 444455556666 --name Staging --drs-region us-west-2 --target-account 111122223333
  drs-fleet extended plan                       which servers of staging accounts are not extended
  drs-fleet extended apply --yes --limit 10     extends ten of them

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

#[derive(clap::Subcommand)]
enum Command {
    /// List which accounts' servers are extended into which, and what is wrong with them
    List(list::Arguments),
    /// Say which servers of staging accounts are not extended into their target account
    Plan(plan::Arguments),
    /// Extend those servers, one call for each; what is done stays done, so it may be run again
    Apply(apply::Arguments),
}

/// Whether servers are missing where they should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Drift {
    #[default]
    None,
    Some,
}

/// Does what the command says; 2 means that there is drift.
pub(crate) fn extended(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut drift = Drift::None;
    let code = process::in_runtime(async {
        let hub = arguments.reach.hub().await?;
        // An apply that nobody reads any more has stopped in the middle.
        let is_done_when_unread = !matches!(arguments.command, Command::Apply(_));
        let done = perform(&hub, arguments.command, &mut std::io::stdout()).await;
        drift = if is_done_when_unread { read_far_enough(done)? } else { done? };
        Ok(())
    })?;
    Ok(if drift == Drift::Some { ExitCode::from(2) } else { code })
}

async fn perform(hub: &Hub, command: Command, out: &mut dyn Write) -> anyhow::Result<Drift> {
    match command {
        Command::List(arguments) => list::list(hub, &arguments, out).await.map(|()| Drift::None),
        Command::Plan(arguments) => plan::plan(hub, &arguments, out).await,
        Command::Apply(arguments) => apply::apply(hub, &arguments, out).await.map(|()| Drift::None),
    }
}
