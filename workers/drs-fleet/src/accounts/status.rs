//! `accounts activate` and `accounts deactivate`.

use std::io::Write;

use drs_fleet_domain::registry::AccountStatus;

use super::{editor, load, validate};
use crate::hub::Hub;
use crate::places;

/// What `accounts activate` takes.
#[derive(clap::Args)]
pub(crate) struct Activate {
    /// Id or alias
    account: String,
}

/// What `accounts deactivate` takes.
#[derive(clap::Args)]
pub(crate) struct Deactivate {
    /// Id or alias
    account: String,
}

/// Switches an account on if it can be reached as it should be.
pub(super) async fn activate(hub: &Hub, arguments: &Activate, out: &mut dyn Write) -> anyhow::Result<()> {
    let row = places::account(&load(hub).await?, &arguments.account)?.clone();
    validate::each(hub, vec![row], false, out).await
}

/// Switches an account off.
pub(super) async fn deactivate(hub: &Hub, arguments: &Deactivate, out: &mut dyn Write) -> anyhow::Result<()> {
    let id = places::account(&load(hub).await?, &arguments.account)?.id.clone();
    let row = editor(hub).set_status(&id, AccountStatus::Inactive).await?;
    writeln!(out, "{} is INACTIVE. The workers stop calling it within a minute.", places::who(&row))?;
    // Their answer to a sweep of an account that is off is to close what its refusals opened.
    if let Err(error) = hub.ask_sweeps(&row.drs_places().collect::<Vec<_>>()).await {
        writeln!(
            out,
            "An open ACCOUNT_DENIED incident of it stays open: the workers could not be asked ({error})."
        )?;
    }
    writeln!(out, "Its events are still kept. Switch it on: drs-fleet accounts activate {id}")?;
    Ok(())
}
