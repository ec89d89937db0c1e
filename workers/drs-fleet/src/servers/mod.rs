//! `servers`: the source servers of the fleet as the capacity-tracker's sweeps and events left them in the table.

mod export;
mod filter;
mod list;
mod read;
mod show;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

const HELP: &str = "Examples:
  drs-fleet servers list --local                      of the running `drs-fleet local`
  drs-fleet servers list --health incident            those with an open incident
  drs-fleet servers show erp-db-01                    everything that is known of it

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

/// What `servers` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// List source servers
    List(list::Arguments),
    /// Show everything that is known of a source server
    Show(show::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        let done = match self.command {
            Command::List(arguments) => list::list(hub, &arguments, out).await,
            Command::Show(arguments) => show::show(hub, &arguments, out).await,
        };
        done.map(Outcome::from)
    }
}
