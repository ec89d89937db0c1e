//! `accounts`: which accounts belong to the fleet.
//!
//! An external id is never taken, stored or printed here: the registry knows the *name* of the secret that
//! holds it, and people put it there with the tools of AWS.

mod add;
mod drill_tag;
mod label;
mod list;
mod remove;
mod seen;
mod show;
mod status;
mod unregistered;
mod validate;

#[cfg(test)]
mod tests;

use std::io::Write;

use anyhow::Context;
use drs_fleet_aws::registry::{self, RegistryEditor, WriteToken};
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_domain::registry::Registry;

use crate::family::{Asked, OneOf, Outcome};
use crate::hub::Hub;
use crate::text::Ask;

const HELP: &str = "Examples:
  drs-fleet accounts list --local               of the running `drs-fleet local`
  drs-fleet accounts add 111122223333 --name Payments --drs-region us-west-2
  drs-fleet accounts validate --all

On AWS, set DRS_FLEET_TABLE and AWS_REGION to the hub's, and use credentials of its role drs-fleet-operator.";

/// What `accounts` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// Register an account and say what is to be deployed for it
    Add(Box<add::Arguments>),
    /// List the registered accounts, or those that were heard and are not registered
    List(list::Arguments),
    /// Show all that is known of an account
    Show(show::Arguments),
    /// Set the organisational unit and the tags of an account, which routes, mutes and windows look at
    Label(label::Arguments),
    /// Try the roles and DRS Regions of accounts; ACTIVE if all is well, else ERROR
    Validate(validate::Arguments),
    /// Validate an account that was switched off, and so switch it on
    Activate(status::Activate),
    /// Switch an account off: its events are kept, it is not called
    Deactivate(status::Deactivate),
    /// Remove an account from the registry; what is known of it stays in the table
    Remove(remove::Arguments),
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, ask: &Ask) -> anyhow::Result<Outcome> {
        let done = match self.command {
            Command::Add(arguments) => add::add(hub, *arguments, out).await,
            Command::List(arguments) => list::list(hub, arguments, out).await,
            Command::Show(arguments) => show::show(hub, &arguments, out).await,
            Command::Label(arguments) => label::label(hub, &arguments, out).await,
            Command::Validate(arguments) => validate::validate(hub, &arguments, out).await,
            Command::Activate(arguments) => status::activate(hub, &arguments, out).await,
            Command::Deactivate(arguments) => status::deactivate(hub, &arguments, out).await,
            Command::Remove(arguments) => remove::remove(hub, &arguments, out, ask).await,
        };
        done.map(Outcome::from)
    }
}

fn editor(hub: &Hub) -> RegistryEditor<SdkIo> {
    RegistryEditor::new(hub.io.clone(), WriteToken::for_command_of_a_person())
}

/// The registry.
pub(crate) async fn load(hub: &Hub) -> anyhow::Result<Registry> {
    registry::load(&hub.io).await.with_context(|| hub.unreadable())
}
