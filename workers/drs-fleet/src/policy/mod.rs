//! `policy`: the thresholds of the fleet, in one place.

pub(crate) mod check;
mod diff;
mod set;
mod show;
pub(crate) mod store;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{self, Arguments, Asked, OneOf, Outcome, read_far_enough};
use crate::hub::Hub;
use crate::text::Ask;

/// What people call it.
const WHAT: &str = "policy";

const HELP: &str = "Examples:
  drs-fleet policy show --account Payments      what applies to an account, and where it is set
  drs-fleet policy check policy.yaml
  drs-fleet policy set policy.yaml

`drs-fleet policy set --help` shows a policy with comments.";

/// A policy that explains itself.
const EXAMPLE: &str = r#"A policy, in YAML or JSON; all of it may be left out, and what is not set is the default:

  # For the whole fleet. Servers are of a quota of 300, and scaled to the quota that applies.
  fleet:
    info_at: 240                    # INFO from here on; also what placement fills up to
    warning_at: 270
    critical_at: 295
    hysteresis: 5                   # a level is left so many servers below its threshold
    sweep_every: 5m                 # lengths of time: 30m, 1h 30m, PT30M
    lag_above: 1h
    backlog_above: 10737418240      # bytes
  # The tag of a server that names its application, for `capacity place --application`.
  application_tag: Application
  # For some accounts, or for servers with a tag; of several that match, the later wins.
  overrides:
    - accounts: ["111122223333"]    # account ids
      set: { info_at: 200, silent_after: 30m }
    - tag: { key: Tier, value: gold }
      set: { lag_above: 5m, not_seen_after: 10m }

The workers take it up within a minute; levels and incidents follow with the next sweep of each place."#;

/// What `policy` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// Show what applies, and where it is set
    Show(show::Arguments),
    /// Say what is wrong with a policy in a file; the hub is not needed
    Check(check::Arguments),
    /// Store the policy of a file, after showing what changes
    Set(set::Arguments),
}

/// Does what the command line says. A file can be checked where no hub can be reached.
pub(crate) async fn policy(arguments: Arguments<OneOf<Command>>) -> anyhow::Result<Outcome> {
    match &arguments.asked.command {
        Command::Check(check) => {
            read_far_enough(check::check(check, &mut std::io::stdout()).map(Outcome::from))
        }
        Command::Show(_) | Command::Set(_) => family::run(arguments).await,
    }
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, ask: &Ask) -> anyhow::Result<Outcome> {
        let done = match self.command {
            Command::Check(arguments) => check::check(&arguments, out),
            Command::Show(arguments) => show::show(hub, &arguments, out).await,
            Command::Set(arguments) => set::set(hub, &arguments, out, ask).await,
        };
        done.map(Outcome::from)
    }
}
