//! Accounts and places as a person names them, read side by side. What cannot be read keeps nobody from seeing the rest.

use std::collections::BTreeSet;
use std::future::Future;

use anyhow::bail;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::{AccountId, Region};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::registry::{AccountRow, Registry};
use futures::{StreamExt, stream};
use serde::Serialize;

use crate::text::{counted, plain};

/// How many places are read at a time: a table on demand serves far more, a person's machine does not.
const SIDE_BY_SIDE: usize = 16;
/// How many accounts an error lists.
const LISTED: usize = 10;
const REGISTER: &str = "`drs-fleet accounts add ACCOUNT --name NAME --drs-region REGION` registers one";

/// Which places are meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Where {
    /// Only of this account: its id, alias or name
    #[arg(long)]
    account: Option<String>,
    /// Only in this Region
    #[arg(long)]
    region: Option<Region>,
}

/// What was read of each place that could be read.
#[derive(Debug)]
pub(crate) struct Found<T> {
    /// In the order of the places.
    pub(crate) found: Vec<T>,
    /// The others.
    pub(crate) unread: Vec<Unread>,
}

/// A place that could not be read.
#[derive(Debug, Serialize)]
pub(crate) struct Unread {
    place: Place,
    why: String,
}

impl Where {
    /// All accounts in a Region.
    pub(crate) fn region(region: &Region) -> Self {
        Self { account: None, region: Some(region.clone()) }
    }

    /// As if it was typed.
    pub(crate) fn meaning(account: Option<&String>, region: Option<&Region>) -> Self {
        Self { account: account.cloned(), region: region.cloned() }
    }

    /// Whether not simply all places are meant.
    pub(crate) fn is_given(&self) -> bool {
        self.account.is_some() || self.region.is_some()
    }

    /// The places with DRS that are meant, those of accounts that are switched off included.
    ///
    /// # Errors
    /// When there is no such account, or none that has DRS in the Region.
    pub(crate) fn drs(&self, registry: &Registry) -> anyhow::Result<Vec<Place>> {
        let all: BTreeSet<_> = drs(registry).collect();
        if all.is_empty() {
            bail!("no registered account has DRS in any Region; {REGISTER}");
        }
        self.choose(registry, &all, ["has no DRS in", "has DRS in"])
    }

    /// Those of `places` that are meant.
    ///
    /// # Errors
    /// When there is no such account, or it is not in the Region.
    pub(crate) fn of(
        &self,
        registry: &Registry,
        places: impl Iterator<Item = Place>,
    ) -> anyhow::Result<Vec<Place>> {
        self.choose(registry, &places.collect(), ["is not in", "is in"])
    }

    fn choose(
        &self,
        registry: &Registry,
        all: &BTreeSet<Place>,
        [lacks, has]: [&str; 2],
    ) -> anyhow::Result<Vec<Place>> {
        let id = self.account.as_ref().map(|given| id(registry, all, given)).transpose()?;
        let of_account = all.iter().filter(|place| id.as_ref().is_none_or(|id| *id == place.account));
        let in_region = |place: &&Place| self.region.as_ref().is_none_or(|region| *region == place.region);
        let meant: Vec<_> = of_account.clone().filter(in_region).cloned().collect();
        if !meant.is_empty() || !self.is_given() {
            return Ok(meant);
        }
        let regions: BTreeSet<_> = of_account.map(|place| place.region.as_str()).collect();
        let regions = regions.into_iter().collect::<Vec<_>>().join(", ");
        let named = |id: &AccountId| registry.account(id).map_or_else(|| id.to_string(), who);
        let region = self.region.as_ref().map_or("any Region", Region::as_str);
        match id {
            Some(id) if regions.is_empty() => {
                bail!("account {} {lacks} {region}; `drs-fleet accounts show {id}` shows it", named(&id))
            }
            Some(id) => bail!("account {} {lacks} {region}, only in {regions}", named(&id)),
            None if regions.is_empty() => bail!("no account {has} {region}; {REGISTER}"),
            None => bail!("no account {has} {region}, only in {regions}"),
        }
    }
}

/// The id of the account that a person means: a registered one, or the id of one that sends without being so.
fn id(registry: &Registry, places: &BTreeSet<Place>, given: &str) -> anyhow::Result<AccountId> {
    let unregistered = places.iter().find(|place| place.account.as_str() == given);
    unregistered.map_or_else(|| account(registry, given).map(|row| row.id.clone()), |p| Ok(p.account.clone()))
}

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
        [] => bail!("no registered account has the id, alias or name {given:?}; {}", which(registry)),
        ref several => {
            let ids: Vec<_> = several.iter().map(|row| row.id.as_str()).collect();
            bail!("several accounts are named {given:?}: give an id, {}", ids.join(" or "))
        }
    }
}

/// An account as texts name it.
pub(crate) fn who(row: &AccountRow) -> String {
    format!("{} ({})", row.id, plain(&row.name))
}

fn which(registry: &Registry) -> String {
    let names: Vec<_> = registry.accounts().take(LISTED).map(who).collect();
    match registry.accounts().count() {
        0 => format!("none is registered: {REGISTER}"),
        1..=LISTED => format!("there are {}", names.join(", ")),
        _ => format!("there are {}, …; `drs-fleet accounts list` shows all", names.join(", ")),
    }
}

/// Where DRS replicates in any registered account, those that are switched off included.
pub(crate) fn drs(registry: &Registry) -> impl Iterator<Item = Place> {
    registry.accounts().flat_map(AccountRow::drs_places)
}

