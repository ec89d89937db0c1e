//! Accounts and Regions as a person names them.

use std::collections::BTreeSet;

use anyhow::bail;
use drs_fleet_domain::ids::Region;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::registry::{AccountRow, Registry};

use crate::text::plain;

/// How many accounts an error lists.
const LISTED: usize = 10;

/// The account that a person means by an id, an alias or a name.
///
/// # Errors
/// When there is none, or several have the name.
pub(crate) fn account<'a>(registry: &'a Registry, given: &str) -> anyhow::Result<&'a AccountRow> {
    let short = |row: &&AccountRow| row.id.as_str() == given || row.alias.as_deref() == Some(given);
    if let Some(row) = registry.accounts().find(short) {
        return Ok(row);
    }
    let named = registry.accounts().filter(|row| row.name.to_lowercase() == given.to_lowercase());
    match named.collect::<Vec<_>>()[..] {
        [row] => Ok(row),
        [] => bail!("no account has the id, alias or name {given:?}; {}", which(registry)),
        ref several => {
            let ids: Vec<_> = several.iter().map(|row| row.id.as_str()).collect();
            bail!("several accounts are named {given:?}: give an id, {}", ids.join(" or "))
        }
    }
}

/// The places that a person means; of all accounts and Regions where nothing is given.
///
/// # Errors
/// When there is no such account, or none that has DRS in the Region.
pub(crate) fn places(
    registry: &Registry,
    account_given: Option<&str>,
    region: Option<&Region>,
) -> anyhow::Result<Vec<Place>> {
    let only = account_given.map(|given| account(registry, given)).transpose()?;
    let of_account = |row: &&AccountRow| only.is_none_or(|only| only.id == row.id);
    let all: Vec<_> = registry.accounts().filter(of_account).flat_map(AccountRow::drs_places).collect();
    let here: Vec<_> =
        all.iter().filter(|place| region.is_none_or(|region| place.region == *region)).cloned().collect();
    if !here.is_empty() {
        return Ok(here);
    }
    let whose =
        only.map_or_else(|| "no registered account".to_owned(), |row| format!("account {}", who(row)));
    let (lacks, elsewhere) =
        if only.is_some() { ("has no DRS", "it has DRS") } else { ("has DRS", "those are") };
    let regions: BTreeSet<_> = all.iter().map(|place| place.region.as_str()).collect();
    match region {
        Some(region) if !regions.is_empty() => {
            let regions: Vec<_> = regions.into_iter().collect();
            bail!("{whose} {lacks} in {region}; {elsewhere} in {}", regions.join(", "))
        }
        _ => bail!(
            "{whose} {lacks} in any Region; `drs-fleet accounts add ACCOUNT --name NAME --drs-region REGION` registers one"
        ),
    }
}

/// An account as texts name it.
pub(crate) fn who(row: &AccountRow) -> String {
    format!("{} ({})", row.id, plain(&row.name))
}

fn which(registry: &Registry) -> String {
    let names: Vec<_> = registry.accounts().take(LISTED).map(who).collect();
    match registry.accounts().count() {
        0 => "none is registered: `drs-fleet accounts add` registers one".to_owned(),
        1..=LISTED => format!("there are {}", names.join(", ")),
        _ => format!("there are {}, …; `drs-fleet accounts list` shows all", names.join(", ")),
    }
}
