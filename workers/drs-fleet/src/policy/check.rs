//! `policy check`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use drs_fleet_aws::policy::SetByPerson;
use drs_fleet_domain::policy::PolicyRow;
use serde::de::DeserializeOwned;

use super::{EXAMPLE, WHAT};
use crate::explain;
use crate::text::counted;

/// What `policy check` takes.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// A policy in YAML or JSON; - for standard input
    file: PathBuf,
}

/// Says what is wrong with a policy; ends with 1 when something is.
pub(super) fn check(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let policy = usable::<PolicyRow>(&arguments.file, WHAT)?;
    let (set, overrides) = (policy.fleet.each_set().len(), policy.overrides.len());
    let (set, overrides) = (counted(set, "threshold"), counted(overrides, "override"));
    writeln!(
        out,
        "{} can be used: it sets {set} for the fleet, and has {overrides}.",
        arguments.file.display()
    )?;
    Ok(())
}

/// The policy of a file, if it can be used; `what` is what people call it.
pub(crate) fn usable<R>(file: &PathBuf, what: &str) -> anyhow::Result<R::Policy>
where
    R: SetByPerson<Policy: DeserializeOwned>,
{
    usable_text::<R>(&explain::read(file)?, file, what)
}

/// The same of a file that was read.
pub(crate) fn usable_text<R>(text: &str, file: &Path, what: &str) -> anyhow::Result<R::Policy>
where
    R: SetByPerson<Policy: DeserializeOwned>,
{
    let policy: R::Policy = parse(text).with_context(|| format!("{} holds no {what}", file.display()))?;
    let problems = R::problems(&policy);
    if !problems.is_empty() {
        let lines: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        bail!("{} cannot be used:{}", file.display(), lines.concat());
    }
    Ok(policy)
}

/// YAML, of which JSON is a part.
pub(crate) fn parse<P: DeserializeOwned>(text: &str) -> anyhow::Result<P> {
    if text.trim().is_empty() {
        bail!("it is empty; a policy that sets nothing is written {{}}");
    }
    Ok(serde_yaml_ng::from_str(text)?)
}
