//! `jobs`: the DRS jobs of the fleet, whoever started them, as the job-monitor left them in the table.

mod limits;
mod list;
mod read;
mod servers;
mod show;
mod watch;
mod words;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

const HELP: &str = "Examples:
  drs-fleet jobs list --local                         of the running `drs-fleet local`
  drs-fleet jobs list --active                        those that run
  drs-fleet jobs show drsjob-04ca --failed            what failed in one, and why
  drs-fleet jobs watch --plan quarterly               how far a drill is, live
  drs-fleet jobs limits --servers 250                 which accounts take a recovery of 250 servers now

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

/// What `jobs` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// List jobs, the newest first
    List(list::Arguments),
    /// Show everything that is known of a job and its servers
    Show(show::Arguments),
    /// Watch jobs until they are over; ends with 2 when one of them did not succeed
    Watch(watch::Arguments),
    /// Show how many more jobs and servers in jobs each account and Region takes before AWS refuses
    Limits(limits::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        match self.command {
            Command::List(arguments) => list::list(hub, &arguments, out).await.map(Outcome::from),
            Command::Show(arguments) => show::show(hub, &arguments, out).await.map(Outcome::from),
            Command::Watch(arguments) => watch::watch(hub, &arguments, out).await,
            Command::Limits(arguments) => limits::limits(hub, &arguments, out).await,
        }
    }
}
