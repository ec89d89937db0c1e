//! `policy check`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use drs_fleet_domain::policy::Policy;

use super::EXAMPLE;
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
    let policy = usable(&arguments.file)?;
    let (set, overrides) = (policy.fleet.each_set().len(), policy.overrides.len());
    let (set, overrides) = (counted(set, "threshold"), counted(overrides, "override"));
    writeln!(
        out,
        "{} can be used: it sets {set} for the fleet, and has {overrides}.",
        arguments.file.display()
    )?;
    Ok(())
}

/// The policy of a file, if it can be used.
pub(super) fn usable(file: &PathBuf) -> anyhow::Result<Policy> {
    let policy = parse(&explain::read(file)?).with_context(|| format!("{} is no policy", file.display()))?;
    let problems = policy.problems();
    if !problems.is_empty() {
        let lines: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        bail!("{} cannot be used:{}", file.display(), lines.concat());
    }
    Ok(policy)
}

/// YAML, of which JSON is a part.
pub(super) fn parse(text: &str) -> anyhow::Result<Policy> {
    if text.trim().is_empty() {
        bail!("it is empty; a policy that sets nothing is written {{}}");
    }
    Ok(serde_yaml_ng::from_str(text)?)
}
