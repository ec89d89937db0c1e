//! `drill-window`: windows for drills.

mod close;
mod list;
mod open;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

const HELP: &str = "Examples:
  drs-fleet drill-window open --name 'spring drill' --for 8h
  drs-fleet drill-window open --name 'wave 2' --for 4h --match drill=drill --match plan=wave-2
  drs-fleet drill-window list
  drs-fleet drill-window close 3f9a

What is expected in a window is told as the start of the drill, a line for each wave and a summary, and pages nobody. Without
a window a drill is told like that as well, from its first job on, and its failed servers page nobody; what else goes wrong does,
a job that is stuck among it. A window is for what begins before the first job, for all that is wrong with a drill, or for
what is no drill to DRS.

A tag opens one as well: drs-fleet:drill, on source servers (or on their machines, where tag sync copies it) or, with `accounts
label`, on an account, with the drill's name, when it begins and when it ends or how long it lasts, such as 'spring drill
2026-12-01T20:00Z/6h'. Expected are then drill jobs of whose servers all have the tag, and what goes wrong with the replication
of such servers from then on; on an account, all but jobs that are no drill. The next sweep reads the tags of servers, so tag
them ten minutes before. Another value opens another window: the former one stays until it is closed.";

/// What `drill-window` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// Open a window, for 7 days at most
    Open(open::Arguments),
    /// List windows that were opened by hand or by a tag
    List(list::Arguments),
    /// Close a window now
    Close(close::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        let done = match self.command {
            Command::Open(arguments) => open::open(hub, arguments, out).await,
            Command::List(arguments) => list::list(hub, &arguments, out).await,
            Command::Close(arguments) => close::close(hub, &arguments, out).await,
        };
        done.map(Outcome::from)
    }
}
