//! `routes set`.

use std::io::Write;
use std::path::PathBuf;

use drs_fleet_domain::notify::RoutesRow;

use super::{EXAMPLE, WHAT, file};
use crate::hub::Hub;
use crate::policy::store::store;
use crate::text::Ask;

/// What `routes set` takes.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Routes in YAML or JSON; - for standard input
    file: PathBuf,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Stores routes after showing what they change.
pub(super) async fn set(
    hub: &Hub,
    arguments: &Arguments,
    out: &mut dyn Write,
    ask: &Ask,
) -> anyhow::Result<()> {
    let routes = file::usable(&arguments.file)?;
    file::warn(&routes, out)?;
    if store::<RoutesRow>(hub, (routes, WHAT), arguments.yes, out, ask).await? {
        writeln!(out, ";\n`drs-fleet routes test` says what an incident takes.")?;
    }
    Ok(())
}
