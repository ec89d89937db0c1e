//! `accounts remove`.

use std::io::Write;

use anyhow::bail;
use drs_fleet_domain::registry::AccountRow;

use super::add::command;
use super::{editor, load};
use crate::hub::Hub;
use crate::places;
use crate::text::Ask;

/// What `accounts remove` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Id or alias
    account: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Removes an account after asking.
pub(super) async fn remove(
    hub: &Hub,
    arguments: &Arguments,
    out: &mut dyn Write,
    ask: &Ask,
) -> anyhow::Result<()> {
    let row = places::account(&load(hub).await?, &arguments.account)?.clone();
    if !arguments.yes {
        let question = format!("Remove account {} from the registry?", places::who(&row));
        match ask(&question)? {
            Some(true) => {}
            Some(false) => {
                writeln!(out, "Nothing was removed.")?;
                return Ok(());
            }
            None => bail!("account {} is not removed without --yes, for nobody can be asked here", row.id),
        }
    }
    let removed = editor(hub).remove(&row.id).await?;
    write!(out, "{}", farewell(&removed))?;
    Ok(())
}

fn farewell(row: &AccountRow) -> String {
    let AccountRow { id, external_id_secret, .. } = row;
    format!(
        "{} is not registered any more. The workers stop calling it within a minute.\n\n\
         What stays:\n  \
         its servers, jobs, tags and incidents in the table, as they were seen last\n  \
         the secret {external_id_secret} in the hub\n  \
         the stack of infra/spoke.yaml in {id}; while it is there, its events come in and are recorded as \
         unregistered\n\n\
         Register it again: {}\n",
        places::who(row),
        command(row),
    )
}
