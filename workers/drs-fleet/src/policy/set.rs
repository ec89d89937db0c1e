//! `policy set`.

use std::io::Write;
use std::path::PathBuf;

use drs_fleet_domain::policy::PolicyRow;

use super::store::store;
use super::{EXAMPLE, WHAT, check};
use crate::hub::Hub;
use crate::text::Ask;

/// What `policy set` takes.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// A policy in YAML or JSON; - for standard input
    file: PathBuf,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Stores a policy after showing what it changes.
pub(super) async fn set(
    hub: &Hub,
    arguments: &Arguments,
    out: &mut dyn Write,
    ask: &Ask,
) -> anyhow::Result<()> {
    let policy = check::usable::<PolicyRow>(&arguments.file, WHAT)?;
    if store::<PolicyRow>(hub, (policy, WHAT), arguments.yes, out, ask).await? {
        writeln!(out, ";\nlevels and incidents follow with the next sweep of each place.")?;
    }
    Ok(())
}
