//! Storing what a person has written, after showing what it changes.

use std::io::Write;

use anyhow::{Context, bail};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::policy::{self, PolicyEditor, SetByPerson};
use drs_fleet_aws::registry::WriteToken;
use serde::Serialize;

use super::diff;
use crate::hub::Hub;
use crate::text::{Ask, ago, plain};

/// Stores a policy, which people call `what`, and says who set it; false when it was not stored, and why is said.
pub(crate) async fn store<R>(
    hub: &Hub,
    (policy, what): (R::Policy, &str),
    yes: bool,
    out: &mut dyn Write,
    ask: &Ask,
) -> anyhow::Result<bool>
where
    R: SetByPerson<Policy: PartialEq + Serialize>,
{
    let stored = policy::load::<R>(&hub.io).await.with_context(|| hub.unreadable())?;
    let before = stored.as_ref().map(|stored| stored.row.policy().clone()).unwrap_or_default();
    if before == policy {
        writeln!(out, "Nothing changes: this is the {what} of table {} already.", hub.table)?;
        return Ok(false);
    }
    match &stored {
        Some(stored) => {
            let (by, when) = stored.row.by();
            let (by, when) = (plain(by), ago(hub.io.now(), when));
            writeln!(out, "Against the {what} of table {}, set by {by} {when}:\n", hub.table)?;
        }
        None => writeln!(out, "Table {} has no {what} yet, so that all is as by default:\n", hub.table)?,
    }
    for line in diff::lines(&written(&before)?, &written(&policy)?) {
        writeln!(out, "  {line}")?;
    }
    writeln!(out)?;
    if !yes {
        match ask(&format!("Store this {what}?"))? {
            Some(true) => {}
            Some(false) => {
                writeln!(out, "Nothing was stored.")?;
                return Ok(false);
            }
            None => bail!("the {what} is not stored without --yes, for nobody can be asked here"),
        }
    }
    let editor = PolicyEditor::new(hub.io.clone(), WriteToken::for_command_of_a_person());
    let row = editor.set(policy, hub.who().await, stored.as_ref()).await?;
    write!(out, "Stored as set by {}. The workers take it up within a minute", plain(row.by().0))?;
    Ok(true)
}

/// As a person would write it; nothing for a policy that sets nothing.
fn written<P: Default + PartialEq + Serialize>(policy: &P) -> anyhow::Result<String> {
    if *policy == P::default() {
        return Ok(String::new());
    }
    Ok(serde_yaml_ng::to_string(policy)?)
}
