//! `mutes`: what nobody is told of for a while.

mod add;
mod end;
mod list;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

/// What matchers are made of.
pub(crate) const LABELS: &str =
    "Labels: kind, severity, account (id or name), account-tag:KEY, ou, region, application, plan, drill (drill or real),
drill-tag (of the tag drs-fleet:drill), subject (id or name). * stands for any characters, ? for one. All labels must match; a
label that is given several times matches with any of its values; severity>=HIGH means HIGH and what is worse.";

const HELP: &str = "Examples:
  drs-fleet mutes add --match kind=REPLICATION_* --match account=Pay* --for 4h --reason 'network maintenance, ticket 4711'
  drs-fleet mutes list                    what is muted, and what that swallows now
  drs-fleet mutes end 3f9a

What is muted stays in `incidents list`, and is told when the mute ends, if it lasts.";

/// What `mutes` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// Mute incidents for a while, 90 days at most
    Add(add::Arguments),
    /// List mutes, and what each swallows right now
    List(list::Arguments),
    /// End a mute now
    End(end::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        let done = match self.command {
            Command::Add(arguments) => add::add(hub, arguments, out).await,
            Command::List(arguments) => list::list(hub, &arguments, out).await,
            Command::End(arguments) => end::end(hub, &arguments, out).await,
        };
        done.map(Outcome::from)
    }
}
