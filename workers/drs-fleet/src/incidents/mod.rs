//! `incidents`: what is wrong in the fleet, as people were told of it, and who sees to it.

mod ack;
mod known;
mod list;
pub(crate) mod read;
mod show;
mod told;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

const HELP: &str = "Examples:
  drs-fleet incidents list --local                    what is open in the running `drs-fleet local`
  drs-fleet incidents show REPLICATION_STALLED/111122223333/us-west-2/s-1234567890abcdef0
  drs-fleet incidents ack erp-db-01 --note 'rebooting it'
  drs-fleet incidents ack --kind REPLICATION_STALLED --region us-west-2      all of a storm

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

/// What `incidents` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// List incidents, the worst first
    List(list::Arguments),
    /// Show everything that is known of an incident, and what usually helps
    Show(show::Arguments),
    /// Acknowledge incidents: say that you know of them and see to them
    Ack(ack::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        let done = match self.command {
            Command::List(arguments) => list::list(hub, &arguments, out).await,
            Command::Show(arguments) => show::show(hub, &arguments, out).await,
            Command::Ack(arguments) => ack::acknowledge(hub, &arguments, out).await,
        };
        done.map(Outcome::from)
    }
}
