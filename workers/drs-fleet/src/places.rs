//! Places as a person chooses them, read side by side. What cannot be read keeps nobody from seeing the rest.

use std::collections::BTreeSet;
use std::future::Future;

use anyhow::bail;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::Region;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::registry::{AccountRow, Registry};
use futures::{StreamExt, stream};
use serde::Serialize;

use crate::text::{counted, plain};

/// How many places are read at a time: a table on demand serves far more, a person's machine does not.
const SIDE_BY_SIDE: usize = 16;

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
    /// Those of `places` that are meant.
    ///
    /// # Errors
    /// When the account is not one of them.
    pub(crate) fn of(
        &self,
        registry: &Registry,
        places: impl Iterator<Item = Place>,
    ) -> anyhow::Result<Vec<Place>> {
        let of_account = |place: &Place| self.account.as_ref().is_none_or(|a| is_called(registry, place, a));
        let places: BTreeSet<_> = places.filter(of_account).collect();
        if let (Some(given), true) = (&self.account, places.is_empty()) {
            bail!(
                "{given:?} is neither id, alias nor name of an account of the fleet; `drs-fleet accounts list` shows \
                 them"
            );
        }
        let in_region = |place: &Place| self.region.as_ref().is_none_or(|region| *region == place.region);
        Ok(places.into_iter().filter(in_region).collect())
    }
}

fn is_called(registry: &Registry, place: &Place, given: &str) -> bool {
    let is_it = |row: &AccountRow| is_named(row, given);
    place.account.as_str() == given || registry.account(&place.account).is_some_and(is_it)
}

/// Whether a person means this account: its id, its alias, or its name in whatever case.
pub(crate) fn is_named(row: &AccountRow, given: &str) -> bool {
    row.id.as_str() == given
        || row.alias.as_deref() == Some(given)
        || row.name.to_lowercase() == given.to_lowercase()
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

    #[test]
    fn an_account_that_is_not_there_is_an_error_and_a_region_without_any_is_none() {
        let registry = Registry::default();
        let choose = |account: Option<&str>, region: Option<&str>| {
            let meant =
                Where { account: account.map(str::to_owned), region: region.map(|r| r.parse().unwrap()) };
            meant.of(&registry, std::iter::once(place("us-west-2"))).map(|places| places.len())
        };
        assert!(choose(Some("nobody"), None).unwrap_err().to_string().contains("\"nobody\" is neither"));
        assert_eq!(choose(Some("111122223333"), None).unwrap(), 1);
        assert_eq!(choose(None, Some("eu-west-1")).unwrap(), 0);
    }
}
