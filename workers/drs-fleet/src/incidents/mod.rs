//! `incidents`: what is wrong in the fleet, as people were told of it, and who sees to it.

mod ack;
mod list;
mod read;
mod show;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::hub::{Hub, Reach};
use crate::output::read_far_enough;

/// What `incidents` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "Examples:
  drs-fleet incidents list --local                    what is open in the running `drs-fleet local`
  drs-fleet incidents show REPLICATION_STALLED/111122223333/us-west-2/s-1234567890abcdef0
  drs-fleet incidents ack REPLICATION_STALLED/111122223333 --note 'rebooting it'

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

#[derive(clap::Subcommand)]
enum Command {
    /// List incidents, the worst first
    List(list::Arguments),
    /// Show everything that is known of an incident, and what usually helps
    Show(show::Arguments),
    /// Acknowledge incidents: say that you know of them and see to them
    Ack(ack::Arguments),
}

/// Does what the command says.
pub(crate) async fn incidents(arguments: Arguments) -> anyhow::Result<()> {
    let hub = arguments.reach.hub().await?;
    read_far_enough(perform(&hub, arguments.command, &mut std::io::stdout()).await)
}

async fn perform(hub: &Hub, command: Command, out: &mut dyn Write) -> anyhow::Result<()> {
    match command {
        Command::List(arguments) => list::list(hub, &arguments, out).await,
        Command::Show(arguments) => show::show(hub, &arguments, out).await,
        Command::Ack(arguments) => ack::acknowledge(hub, &arguments, out).await,
    }
}
