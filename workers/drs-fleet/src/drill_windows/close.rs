//! `drill-window close`.

use std::io::Write;

use anyhow::bail;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::spells::Ended;
use drs_fleet_domain::notify::WindowRow;

use crate::hub::Hub;
use crate::spells;
use crate::text::{ago, plain};

/// What `drill-window close` takes.
#[derive(clap::Args)]
#[command(after_help = "Example:
  drs-fleet drill-window close 3f9a")]
pub(crate) struct Arguments {
    /// The window's id, or the beginning of it
    id: String,
}

/// Closes a window.
pub(super) async fn close(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let WindowRow { id, .. } = spells::meant::<WindowRow>(hub, &arguments.id, |row| &row.id).await?;
    match spells::editor(hub).end::<WindowRow>(&id, &hub.who().await).await? {
        Ended::Now(row) => {
            let name = plain(&row.name);
            writeln!(
                out,
                "Window {id} for {name:?} is closed: from now on its incidents are told as any other."
            )?;
        }
        Ended::Already(row) => {
            writeln!(out, "Window {id} was closed {}.", ago(hub.io.now(), row.closes_at()))?;
        }
        Ended::Unknown => bail!("it is not in the table any more"),
    }
    Ok(())
}
