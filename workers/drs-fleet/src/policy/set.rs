//! `policy set`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy::{self, PolicyEditor};
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_domain::policy::Policy;

use super::{EXAMPLE, check, diff};
use crate::hub::Hub;
use crate::text::{Ask, ago, plain};

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
    let policy = check::usable(&arguments.file)?;
    let stored = policy::load(&hub.io).await.with_context(|| hub.unreadable())?;
    let before = stored.as_ref().map(|stored| stored.row.policy.clone()).unwrap_or_default();
    if before == policy {
        writeln!(out, "Nothing changes: this is the policy of table {} already.", hub.table)?;
        return Ok(());
    }
    match &stored {
        Some(stored) => {
            let (by, when) = (plain(&stored.row.set_by), ago(hub.io.now(), stored.row.set_at));
            writeln!(out, "Against the policy of table {}, set by {by} {when}:\n", hub.table)?;
        }
        None => writeln!(out, "Table {} has no policy yet, so that all is as by default:\n", hub.table)?,
    }
    for line in diff::lines(&written(&before)?, &written(&policy)?) {
        writeln!(out, "  {line}")?;
    }
    writeln!(out)?;
    if !arguments.yes {
        match ask("Store this policy?")? {
            Some(true) => {}
            Some(false) => {
                writeln!(out, "Nothing was stored.")?;
                return Ok(());
            }
            None => bail!("the policy is not stored without --yes, for nobody can be asked here"),
        }
    }
    let editor = PolicyEditor::new(hub.io.clone(), WriteToken::for_command_of_a_person());
    let row = editor.set(policy, hub.who().await, stored.as_ref()).await?;
    writeln!(out, "Stored as set by {}. The workers take it up within a minute;", plain(&row.set_by))?;
    writeln!(out, "levels and incidents follow with the next sweep of each place.")?;
    Ok(())
}

/// As a person would write it; nothing for a policy that sets nothing.
pub(super) fn written(policy: &Policy) -> anyhow::Result<String> {
    if *policy == Policy::default() {
        return Ok(String::new());
    }
    Ok(serde_yaml_ng::to_string(policy)?)
}
