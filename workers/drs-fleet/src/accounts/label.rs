//! `accounts label`, and what labels an account has for routes, mutes and windows.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::ensure;
use drs_fleet_domain::policy::DRILL_TAG;

use super::add::a_name;
use super::{drill_tag, editor, load};
use crate::hub::Hub;
use crate::places;
use crate::text::{counted, plain};

/// What `accounts label` takes.
#[derive(clap::Args)]
#[command(
    group = clap::ArgGroup::new("change").args(["ou", "no_ou", "tags", "untag"]).required(true).multiple(true),
    after_help = "Examples:
  drs-fleet accounts label Payments --ou Production --tag team=blue --untag stage
  drs-fleet accounts label Payments --tag 'drs-fleet:drill=spring drill 2026-12-01T20:00Z/6h'      opens a drill's window"
)]
pub(crate) struct Arguments {
    /// Id, alias or name
    account: String,
    /// Its organisational unit, as your routes name it
    #[arg(long, value_name = "NAME", value_parser = a_name, conflicts_with = "no_ou")]
    ou: Option<String>,
    /// Forget its organisational unit
    #[arg(long)]
    no_ou: bool,
    /// A tag, such as team=erp; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = drill_tag::readable)]
    tags: Vec<(String, String)>,
    /// A tag to forget; may be given several times
    #[arg(long, value_name = "KEY")]
    untag: Vec<String>,
}

/// Changes what routes, mutes and windows look at.
pub(super) async fn label(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let Arguments { account, ou, no_ou, tags, untag } = arguments;
    let registry = load(hub).await?;
    let known = places::account(&registry, account)?;
    let (id, former) = (known.id.clone(), known.tags.get(DRILL_TAG).cloned());
    let tags = unique(tags)?;
    let change = |labels: &mut (Option<String>, BTreeMap<String, String>)| {
        if *no_ou || ou.is_some() {
            labels.0.clone_from(ou);
        }
        labels.1.retain(|key, _| !untag.contains(key));
        labels.1.extend(tags.clone());
    };
    let row = editor(hub).label(&id, change).await?;
    let ou = row.ou.as_deref().map_or_else(|| "no OU".to_owned(), |ou| format!("OU {}", plain(ou)));
    let count = counted(row.tags.len(), "tag");
    writeln!(out, "{} has {ou} and {count}. The notifier takes it up within a minute.", places::who(&row))?;
    if let Some(tag) = tags.get(DRILL_TAG) {
        drill_tag::opens(hub, tag, out).await?;
    }
    if let Some(former) = former.filter(|former| row.tags.get(DRILL_TAG) != Some(former)) {
        drill_tag::stays(hub, &former, out).await?;
    }
    Ok(())
}

/// Tags by key.
pub(super) fn unique(tags: &[(String, String)]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for (key, value) in tags {
        ensure!(all.insert(key.clone(), value.clone()).is_none(), "the tag {key} is given twice");
    }
    Ok(all)
}
