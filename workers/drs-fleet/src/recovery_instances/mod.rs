//! `recovery-instances`: the machines that drills and recoveries launched: which still run, what they cost, and how their
//! way back goes.

mod list;
mod read;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

const HELP: &str = "Examples:
  drs-fleet recovery-instances list --local                 of the running `drs-fleet local`
  drs-fleet recovery-instances list --drill --older-than 24h

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

/// What `recovery-instances` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// List recovery instances: those that run first, the oldest of them first
    List(list::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        match self.command {
            Command::List(arguments) => list::list(hub, &arguments, out).await.map(Outcome::from),
        }
    }
}