/// Reads each place.
pub(crate) async fn each<T, F>(places: Vec<Place>, read: impl Fn(Place) -> F) -> Found<T>
where
    F: Future<Output = Result<T, IoError>>,
{
    let one = |place: Place| {
        let reading = read(place.clone());
        async move { (place, reading.await) }
    };
    let mut answers = stream::iter(places).map(one).buffered(SIDE_BY_SIDE);
    let mut all = Found { found: Vec::new(), unread: Vec::new() };
    while let Some((place, answer)) = answers.next().await {
        match answer {
            Ok(found) => all.found.push(found),
            Err(error) => all.unread.push(Unread { place, why: error.to_string() }),
        }
    }
    all
}

/// The error to end with after the rest was shown: a script must not take a part for the whole.
///
/// # Errors
/// When there is any such place.
pub(crate) fn complain(unread: &[Unread]) -> anyhow::Result<()> {
    if unread.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = unread.iter().map(|u| format!("\n  {}: {}", u.place, plain(&u.why))).collect();
    bail!(
        "{} could not be read, and nothing of that is shown:{}",
        counted(unread.len(), "place"),
        lines.concat()
    )
}

#[cfg(test)]
mod tests {
    use drs_fleet_aws::verdict::{Neighbour, Verdict};

    use super::*;

    fn place(region: &str) -> Place {
        Place { account: "111122223333".parse().unwrap(), region: region.parse().unwrap() }
    }

    #[tokio::test]
    async fn a_place_that_cannot_be_read_is_named_and_the_rest_is_there() {
        let places = ["eu-central-1", "us-east-1", "us-west-2"].map(place).to_vec();
        let read = each(places, async |place: Place| {
            if place.region.as_str() == "us-east-1" {
                return Err(IoError::new(Neighbour::Table, "Query", Verdict::Throttled, "too\nfast"));
            }
            Ok(place.region.to_string())
        });
        let all = read.await;
        assert_eq!(all.found, ["eu-central-1", "us-west-2"]);
        let error = complain(&all.unread).unwrap_err().to_string();
        assert!(
            error.starts_with("1 place could not") && error.contains("us-east-1: Query failed"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 2, "{error}");
        assert!(complain(&[]).is_ok());
    }

    fn registry(accounts: &[(&str, &str, &str)]) -> Registry {
        let row = |(id, name, alias): &(&str, &str, &str)| {
            let row = serde_json::json!({
                "id": id, "name": name, "alias": alias, "role_arn": "", "external_id_secret": "", "status": "ACTIVE",
                "regions": [{ "region": "us-west-2", "drs": true, "source": false }],
            });
            serde_json::from_value(row).unwrap()
        };
        accounts.iter().map(row).collect()
    }

    fn meant(account: Option<&str>, region: Option<&str>) -> Where {
        Where { account: account.map(str::to_owned), region: region.map(|r| r.parse().unwrap()) }
    }

    #[test]
    fn an_account_is_meant_by_id_alias_or_name_in_any_case() {
        let registry = registry(&[("111122223333", "Payments", "pay"), ("222233334444", "ERP", "erp")]);
        for given in ["222233334444", "erp", "ERP", "Erp"] {
            assert_eq!(account(&registry, given).unwrap().name, "ERP", "{given}");
        }
        let nobody = account(&registry, "nobody").unwrap_err().to_string();
        assert!(nobody.ends_with("there are 111122223333 (Payments), 222233334444 (ERP)"), "{nobody}");
        let none = account(&Registry::default(), "nobody").unwrap_err().to_string();
        assert!(none.contains("accounts add"), "{none}");
    }

    #[test]
    fn a_name_that_two_accounts_have_is_refused_with_their_ids() {
        let registry = registry(&[("111122223333", "ERP", "a"), ("222233334444", "erp", "b")]);
        let error = account(&registry, "ERP").unwrap_err().to_string();
        assert!(error.contains("give an id, 111122223333 or 222233334444"), "{error}");
        assert_eq!(account(&registry, "b").unwrap().id.as_str(), "222233334444");
    }

    #[test]
    fn an_account_or_region_without_places_is_an_error_that_says_which_there_are() {
        let registry = registry(&[("111122223333", "Payments", "pay")]);
        let error = |account, region| meant(account, region).drs(&registry).unwrap_err().to_string();
        assert_eq!(meant(Some("payments"), Some("us-west-2")).drs(&registry).unwrap(), [place("us-west-2")]);
        assert!(error(Some("nobody"), None).contains("\"nobody\""));
        let elsewhere = "account 111122223333 (Payments) has no DRS in eu-west-1, only in us-west-2";
        assert_eq!(error(Some("pay"), Some("eu-west-1")), elsewhere);
        assert_eq!(error(None, Some("eu-west-1")), "no account has DRS in eu-west-1, only in us-west-2");
        let none = Where::default().drs(&Registry::default()).unwrap_err().to_string();
        assert!(none.contains("accounts add"), "{none}");
    }

    #[test]
    fn an_account_that_only_sends_is_meant_by_its_id() {
        let sends = || std::iter::once(place("us-west-2"));
        let found = meant(Some("111122223333"), None).of(&Registry::default(), sends()).unwrap();
        assert_eq!(found, [place("us-west-2")]);
        assert_eq!(Where::default().of(&Registry::default(), std::iter::empty()).unwrap(), []);
    }
}
