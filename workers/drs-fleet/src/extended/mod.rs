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

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

const HELP: &str = "Examples:
  drs-fleet accounts add 444455556666 --name Staging --drs-region us-west-2 --target-account 111122223333
  drs-fleet extended plan                       which servers of staging accounts are not extended
  drs-fleet extended apply --yes --limit 10     extends ten of them

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

/// What `extended` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// List which accounts' servers are extended into which, and what is wrong with them
    List(list::Arguments),
    /// Say which servers of staging accounts are not extended into their target account; ends with 2 when some are
    Plan(plan::Arguments),
    /// Extend those servers, one call for each; what is done stays done, so it may be run again
    Apply(apply::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        match self.command {
            Command::List(arguments) => list::list(hub, &arguments, out).await.map(Outcome::from),
            Command::Plan(arguments) => plan::plan(hub, &arguments, out).await,
            Command::Apply(arguments) => apply::apply(hub, &arguments, out).await.map(Outcome::from),
        }
    }

    /// An apply that nobody reads any more has stopped in the middle.
    fn is_done_when_unread(&self) -> bool {
        !matches!(self.command, Command::Apply(_))
    }
}
