//! `capacity`: how full each account and Region is, was, and will be, and where new servers go.

mod chart;
mod history;
mod place;
mod read;
mod show;

#[cfg(test)]
mod tests;

use std::io::Write;

use anyhow::bail;

pub(crate) use self::show::{of_quota, origins};
use crate::family::{Asked, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

/// What `capacity` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Capacity {
    #[command(flatten)]
    show: show::Which,
    #[command(subcommand)]
    command: Option<Command>,
}

const HELP: &str = "Without a command, shows how full each account and Region is, the worst first.

Levels by default, of a quota of 300: INFO from 250 (the target), WARNING from 280, CRITICAL from 300; UNKNOWN
where it cannot be read. `drs-fleet policy show` shows what applies. JOBS are those that run, IN JOBS the servers in
them, each of its quota. Exits with 1 where a place could not be read; the rest is shown.

Examples:
  drs-fleet capacity --region us-west-2
  drs-fleet capacity history --account Payments --region us-west-2
  drs-fleet capacity place --servers 120 --region us-east-1 --application Ledger";

#[derive(clap::Subcommand)]
enum Command {
    /// Show how the count of an account and Region went, and when it reaches its limit
    History(history::Arguments),
    /// Say which accounts take new servers; ends with 2 when new accounts are needed
    Place(place::Arguments),
}

impl Asked for Capacity {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, _: &Ask) -> anyhow::Result<Outcome> {
        let Self { show, command } = self;
        if command.is_some() && show.is_given() {
            bail!(
                "write --account, --region and --json after the command: drs-fleet capacity history --json"
            );
        }
        match command {
            None => show::show(hub, &show, out).await.map(Outcome::from),
            Some(Command::History(arguments)) => {
                history::history(hub, &arguments, out).await.map(Outcome::from)
            }
            Some(Command::Place(arguments)) => place::place(hub, &arguments, out).await,
        }
    }
}
