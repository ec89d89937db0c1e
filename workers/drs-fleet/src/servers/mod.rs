//! `servers`: the source servers of the fleet as the capacity-tracker's sweeps and events left them in the table.

mod export;
mod filter;
mod list;
mod read;
mod show;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::hub::{Hub, Reach};
use crate::output::read_far_enough;

/// What `servers` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "Examples:
  drs-fleet servers list --local                      of the running `drs-fleet local`
  drs-fleet servers list --health incident            those with an open incident
  drs-fleet servers show erp-db-01                    everything that is known of it

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

#[derive(clap::Subcommand)]
enum Command {
    /// List source servers
    List(list::Arguments),
    /// Show everything that is known of a source server
    Show(show::Arguments),
}

/// Does what the command says.
pub(crate) async fn servers(arguments: Arguments) -> anyhow::Result<()> {
    let hub = arguments.reach.hub().await?;
    read_far_enough(perform(&hub, arguments.command, &mut std::io::stdout()).await)
}

async fn perform(hub: &Hub, command: Command, out: &mut dyn Write) -> anyhow::Result<()> {
    match command {
        Command::List(arguments) => list::list(hub, &arguments, out).await,
        Command::Show(arguments) => show::show(hub, &arguments, out).await,
    }
}
