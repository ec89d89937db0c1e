//! `tags sync`.

use std::io::Write;

use anyhow::bail;

use crate::accounts::load;
use crate::hub::{self, Hub};
use crate::places::Where;
use crate::text::counted;

/// What `tags sync` takes.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    meant: Where,
}

const HELP: &str = "Examples:
  drs-fleet tags sync                                  everywhere
  drs-fleet tags sync --account Payments --region us-west-2

The tag-sync does the work, account by account; `drs-fleet tags plan` shows what is left, `tags history` what was done. A
sweep compares with what the last sweep of source servers found, so a server that is newer than that waits for the next.";

/// Asks for sweeps of the tags of places.
pub(super) async fn sync(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let registry = load(hub).await?;
    let meant = arguments.meant.drs(&registry)?;
    let (places, off): (Vec<_>, Vec<_>) = meant.into_iter().partition(|place| registry.is_swept(place));
    for place in &off {
        writeln!(out, "{place} is left out: its account is switched off, or not validated.")?;
    }
    if places.is_empty() {
        bail!("nothing was asked for: `drs-fleet accounts list` shows which accounts are ACTIVE");
    }
    if !hub.ask_tag_sweeps(&places).await? {
        let variable = hub::tag_queue_variable();
        bail!(
            "the queue of the tag-sync is not known: set {variable}; it compares tags within 5 minutes anyway"
        );
    }
    writeln!(out, "The tag-sync was asked to compare the tags in {}:", counted(places.len(), "place"))?;
    for place in &places {
        writeln!(out, "  {place} ({})", registry.account_name(&place.account))?;
    }
    Ok(())
}
