//! `notifications`: what was sent over which channel, and what was not.

mod list;
mod read;
mod retry;
mod show;
mod words;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

pub(crate) use self::read::answer;
pub(crate) use self::words::{mended, state};

const HELP: &str = "Examples:
  drs-fleet notifications list --days 7 --account Payments
  drs-fleet notifications list --failed              the dead letters: no channel took them, and nobody tries any more
  drs-fleet notifications retry --all --failed       sends them once more

What a channel refuses is tried again for about half a day; what it still refuses then, or refuses for good, is given up on.";

/// What `notifications` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// List what was sent, the newest first, and what was not
    List(list::Arguments),
    /// Show one message, as it was sent by e-mail, and what its channel answered
    Show(show::Arguments),
    /// Send messages once more that were given up on (the dead letters of notifications), or now those that wait
    Retry(retry::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        match self.command {
            Command::List(arguments) => list::list(hub, &arguments, out).await.map(Outcome::from),
            Command::Show(arguments) => show::show(hub, &arguments, out).await.map(Outcome::from),
            Command::Retry(arguments) => retry::retry(hub, &arguments, out).await,
        }
    }
}
