//! `drills`: which servers were drilled in time, for whoever plans drills and whoever audits them.

mod export;
mod read;
mod report;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

const HELP: &str = "Examples:
  drs-fleet drills report --local                       of the running `drs-fleet local`
  drs-fleet drills report --older-than 90d --format csv > drills.csv

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

/// What `drills` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// Report the last drill, recovery and failure of each server; ends with 2 when a server is due for a drill
    Report(report::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Report(arguments) => report::report(hub, &arguments, out).await,
        }
    }
}
