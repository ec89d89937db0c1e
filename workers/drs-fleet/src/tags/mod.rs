//! `tags`: what EC2 machines are tagged with and their source servers are not, and how the tag-sync keeps them in line.

mod history;
mod plan;
mod policy;
mod print;
mod read;
mod sync;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{self, Arguments, Asked, OneOf, Outcome, read_far_enough};
use crate::hub::Hub;
use crate::text::Ask;

const HELP: &str = "Examples:
  drs-fleet tags plan --account Payments          what differs, and why some of it stays so
  drs-fleet tags sync --account Payments          have them brought in line now, not within 5 minutes
  drs-fleet tags history erp-db-01 --since 30d
  drs-fleet tags policy show";

/// What `tags` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// Show what would be written to source servers, and what is left alone; ends with 2 when anything differs
    Plan(plan::Arguments),
    /// Have tags compared and brought in line now; ends with 2 when that failed for some
    Sync(sync::Arguments),
    /// Show what was changed, when and why
    History(history::Arguments),
    /// Show, check and set the rules of which tags are copied, and how
    #[command(subcommand)]
    Policy(policy::Command),
}

/// Does what the command line says. Rules in a file can be checked where no hub can be reached.
pub(crate) async fn tags(arguments: Arguments<OneOf<Command>>) -> anyhow::Result<Outcome> {
    match &arguments.asked.command {
        Command::Policy(policy::Command::Check(check)) => {
            read_far_enough(policy::check(check, &mut std::io::stdout()).map(Outcome::from))
        }
        _ => family::run(arguments).await,
    }
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, ask: &Ask) -> anyhow::Result<Outcome> {
        let done = match self.command {
            Command::Plan(arguments) => return plan::plan(hub, &arguments, out).await,
            Command::Sync(arguments) => return sync::sync(hub, &arguments, out).await,
            Command::History(arguments) => history::history(hub, &arguments, out).await,
            Command::Policy(command) => policy::policy(hub, &command, out, ask).await,
        };
        done.map(Outcome::from)
    }
}
