//! `mutes end`.

use std::io::Write;

use anyhow::bail;
use drs_fleet_aws::io::Io;
use drs_fleet_aws::spells::Ended;
use drs_fleet_domain::notify::MuteRow;

use crate::hub::Hub;
use crate::spells;
use crate::text::ago;

/// What `mutes end` takes.
#[derive(clap::Args)]
#[command(after_help = "Example:
  drs-fleet mutes end 3f9a")]
pub(crate) struct Arguments {
    /// The mute's id, or the beginning of it
    id: String,
}

/// Ends a mute.
pub(super) async fn end(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let MuteRow { id, .. } = spells::meant::<MuteRow>(hub, &arguments.id, |row| &row.id).await?;
    match spells::editor(hub).end::<MuteRow>(&id, &hub.who().await).await? {
        Ended::Now(_) => {
            writeln!(
                out,
                "Mute {id} is over. What it held back is told at the next turn of its group, if it lasts."
            )?;
        }
        Ended::Already(row) => writeln!(out, "Mute {id} ended {}.", ago(hub.io.now(), row.ends_at()))?,
        Ended::Unknown => bail!("it is not in the table any more"),
    }
    Ok(())
}
